"""What a photo costs a core, stage by stage, and whether that and the memory stay so as a collection grows.

One worker in this process, on photos of one megapixel with one face, no two the same. Each is written just before its
shard is examined and removed afterwards, untimed, so that the disk does not have to hold them all. Times are processor
seconds, so that other programs on the machine disturb them little. `faceagent_eval.sizing` makes a table of them.
"""

from __future__ import annotations

import csv
import itertools
import tempfile
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from faceagent.batch import attempt
from faceagent.collection import Collection, page
from faceagent.collection.lines import Line, lines
from faceagent.collection.manifest import Settings, Shard
from faceagent.collection.overview import overview
from faceagent.collection.shard import Examine, one_thread, peak_memory, work
from faceagent.errors import ToolError, UsageError
from faceagent.report import Examination
from faceagent.tool import Outcome, Toolbox
from faceagent.types import Failure
from faceagent.video import take
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine, versions
from faceagent_eval.benchmarks.speed import SIDE, another_portrait
from faceagent_finetune.plot import Chart

PHOTOS, STRETCHES = 320, 20
PLANNED = 20_000  # names, to see what memory a file takes while a run is planned
SUMMED, REPEATED = 2_000, 64  # lines of an overview, and how many of these differ
PURPOSE = "research"  # so that the stages which only a purpose opens are there to be measured
STAGES = {
    "detect_faces": "detection",
    "assess_quality": "quality",
    "estimate_pose": "pose",
    "estimate_attributes": "attributes",
    "recognize_emotion": "expression",
    "detect_forgery": "forgery",
    "inspect_provenance": "provenance",
}
"""Stages by tool; a tool that is not here is a stage of its own name."""
ON_PURPOSE = ("attributes", "expression")
"""Stages of a report with a stated purpose alone."""
DECODING, WORDING, WRITING = "decode", "wording and checking", "writing"


@dataclass(frozen=True)
class Stretch:
    """Shards in a row."""

    shards: tuple[Shard, ...]


@dataclass(frozen=True)
class Cost:
    """Of a stretch. seconds: of a core, by stage. megabytes: the most the process ever had. read, written: bytes."""

    photos: int
    seconds: Mapping[str, float]
    megabytes: float
    read: int
    written: int


@dataclass(frozen=True)
class Around:
    """What is done once for a whole collection. overview: seconds of a core for `files`. planning: bytes of memory at
    most for `PLANNED`."""

    files: int
    overview: float
    planning: int


class CollectionStages(Benchmark[Stretch | None, Cost | Around]):
    """Needs no data. `limit`: photos, instead of `PHOTOS`. The last item, None, is what is done once."""

    name = "collection-stages"
    about = "processor seconds a photo by stage, memory, bytes, and whether they stay so as a collection grows"
    backends = ("embedded",)
    takes_limit = True

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        if data is not None:
            raise UsageError("The benchmark collection-stages takes no data", "Leave --data out")

    def items(self) -> Sequence[Stretch | None]:
        one_thread()
        self._folder = Path(self.held.enter_context(tempfile.TemporaryDirectory()))
        self._collection = self._begun("out", self.limit or PHOTOS)
        self._clock = Clock()
        self._toolbox = TimedToolbox(self._clock)
        warm = self._folder / "warm.jpg"
        warm.write_bytes(another_portrait(0))
        self._make(self._collection.settings)(0, str(warm))  # loads the networks, once for each worker
        shards = list(self._collection.all())
        size = -(-len(shards) // STRETCHES)
        return [*(Stretch(tuple(shards[at : at + size])) for at in range(0, len(shards), size)), None]

    def measure(self, item: Stretch | None) -> Cost | Around:
        return self._around() if item is None else self._stretch(item)

    def score(self, measured: Sequence[Cost | Around]) -> Result:
        costs = [one for one in measured if isinstance(one, Cost)]
        around = next(one for one in measured if isinstance(one, Around))
        photos = sum(cost.photos for cost in costs)
        spent: defaultdict[str, float] = defaultdict(float)
        for cost in costs:
            for name, seconds in cost.seconds.items():
                spent[name] += seconds
        a_photo = [sum(cost.seconds.values()) / cost.photos for cost in costs]
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"photos of {SIDE} x {SIDE} pixels with one face, one worker, purpose {PURPOSE}",
            figures=(
                *(Figure(name=f"stage {name}", value=spent[name] / photos, unit="s", n=photos) for name in spent),
                Figure(name="all stages", value=sum(spent.values()) / photos, unit="s", n=photos),
                Figure(name="last stretch against first", value=a_photo[-1] / a_photo[0]),
                Figure(name="peak memory", value=max(cost.megabytes for cost in costs), unit="MB"),
                Figure(name="read", value=sum(cost.read for cost in costs) / photos, unit="bytes", n=photos),
                Figure(name="written", value=sum(cost.written for cost in costs) / photos, unit="bytes", n=photos),
                Figure(name="overview", value=around.overview / around.files, unit="s", n=around.files),
                Figure(name="planning", value=around.planning / PLANNED, unit="bytes", n=PLANNED),
            ),
            notes=(
                "s: processor seconds a photo. What faces are read by is one network: whoever asks first pays for it.",
                "overview, planning: a file, once for the whole collection, by the program that was started.",
            ),
            curves=dict(_curves(costs, a_photo)),
            machine=machine(),
            versions=versions("faceagent", "onnxruntime", "opencv-python-headless", "dlib-bin"),
        )

    def _stretch(self, item: Stretch) -> Cost:
        self._clock.spent.clear()
        read = written = photos = 0
        for shard in item.shards:
            for number, source in enumerate(shard.sources, shard.first):
                read += Path(source).write_bytes(another_portrait(number))
            with self._clock.stage(WRITING):
                work(self._collection, shard, self._make)
            written += (self._folder / "out" / self._collection.name(shard.number)).stat().st_size
            for source in shard.sources:
                Path(source).unlink()
            photos += len(shard.sources)
        megabytes = peak_memory() / 2**20
        return Cost(photos, dict(self._clock.spent), megabytes, read, written)

    def _around(self) -> Around:
        # Of many lines: what an overview costs however few there are must not be told as the price of a file.
        many, some = self._begun("many", SUMMED), itertools.cycle(itertools.islice(lines(self._collection), REPEATED))
        for shard in many.all():
            made = (line.model_dump_json().encode() + b"\n" for line in itertools.islice(some, len(shard.sources)))
            many.place.write(many.name(shard.number), b"".join(made))
        begun = time.process_time()
        page.write(many, overview(many, "Benchmark"))
        seconds = time.process_time() - begun
        tracemalloc.start()
        self._begun("planned", PLANNED).left()
        _, planning = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return Around(SUMMED, seconds, planning)

    def _begun(self, name: str, photos: int) -> Collection:
        table = self._folder / f"{name}.csv"
        with table.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["file"], *([f"{number:05}.jpg"] for number in range(photos))])
        return Collection.begin(self._folder / name, [str(table)], purpose=PURPOSE)

    def _make(self, settings: Settings) -> Examine:
        """As `faceagent.collection.shard.examiner`, with a clock."""

        def examine(number: int, source: str) -> Line:
            with self._clock.stage(DECODING):
                given = attempt(source, partial(take, source, settings.limits))
            if isinstance(given, Failure):
                raise ToolError(f"A photo of the benchmark cannot be read: {given.message}")
            with self._clock.stage(WORDING):
                report = Examination(self._toolbox, settings.purpose, draws=False).examine(given)
            return Line(number=number, source=source, report=report)

        return examine


class Clock:
    """Processor seconds by stage. While a stage within another runs, the outer one's clock stands still."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._mark = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._tick()
        self._running.append(name)
        try:
            yield
        finally:
            self._tick()
            self._running.pop()

    def _tick(self) -> None:
        now = time.process_time()
        if self._running:
            self.spent[self._running[-1]] += now - self._mark
        self._mark = now


class TimedToolbox(Toolbox):
    """The installed tools; each call is a stage."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Toolbox.installed().values())
        self._clock = clock

    def call(self, session: Any, name: str, arguments: Mapping[str, Any]) -> list[Outcome]:
        with self._clock.stage(STAGES.get(name, name)):
            return super().call(session, name, arguments)


def _curves(costs: Sequence[Cost], a_photo: Sequence[float]) -> dict[str, Chart]:
    so_far = [float(sum(cost.photos for cost in costs[: at + 1])) for at in range(len(costs))]
    curves = {
        "growth": ("What a photo costs as the collection grows", "processor seconds a photo", a_photo),
        "memory": ("Memory of the worker as the collection grows", "MB at most", [cost.megabytes for cost in costs]),
    }
    return {
        name: Chart(
            title=title,
            x="photos examined",
            y=y,
            lines={"one worker": tuple(zip(so_far, values, strict=True))},
            xs=(0.0, so_far[-1]),
            ys=(0.0, 1.25 * max(values)),
        )
        for name, (title, y, values) in curves.items()
    }
