"""The classifier of CLIP's features: what it is shown, and how it is fitted."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from faceagent_finetune.nets import clip_probe
from faceagent_finetune.nets.forensic.post import Strength, drawn, whole
from faceagent_tools.forensics.clip import FEATURES
from faceagent_tools.forensics.windows import CELLS, KINDS, SIZE

pytest.importorskip("sklearn")


@pytest.mark.parametrize("side", [60.0, 150.0, 260.0])
@pytest.mark.parametrize("flip", [False, True])
def test_a_face_is_shown_whole_with_its_mask_in_the_same_place(side: float, flip: bool) -> None:
    mask = np.zeros((500, 600), np.float32)
    cv2.circle(mask, (280, 240), round(side / 3), 1.0, -1)
    pixels = np.repeat(np.round(mask[:, :, None] * 255).astype(np.uint8), 3, axis=2)
    draw = dataclasses.replace(
        drawn(np.random.default_rng(0), ("none", 100), Strength()), flip=flip, scale=1.0, codec=("none", 100)
    )
    plain = dataclasses.replace(draw, curve=None, grey=False, blur=0.0, sharpen=0.0, noise=(0, 0.0))
    seen = whole(pixels, mask, (300.0, 250.0), side, plain)
    assert seen.pixels.shape == (SIZE, SIZE, 3) and seen.cells.shape == (CELLS, CELLS)
    shown = cv2.resize(seen.pixels[:, :, 0].astype(np.float32) / 255, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    assert seen.cells.mean() > 0.02
    assert np.abs(shown - seen.cells).max() < 0.1


def test_the_classifier_tells_apart_what_can_be_told_apart() -> None:
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(len(KINDS)), 60)
    features = rng.standard_normal((len(kinds), FEATURES)).astype(np.float32)
    features[np.arange(len(kinds)), kinds] += 6.0
    made = clip_probe.fit(5.0 + 3.0 * features, kinds, strength=1e-2)
    odds = made.log_odds(5.0 + 3.0 * features)
    assert made.weights.shape == (len(KINDS), FEATURES)
    assert np.mean((odds > np.median(odds[:60]) + 1) == (kinds > 0)) > 0.9


def test_all_kinds_have_to_be_shown() -> None:
    kinds = np.repeat([0, 1], 5)
    features = np.random.default_rng(0).standard_normal((10, FEATURES)).astype(np.float32)
    with pytest.raises(ValueError, match="kinds"):
        clip_probe.fit(features, kinds)
