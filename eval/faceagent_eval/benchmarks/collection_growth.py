"""Whether a photo still costs the same when a collection has grown to 20,000, and what the whole costs then.

The whole pipeline of `faceagent report --engine local` in one process: the worker, the program that watches it (log,
progress page) and the overview, on photos so small (128 x 128 pixels, one face) that 20,000 take minutes. So the curve
is what is measured, and not what a photo costs: `collection-stages` measures that. No two photos are the same. Each is
written just before its shard is examined and removed afterwards, untimed. Times are processor seconds.
"""

from __future__ import annotations

import csv
import io
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faceagent.collection import Collection, page
from faceagent.collection.manifest import Shard
from faceagent.collection.monitor import Log, Monitor
from faceagent.collection.overview import overview
from faceagent.collection.progress import ProgressPage
from faceagent.collection.shard import examiner, one_thread, peak_memory, work
from faceagent.errors import UsageError
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine, versions
from faceagent_eval.benchmarks.speed import portrait
from faceagent_finetune.plot import Chart

PHOTOS = 20_000
MARKS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)  # of all, from 100 on
SIDE = 128
PURPOSE = "research"


@dataclass(frozen=True)
class Stretch:
    """Shards in a row."""

    shards: tuple[Shard, ...]


@dataclass(frozen=True)
class Cost:
    """Of a stretch. so_far: photos at its end. examining, watching, overview: processor seconds a photo, the last of
    all so far. megabytes: the most that the process ever had. page: bytes of the overview."""

    so_far: int
    examining: float
    watching: float
    overview: float
    megabytes: float
    page: int


class CollectionGrowth(Benchmark[Stretch, Cost]):
    """Needs no data. `limit`: photos, instead of `PHOTOS`."""

    name = "collection-growth"
    about = (
        "whether time a photo and memory stay the same from 100 to 20,000 photos (small ones), and the overview's cost"
    )
    backends = ("embedded",)
    takes_limit = True

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        if data is not None:
            raise UsageError("The benchmark collection-growth takes no data", "Leave --data out")

    def items(self) -> Sequence[Stretch]:
        one_thread()
        photos = self.limit or PHOTOS
        self._folder = Path(self.held.enter_context(tempfile.TemporaryDirectory()))
        self._collection = self._begun("out", photos)
        warm = self._begun("warm", 1)
        self._made(next(warm.all()), warm)  # loads the networks, once for each worker
        self._monitor = self.held.enter_context(Monitor(self._collection, 1, [Log(), ProgressPage(self._collection)]))
        shards = list(self._collection.all())
        ends = sorted({max(1, round(mark * len(shards))) for mark in MARKS})
        return [Stretch(tuple(shards[begin:end])) for begin, end in zip([0, *ends], ends, strict=False)]

    def measure(self, item: Stretch) -> Cost:
        examining = watching = 0.0
        for shard in item.shards:
            examining += self._made(shard, self._collection)
            begun = time.process_time()
            self._monitor.done(shard, peak_memory())
            watching += time.process_time() - begun
        photos = sum(len(shard.sources) for shard in item.shards)
        begun = time.process_time()
        found = overview(self._collection, "Benchmark")
        page.write(self._collection, found)
        summing = time.process_time() - begun
        megabytes = peak_memory() / 2**20
        size = (self._folder / "out" / page.PAGE).stat().st_size
        return Cost(found.done, examining / photos, watching / photos, summing / found.done, megabytes, size)

    def _begun(self, name: str, photos: int) -> Collection:
        table = self._folder / f"{name}.csv"
        with table.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["file"], *([f"{name}-{number:05}.jpg"] for number in range(photos))])
        return Collection.begin(self._folder / name, [str(table)], purpose=PURPOSE)

    def _made(self, shard: Shard, collection: Collection) -> float:
        """Processor seconds that the shard took."""
        for number, source in enumerate(shard.sources, shard.first):
            Path(source).write_bytes(small(number))
        begun = time.process_time()
        work(collection, shard, examiner)
        seconds = time.process_time() - begun
        for source in shard.sources:
            Path(source).unlink()
        return seconds

    def score(self, measured: Sequence[Cost]) -> Result:
        first, last = measured[0], measured[-1]
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"photos of {SIDE} x {SIDE} pixels with one face, one worker, purpose {PURPOSE}",
            figures=(
                *(
                    Figure(name=f"{what}, {cost.so_far:,} photos", value=value, unit="s", n=cost.so_far)
                    for cost in (first, last)
                    for what, value in (
                        ("examining", cost.examining),
                        ("watching", cost.watching),
                        ("overview", cost.overview),
                    )
                ),
                Figure(name="last stretch against first", value=_all(last) / _all(first)),
                Figure(name="dearest stretch against first", value=max(map(_all, measured)) / _all(first)),
                Figure(name="peak memory, first stretch", value=first.megabytes, unit="MB"),
                Figure(name="peak memory", value=last.megabytes, unit="MB"),
                Figure(name="page of the overview", value=last.page, unit="bytes"),
            ),
            notes=("s: processor seconds a photo; overview: the whole of it, by the photos that it sums up.",),
            curves=dict(_curves(measured)),
            machine=machine(),
            versions=versions("faceagent", "onnxruntime", "opencv-python-headless", "dlib-bin"),
        )


def _all(cost: Cost) -> float:
    return cost.examining + cost.watching + cost.overview


def _curves(measured: Sequence[Cost]) -> dict[str, Chart]:
    told = {
        "growth": (
            "What a photo costs as the collection grows",
            "processor milliseconds a photo",
            {
                "examining": [1000 * cost.examining for cost in measured],
                "watching": [1000 * cost.watching for cost in measured],
                "overview": [1000 * cost.overview for cost in measured],
            },
        ),
        "memory": ("Memory as the collection grows", "MB at most", {"all": [cost.megabytes for cost in measured]}),
    }
    so_far = [float(cost.so_far) for cost in measured]
    return {
        name: Chart(
            title=title,
            x="photos examined",
            y=y,
            lines={what: tuple(zip(so_far, values, strict=True)) for what, values in lines.items()},
            xs=(0.0, so_far[-1]),
            ys=(0.0, 1.25 * max(max(values) for values in lines.values())),
        )
        for name, (title, y, lines) in told.items()
    }


def small(number: int) -> bytes:
    """A portrait of 128 x 128 pixels, a file of its own by its JPEG comment."""
    data, comment = _small(), b"%d" % number
    return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]


@cache
def _small() -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(portrait())) as image:
        buffer = io.BytesIO()
        image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()
