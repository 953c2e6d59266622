"""What the recogniser hands on, and that it looks at a crop once."""

from __future__ import annotations

import numpy as np

from faceagent_tools.embedding import FaceEmbedder
from faceagent_tools.multitask import FaceReader
from faceagent_tools.trunk import CHIP_SIZE, MAPS, Trunk, Views


class Counting(Trunk):
    """Counts the crops that are really run."""

    runs = 0

    def run(self, chips: np.ndarray) -> Views:
        self.runs += 1
        return super().run(chips)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (CHIP_SIZE, CHIP_SIZE, 3), np.uint8)


def test_maps_have_the_shapes_that_are_named() -> None:
    views = Trunk().both_ways(noise(0))
    assert {name: values.shape for name, values in views.items()} == {
        **{name: (2, *shape) for name, shape in MAPS.items()},
        "embedding": (2, 128),
    }


def test_a_crop_is_looked_at_once_whoever_asks() -> None:
    trunk = Counting()
    FaceEmbedder(trunk).embed_chip(noise(0))
    FaceReader(trunk).outputs(noise(0))
    assert trunk.runs == 1
    FaceReader(trunk).outputs(noise(1))
    assert trunk.runs == 2


def test_it_forgets_in_the_end() -> None:
    trunk = Counting()
    for seed in range(40):
        trunk.both_ways(noise(seed))
    trunk.both_ways(noise(39))
    assert trunk.runs == 40
    trunk.both_ways(noise(0))
    assert trunk.runs == 41
