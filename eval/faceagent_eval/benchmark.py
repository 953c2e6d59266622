"""What a benchmark is: items, a measurement of each, and a score of all.

A benchmark is one short file in `benchmarks/` with one subclass of `Benchmark` and one line in
`benchmarks/__init__.py`. `run.py` does the rest: progress, figures as a table and as JSON, hashes, the command.
"""

from __future__ import annotations

import json
import os
import platform
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import Field, JsonValue

from faceagent.errors import InputError, UsageError
from faceagent.types import Finite, Frozen, Interval, Method
from faceagent_finetune.plot import Chart

ItemT = TypeVar("ItemT")
MeasuredT = TypeVar("MeasuredT")


class Figure(Frozen):
    """One number of a score. n: how many items it rests on; note: what a reader must know to quote it."""

    name: str
    value: Finite
    unit: str = ""
    interval: Interval | None = None
    n: int | None = None
    note: str | None = None


class ItemScore(Frozen):
    """What came of one item by one measure: two runs are compared by these (`compare`).

    id: of the item within its benchmark, the same in every run on the same data; names no person and no file. of: the
    measure, or the part of the benchmark. label: the truth, a bool where scores rank what is so before what is not.
    score, right: None where there was no answer. group: what the item is not independent of, such as frames of one
    video, by a name that says nothing (`digest.anonymous`).
    """

    id: str
    of: str
    label: bool | str | None = None
    score: Finite | None = None
    right: bool | None = None
    group: str | None = None


class Result(Frozen):
    """What a run gave, with everything that is needed to read and repeat it.

    missing: items that could not be measured because their file is not there or cannot be read; then `complete` is
    False and the figures are not those of the benchmark. curves: by name; those that are a `Chart` are drawn beside the
    JSON. items: what came of each item, in a file of its own.

    `run` fills in the rest. unmeasured: how many are missing. limit: as given with --limit. seed: of the items that are
    drawn and of the bootstrap of intervals. weights: SHA-256 of each model file that had a part, by its name. data:
    what was measured (`digest.of_items`). others: the share of the machine's processor time that other programs took
    meanwhile, 0-1, None where it cannot be told; times are worth quoting only where it is small. command: without the
    user's folders.
    """

    benchmark: str
    backend: str
    protocol: str
    figures: tuple[Figure, ...]
    complete: bool = True
    missing: tuple[str, ...] = ()
    unmeasured: int = 0
    notes: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()
    curves: dict[str, Chart | JsonValue] = Field(default_factory=dict)
    items: tuple[ItemScore, ...] = ()
    limit: int | None = None
    seed: int | None = None
    weights: dict[str, str] = Field(default_factory=dict)
    data: str | None = None
    machine: str
    versions: dict[str, str]
    others: float | None = None
    command: str = ""

    def figure(self, name: str) -> Figure:
        """The figure of that name.

        Raises:
            KeyError: there is none.
        """
        found = next((figure for figure in self.figures if figure.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


class LayoutError(InputError):
    """The data folder is not laid out as the benchmark expects. Shows the tree and the first mismatch."""

    def __init__(self, benchmark: str, mismatch: str, layout: str) -> None:
        super().__init__(f"The data of {benchmark} are not laid out as expected: {mismatch}")
        self.layout = layout

    def __str__(self) -> str:
        return f"{self.message}. Expected:\n{self.layout}"


class Benchmark(ABC, Generic[ItemT, MeasuredT]):
    """Base of all benchmarks.

    name: what is typed after `run`. layout: the expected tree of the data folder, "" where none is needed.
    backends: names that `--backend` takes; the first is the default. takes_limit: whether `limit` is heeded.
    limit: at most so many photos of each kind, for a quick look; None measures all.
    headline: ends of the names of those figures that are shown first where there are many.
    takes_controller: whether `controller`, who sits in the seat as for `faceagent ask --controller`, is heeded.
    seed: of everything that is drawn.
    held: what `items` opened, such as a folder for the run; `run` closes it, however the run ends.

    Raises:
        UsageError: the backend is not one of them, or the data folder is not given though one is needed.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    layout: ClassVar[str] = ""
    backends: ClassVar[tuple[str, ...]]
    headline: ClassVar[tuple[str, ...]] = ()
    takes_limit: ClassVar[bool] = False
    limit: int | None = None
    takes_controller: ClassVar[bool] = False
    controller: str = "embedded"
    seed: ClassVar[int] = 0

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        if backend is not None and backend not in self.backends:
            raise UsageError(
                f"The benchmark {self.name} has no backend {backend!r}", f"Use one of {', '.join(self.backends)}"
            )
        if self.layout and data is None:
            raise UsageError(f"The benchmark {self.name} needs data", "Name their folder with --data")
        self.backend = backend or self.backends[0]
        self._data = data
        self.held = ExitStack()

    @property
    def data(self) -> Path:
        """The data folder.

        Raises:
            LayoutError: it is not a folder.
        """
        if self._data is None or not self._data.is_dir():
            raise LayoutError(self.name, f"{self._data} is not a folder", self.layout)
        return self._data

    @property
    def root(self) -> Path | None:
        """The data folder as it was given."""
        return self._data

    def mismatch(self, what: str) -> LayoutError:
        """The error for a data folder that is not as expected."""
        return LayoutError(self.name, what, self.layout)

    def document(self, path: Path) -> Any:
        """A JSON file.

        Raises:
            LayoutError: it is none.
        """
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self.mismatch(f"{path.name} cannot be read as JSON ({error})") from None

    @abstractmethod
    def items(self) -> Sequence[ItemT]:
        """What is measured, in a fixed order.

        Raises:
            LayoutError: the data folder is not as expected.
        """

    def measured_data(self, items: Sequence[ItemT]) -> Iterable[object]:
        """Everything that the figures depend on besides the weights: the items, and what they do not say themselves,
        such as pairs and labels (`digest.of_items`)."""
        return items

    @abstractmethod
    def measure(self, item: ItemT) -> MeasuredT:
        """One item. A failure that the benchmark counts is part of the return value, not an exception."""

    @abstractmethod
    def score(self, measured: Sequence[MeasuredT]) -> Result:
        """The figures over all items, in the order of `items`."""


def machine() -> str:
    """Processor and number of logical CPUs in words, for figures in milliseconds."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} logical CPUs, {platform.system()}, Python {platform.python_version()}"


def versions(*packages: str) -> dict[str, str]:
    """Versions of installed packages; those that are not installed are left out."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
