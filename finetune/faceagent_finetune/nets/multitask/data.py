"""Batches from the folder that `crops` made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent_finetune.nets.multitask.augment import Strength, augmented
from faceagent_tools import multitask
from faceagent_tools.multitask import SIZE

Arrays = dict[str, npt.NDArray[Any]]
Batch = tuple[npt.NDArray[np.uint8], Arrays]


@dataclass(frozen=True)
class CropSet:
    """One set: crops uint8 [N, S, S, 3] (on disk), targets (see `labels.blank`), val [N], how [N], paths [N]."""

    name: str
    crops: npt.NDArray[np.uint8]
    targets: Arrays
    val: npt.NDArray[np.bool_]
    how: npt.NDArray[np.uint8]
    paths: npt.NDArray[np.str_]

    @staticmethod
    def open(cache: Path, name: str) -> CropSet:
        """
        Raises:
            UsageError: the set is not in the cache.
        """
        folder = cache / name
        if not (folder / "labels.npz").is_file():
            raise UsageError(
                f"{folder} holds no finished crops", "Make them with faceagent_finetune.nets.multitask.crops"
            )
        with np.load(folder / "labels.npz") as stored:
            targets = {key: stored[key] for key in multitask.HEADS}
            val, how, paths = stored["val"], stored["how"], stored["paths"]
        # The file may have room for more photos than could be read.
        crops = np.load(folder / "crops.npy", mmap_mode="r")[: len(val)]
        return CropSet(name, crops, targets, val, how, paths)


class Mixer:
    """Augmented training batches. Batch k is the same whenever it is made: a run that goes on sees what it would have.

    Args:
        mix: share of each set in a batch. size: side of a sample in pixels.
    """

    def __init__(
        self, cache: Path, mix: Mapping[str, float], batch: int, seed: int, strength: Strength, size: int = SIZE
    ) -> None:
        self._sets = [CropSet.open(cache, name) for name in mix]
        self._rows = [np.flatnonzero(~crops.val) for crops in self._sets]
        for crops, rows in zip(self._sets, self._rows, strict=True):
            if not rows.size:
                raise UsageError(f"{crops.name} has no photo of the train split", "Leave it out of [mix]")
        self._shares = np.array(list(mix.values())) / sum(mix.values())
        self._batch, self._seed, self._strength, self._size = batch, seed, strength, size

    @property
    def photos(self) -> int:
        return sum(rows.size for rows in self._rows)

    def batch(self, step: int) -> Batch:
        """Pixels uint8 [B, size, size, 3] and targets."""
        rng = np.random.default_rng([self._seed, step])
        pixels = np.empty((self._batch, self._size, self._size, 3), np.uint8)
        targets: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in multitask.HEADS}
        for place, which in enumerate(rng.choice(len(self._sets), self._batch, p=self._shares)):
            crops, rows = self._sets[which], self._rows[which]
            row = rows[rng.integers(rows.size)]
            beside = self._sets[rng.integers(len(self._sets))].crops
            sample = {name: values[row] for name, values in crops.targets.items()}
            pixels[place], sample["points"], sample["pose"], sample["openings"] = augmented(
                crops.crops[row],
                sample["points"],
                sample["pose"],
                sample["openings"],
                beside[rng.integers(len(beside))],
                self._size,
                rng,
                self._strength,
            )
            for name, value in sample.items():
                targets[name].append(np.asarray(value))
        return pixels, {name: np.stack(values) for name, values in targets.items()}
