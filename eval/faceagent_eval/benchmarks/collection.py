"""How fast a collection is reported on, by how many workers, and whether that stays so as it grows.

Photos of one megapixel with one face, no two the same, examined by whole processes as a user would start them: the time
is that of the command less its start, which is measured with a collection of one photo a worker.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceagent.errors import ToolError, UsageError
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine, versions
from faceagent_eval.benchmarks.speed import SIDE, another_portrait

FILES, ROUNDS = 256, 3


@dataclass(frozen=True)
class Item:
    """A run. files: photos; workers: processes."""

    files: int
    workers: int


@dataclass(frozen=True)
class Run:
    """seconds: of the whole command. megabytes: of the largest of its processes."""

    item: Item
    seconds: float
    megabytes: float


class CollectionBenchmark(Benchmark[Item, Run]):
    """Needs no data. `limit`: photos of the larger collections, instead of `FILES`."""

    name = "collection"
    about = "photos a second of `faceagent report --engine local`, with one worker and two; memory; growth"
    backends = ("embedded",)
    takes_limit = True

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        if data is not None:
            raise UsageError("The benchmark collection takes no data", "Leave --data out")

    def items(self) -> Sequence[Item]:
        most = self.limit or FILES
        return [
            Item(files, workers) for _ in range(ROUNDS) for workers in (1, 2) for files in (workers, most // 2, most)
        ]

    def measure(self, item: Item) -> Run:
        with tempfile.TemporaryDirectory() as folder:
            photos = Path(folder) / "photos"
            photos.mkdir()
            for number in range(item.files):
                (photos / f"{number:05}.jpg").write_bytes(another_portrait(number))
            command = [sys.executable, "-m", "faceagent", "report", str(photos), "--engine", "local"]
            begun = time.perf_counter()
            done = subprocess.run(
                [*command, "--workers", str(item.workers), "--out", str(Path(folder) / "out")],
                capture_output=True,
                text=True,
                check=False,
            )
            seconds = time.perf_counter() - begun
            if done.returncode:
                raise ToolError(f"The report ended with {done.returncode}: {done.stderr.strip()[-300:]}")
            return Run(item, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)

    def score(self, measured: Sequence[Run]) -> Result:
        most = max(run.item.files for run in measured)
        sizes = [(files, workers) for files in (most // 2, most) for workers in (1, 2)]
        pace = {size: _pace(measured, Item(*size)) for size in sizes}
        figures = [
            Figure(name=f"{files} photos, workers {workers}", value=found, unit="photos/s", n=files)
            for (files, workers), found in pace.items()
        ]
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"photos of {SIDE} x {SIDE} pixels with one face, medians of {ROUNDS} rounds in turn",
            figures=(
                *figures,
                Figure(name="two workers against one", value=pace[most, 2] / pace[most, 1]),
                Figure(name="twice the photos, pace", value=pace[most, 1] / pace[most // 2, 1]),
                Figure(name="largest process", value=max(run.megabytes for run in measured), unit="MB"),
            ),
            machine=machine(),
            versions=versions("faceagent", "onnxruntime", "opencv-python-headless", "dlib-bin"),
        )


def _pace(measured: Sequence[Run], item: Item) -> float:
    """Photos a second, the start aside."""
    whole, start = (
        float(np.median([run.seconds for run in measured if run.item == one]))
        for one in (item, Item(item.workers, item.workers))
    )
    return (item.files - item.workers) / (whole - start)
