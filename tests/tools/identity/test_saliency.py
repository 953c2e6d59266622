"""What a likeness rests on: places that are blurred, and the difference that it makes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from faceagent_tools.identity import saliency
from faceagent_tools.trunk import Trunk


class Corner(Trunk):
    """A recogniser that sees nothing but how bright a corner of the crop is."""

    def run(self, chips):
        bright = chips[:, :40, :40].astype(np.float64).mean(axis=(1, 2, 3)) / 255
        return {"embedding": np.stack([bright, 1 - bright, *np.zeros((126, len(chips)))], axis=1).astype(np.float32)}


@pytest.fixture
def chip():
    """Grey, with a corner that is bright."""
    pixels = np.full((150, 150, 3), 60, np.uint8)
    pixels[:20, :20] = 255
    return pixels


def test_the_place_that_the_recogniser_looks_at_supports_the_likeness(chip):
    network = Corner()
    other = network.run(chip[None])["embedding"][0]
    found = saliency.support(network, chip, other)
    assert found.shape == (150, 150)
    assert np.unravel_index(found.argmax(), found.shape) < (45, 45)
    assert np.allclose(found[90:, 90:], 0)


def test_where_blurring_makes_it_more_alike_it_speaks_against(chip):
    network = Corner()
    dark = np.zeros((1, 150, 150, 3), np.uint8)
    found = saliency.support(network, chip, network.run(dark)["embedding"][0])
    assert found.min() < 0
    assert np.unravel_index(found.argmin(), found.shape) < (45, 45)


def test_occlusions_cover_the_crop(chip):
    places = saliency.occlusions()
    assert (places.sum(axis=0)[10:140, 10:140] > 0).all()
    assert places.min() >= 0
    assert places.max() == 1
    assert np.array_equal(saliency.blurred(chip, np.zeros((150, 150))), chip)


def test_the_overlay_shows_support_red_and_the_contrary_blue(chip):
    found = np.zeros((150, 150))
    found[:75], found[75:] = 1.0, -1.0
    drawn = np.asarray(Image.open(io.BytesIO(saliency.overlay(chip, found)))).astype(int)
    assert drawn.shape == (300, 300, 3)
    assert drawn[60, 200, 0] > drawn[60, 200, 2]
    assert drawn[250, 200, 2] > drawn[250, 200, 0]
