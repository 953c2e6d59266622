"""Batches from the folder that `crops` made."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent_finetune.nets.multitask.augment import Strength, augmented
from faceagent_tools import multitask
from faceagent_tools.multitask import SIZE

Arrays = dict[str, npt.NDArray[Any]]
Batch = tuple[npt.NDArray[np.uint8], Arrays]
_AHEAD = 4  # batches made before they are asked for


@dataclass(frozen=True)
class CropSet:
    """One set: crops uint8 [N, 112, 112, 3] (on disk), targets (see `labels.blank`), val [N], how [N], paths [N]."""

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
        return CropSet(name, np.load(folder / "crops.npy", mmap_mode="r"), targets, val, how, paths)


class Mixer:
    """Augmented training batches. Batch k is the same whenever it is made: a run that goes on sees what it would have.

    Args:
        mix: share of each set in a batch.
    """

    def __init__(self, cache: Path, mix: Mapping[str, float], batch: int, seed: int, strength: Strength) -> None:
        self._sets = [CropSet.open(cache, name) for name in mix]
        self._rows = [np.flatnonzero(~crops.val) for crops in self._sets]
        for crops, rows in zip(self._sets, self._rows, strict=True):
            if not rows.size:
                raise UsageError(f"{crops.name} has no photo of the train split", "Leave it out of [mix]")
        self._shares = np.array(list(mix.values())) / sum(mix.values())
        self._batch, self._seed, self._strength = batch, seed, strength

    @property
    def photos(self) -> int:
        return sum(rows.size for rows in self._rows)

    def batch(self, step: int) -> Batch:
        """Pixels uint8 [B, 112, 112, 3] and targets."""
        rng = np.random.default_rng([self._seed, step])
        pixels = np.empty((self._batch, SIZE, SIZE, 3), np.uint8)
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
                SIZE,
                rng,
                self._strength,
            )
            for name, value in sample.items():
                targets[name].append(np.asarray(value))
        return pixels, {name: np.stack(values) for name, values in targets.items()}


class Batches(Protocol):
    """Whatever makes batch k."""

    def batch(self, step: int) -> Batch: ...


class Ahead:
    """Makes batches in a thread while the network works on the one before. Ask in order of steps."""

    def __init__(self, mixer: Batches, first: int) -> None:
        self._queue: queue.Queue[Batch | BaseException] = queue.Queue(_AHEAD)
        self._stop, self._mixer = threading.Event(), mixer
        self._thread = threading.Thread(target=self._make, args=(first,), daemon=True)
        self._thread.start()

    def _make(self, step: int) -> None:
        while not self._stop.is_set():
            made: Batch | BaseException
            try:
                made = self._mixer.batch(step)
            except Exception as error:  # noqa: BLE001 - handed over and raised where batches are asked for
                made = error
            while not self._stop.is_set():
                try:
                    self._queue.put(made, timeout=0.2)
                    break
                except queue.Full:
                    continue
            step += 1

    def __iter__(self) -> Iterator[Batch]:
        while True:
            made = self._queue.get()
            if isinstance(made, BaseException):
                raise made
            yield made

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
