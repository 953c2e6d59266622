"""Where a gallery can be kept and searched: speed, recall, crashes, several processes, and whether deleted is gone.

Vectors are random directions, the hardest case for an approximate index; a query is one of them with noise (cosine
about 0.7), as another photo of an enrolled person is. Whatever is killed, or shares a store, is a process of its own.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from faceagent.errors import ToolError, UsageError
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine, versions
from faceagent_eval.vector_stores import STORES, Vectors, VectorStore, megabytes

ENTRIES = 100_000
DIMENSIONS = (128, 512)
AT_ONCE = 10_000  # vectors in one call of insert
QUERIES = 100
K = 5
NOISE = 1.0  # of the length of a query's vector
SMALL = 200  # vectors a batch where a writer is killed
CRASHES = 3


class GalleryStores(Benchmark[int, Mapping[str, float]]):
    """Needs no data. `limit`: entries; more than `ENTRIES` that are all compared in files are measured at the
    first of `DIMENSIONS` only."""

    name = "gallery"
    about = "stores for a gallery: insert and search, recall, kill -9, two processes, deletion, size of the packages"
    backends = tuple(STORES)
    takes_limit = True

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        if data is not None:
            raise UsageError("The benchmark gallery takes no data", "Leave --data out")

    def items(self) -> Sequence[int]:
        kind = STORES[self.backend]
        if megabytes(kind.packages) is None:
            raise UsageError(
                f"The backend {self.backend} is not installed",
                f"Install it with: pip install {' '.join(kind.packages)}",
            )
        slow = kind.kept and not kind.approximate and (self.limit or ENTRIES) > ENTRIES
        return DIMENSIONS[:1] if slow else DIMENSIONS

    def measure(self, item: int) -> Mapping[str, float]:
        kind = STORES[self.backend]
        folder = Path(tempfile.mkdtemp(prefix="faceagent-gallery-"))
        try:
            found = _speed(kind, folder / "speed", item, self.limit or ENTRIES)
            if kind.kept and item == DIMENSIONS[0]:
                found |= {"bytes left after deletion": _left(kind, folder / "deletion", item)}
                found |= _crashes(self.backend, folder, item)
                found |= _second_process(self.backend, folder / "second", item)
            return found
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def score(self, measured: Sequence[Mapping[str, float]]) -> Result:
        figures = [
            Figure(name=f"{dimensions}: {name}" if name in _UNITS else name, value=value, unit=_UNITS.get(name, ""))
            for dimensions, found in zip(self.items(), measured, strict=True)
            for name, value in found.items()
        ]
        packages = STORES[self.backend].packages
        size = megabytes(packages) or 0.0
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{self.limit or ENTRIES:,} random directions, {QUERIES} queries, the nearest {K}",
            figures=(
                *figures,
                Figure(name="packages", value=size, unit="MB", note="beyond what faceagent needs anyway"),
            ),
            notes=(
                "Times: of the processor, over all threads; for a search the median. recall: of the exact nearest.",
                "found again: how often the person behind a query comes first.",
            ),
            machine=machine(),
            versions=versions("faceagent", "numpy", *packages),
        )


_UNITS = {
    "insert": "s",
    "build": "s",
    "open and first search": "s",
    "exact": "ms",
    "approximate": "ms",
    "filtered": "ms",
    "recall": "",
    "found again": "",
    "files": "MB",
    "delete one": "ms",
}


def directions(count: int, dimensions: int, seed: int = 0) -> Vectors:
    """Random vectors of length 1: float32 [count, dimensions]."""
    rows = np.random.default_rng(seed).standard_normal((count, dimensions), dtype=np.float32)
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _speed(kind: type[VectorStore], folder: Path, dimensions: int, entries: int) -> dict[str, float]:
    vectors = directions(entries, dimensions)
    wanted = np.random.default_rng(1).integers(0, entries, QUERIES)
    queries = vectors[wanted] + NOISE * directions(QUERIES, dimensions, seed=2)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    nearest = [set(np.argsort(-(vectors @ query))[:K].tolist()) for query in queries]
    store = kind(folder, dimensions)
    found = {"insert": _seconds(lambda: _fill(store, vectors))}
    if kind.approximate:
        found["build"] = _seconds(store.build)
    elif kind.kept:
        store.close()
        store, spent = _reopened(kind, folder, dimensions, queries[0])
        found["open and first search"] = spent
    times, answers = _asked(store, queries, exact=True)
    found["exact"] = 1000 * median(times)
    if kind.approximate:
        times, answers = _asked(store, queries, exact=False)
        found["approximate"] = 1000 * median(times)
    found["recall"] = sum(len(right & set(told)) for right, told in zip(nearest, answers, strict=True)) / QUERIES / K
    found["found again"] = sum(told[:1] == [one] for told, one in zip(answers, wanted, strict=True)) / QUERIES
    times, _ = _asked(store, queries[:20], exact=True, group=3)
    found["filtered"] = 1000 * median(times)
    found["files"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    found["delete one"] = 1000 * _seconds(lambda: store.delete([7]))
    store.close()
    return found


def _fill(store: VectorStore, vectors: Vectors) -> None:
    for start in range(0, len(vectors), AT_ONCE):
        rows = vectors[start : start + AT_ONCE]
        store.insert(range(start, start + len(rows)), rows)


def _reopened(kind: type[VectorStore], folder: Path, dimensions: int, query: Vectors) -> tuple[VectorStore, float]:
    start = time.process_time()
    store = kind(folder, dimensions)
    store.search(query, K, exact=True)
    return store, time.process_time() - start


def _asked(
    store: VectorStore, queries: Vectors, *, exact: bool, group: int | None = None
) -> tuple[list[float], list[list[int]]]:
    times, answers = [], []
    for query in queries:
        start = time.process_time()
        answers.append(store.search(query, K, exact=exact, group=group))
        times.append(time.process_time() - start)
    return times, answers


def _seconds(work: Callable[[], object]) -> float:
    """Processor time of all threads: whatever else the machine does, and the disk, do not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _left(kind: type[VectorStore], folder: Path, dimensions: int) -> float:
    """1: a deleted vector's bytes are still in a file; 0: they are gone; -1: they never were readable."""
    vectors = directions(2000, dimensions, seed=3)
    store = kind(folder, dimensions)
    _fill(store, vectors)
    if kind.approximate:
        store.build()
    probe = vectors[1234].tobytes()[: 4 * 16]
    readable = _in_files(folder, probe)
    store.delete([1234])
    store.close()
    return -1.0 if not readable else float(_in_files(folder, probe))


def _in_files(folder: Path, probe: bytes) -> bool:
    return any(probe in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def _crashes(backend: str, folder: Path, dimensions: int) -> dict[str, float]:
    """A writer is killed at some moment, several times: what it was told is safe and is not there, and the rest."""
    lost = partly = unreadable = 0
    for attempt in range(CRASHES):
        place = folder / f"crash {attempt}"
        acknowledged = _killed_writer(backend, place, dimensions, seconds=0.5 + 0.37 * attempt)
        counted = _child("count", backend, place, dimensions)
        if counted is None:
            unreadable += 1
            continue
        lost += int(counted) < acknowledged
        partly += int(counted) % SMALL != 0
    return {
        "kills after which something was lost": lost,
        "… a batch is there in part": partly,
        "… it cannot be opened": unreadable,
    }


def _killed_writer(backend: str, folder: Path, dimensions: int, seconds: float) -> int:
    """How many vectors were acknowledged before the writer was killed."""
    command = _command("write", backend, folder, dimensions)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(seconds)
        writer.kill()
        told = [first, *writer.stdout.read().splitlines()]
    whole = [int(line) for line in told if line.strip().isdigit()]
    if not whole:
        raise ToolError(f"The process that writes with {backend} failed")
    return max(whole)


def _second_process(backend: str, folder: Path, dimensions: int) -> dict[str, float]:
    """Whether a second process can read and write while the first has the store open, and the first sees that."""
    store = STORES[backend](folder, dimensions)
    vectors = directions(3 * SMALL, dimensions, seed=4)
    store.insert(range(SMALL), vectors[:SMALL])
    reads = _child("count", backend, folder, dimensions)
    writes = _child("add", backend, folder, dimensions)
    try:
        seen = store.count()
    except Exception:  # noqa: BLE001 - whatever a foreign store raises here is the finding
        seen = -1
    store.close()
    return {
        "second process reads": float(reads == str(SMALL)),
        "second process writes": float(writes == "added" and seen == 2 * SMALL),
    }


def _command(task: str, backend: str, folder: Path, dimensions: int) -> list[str]:
    call = f"gallery.child({task!r}, {backend!r}, {str(folder)!r}, {dimensions})"
    code = f"from faceagent_eval.benchmarks import gallery; {call}"
    return [sys.executable, "-c", code]


def _child(task: str, backend: str, folder: Path, dimensions: int) -> str | None:
    """What a process of its own says, or None where it failed."""
    command = _command(task, backend, folder, dimensions)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.split()[-1] if done.returncode == 0 and done.stdout.strip() else None


def child(task: str, backend: str, folder: str, dimensions: int) -> None:
    """The work of a process of its own: "write" until it is killed, "count", or "add" one batch."""
    store = STORES[backend](Path(folder), dimensions)
    if task == "count":
        sys.stdout.write(f"{store.count()}\n")
    elif task == "add":
        store.insert(range(SMALL, 2 * SMALL), directions(SMALL, dimensions, seed=5))
        sys.stdout.write("added\n")
    else:
        for batch in itertools.count():
            store.insert(range(batch * SMALL, (batch + 1) * SMALL), directions(SMALL, dimensions, seed=batch))
            sys.stdout.write(f"{(batch + 1) * SMALL}\n")
            sys.stdout.flush()
    store.close()
    sys.stdout.flush()
    # Some of these packages keep threads that would have the process wait for them.
    os._exit(0)
