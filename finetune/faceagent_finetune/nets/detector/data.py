"""Batches of composed pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from faceagent_finetune.nets.detector.compose import Composer, Plan
from faceagent_finetune.nets.detector.labels import PhotoSet
from faceagent_finetune.nets.multitask.data import Batch

_MOST_FACES = 32


class Mixer:
    """Training batches. Batch k is the same whenever it is made: a run that goes on sees what it would have.

    Args:
        mix: how often a face comes from each set. side: of the pictures, px.
    """

    def __init__(self, cache: Path, mix: Mapping[str, float], batch: int, side: int, seed: int, plan: Plan) -> None:
        self._composer = Composer([PhotoSet.open(cache, name) for name in mix], list(mix.values()), plan)
        self._batch, self._side, self._seed = batch, side, seed

    @property
    def faces(self) -> int:
        return self._composer.faces

    def batch(self, step: int) -> Batch:
        """Pixels uint8 RGB [B, S, S, 3]; targets boxes [B, M, 4], points [B, M, 5, 2], kinds [B, M] (see `losses`)."""
        rng = np.random.default_rng([self._seed, step])
        pixels = np.empty((self._batch, self._side, self._side, 3), np.uint8)
        boxes = np.zeros((self._batch, _MOST_FACES, 4), np.float32)
        points = np.zeros((self._batch, _MOST_FACES, 5, 2), np.float32)
        kinds = np.full((self._batch, _MOST_FACES), -1, np.int8)
        for place in range(self._batch):
            canvas = self._composer.picture(rng, self._side)
            pixels[place] = canvas.pixels
            found = canvas.finished()
            count = min(len(found[0]), _MOST_FACES)
            boxes[place, :count], points[place, :count], kinds[place, :count] = (values[:count] for values in found)
        return pixels, {"boxes": boxes, "points": points, "kinds": kinds}
