"""How long it takes to find and embed the faces of a photo, beside other packages, on the same file in the same run.

One megapixel with one face (the portrait of `speed`), from the bytes of the file to an embedding of each face, in a
fresh process of one thread: cold is loading a package with its models and its first call, the others are taken in
turns, so that whatever else the machine does meets all of them alike. Ratios are medians of the turns' ratios to the
product, and above 1 where the product is faster. Those that are not installed, or whose weights are not here, are
named; dlib as face_recognition calls it can always be run, for its models come with the product. They do not do the
same: each embeds what it takes for a face, and how many that are stands beside; the product also sees to hostile files,
looks for lying faces, and reads each face twice, as it is and mirrored; deepface and insightface embed with other
networks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from faceagent.errors import MissingExtra, ToolError, UsageError
from faceagent_eval import rivals
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine, versions
from faceagent_eval.benchmarks import speed
from faceagent_eval.figures import resampled
from faceagent_eval.metrics import Floats
from faceagent_eval.rivals import DLIB, RIVALS, Embed
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import CHOICES

OURS = "faceagent"
ROUNDS = 15
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


@dataclass(frozen=True)
class Timed:
    """By name: milliseconds, the first with loading, then one a round; the faces found; why a package failed."""

    ms: Mapping[str, Sequence[float]]
    faces: Mapping[str, int]
    failed: Mapping[str, str]


class SpeedBeside(Benchmark[str, Timed]):
    """See the module. Needs no data."""

    name = "speed-beside"
    about = "milliseconds to find and embed a face, beside face_recognition, insightface, uniface, deepface, as ratios"
    backends = CHOICES

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        if data is not None:
            raise UsageError("The benchmark speed-beside takes no data", "Leave --data out")

    def items(self) -> Sequence[str]:
        try:
            speed.portrait()
        except ModuleNotFoundError:
            raise MissingExtra("The portrait of the benchmark speed-beside", "dev") from None
        return [f"from faceagent_eval.benchmarks import speed_beside; speed_beside.child({self.backend!r})"]

    def measure(self, item: str) -> Timed:
        one_thread = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
        done = subprocess.run([sys.executable, "-c", item], capture_output=True, text=True, check=False, env=one_thread)
        if done.returncode != 0:
            raise ToolError(f"The process that times all packages failed: {done.stderr.strip().splitlines()[-1:]}")
        # Some packages write to the terminal when they are loaded.
        return Timed(**json.loads(done.stdout.strip().splitlines()[-1]))

    def score(self, measured: Sequence[Timed]) -> Result:
        (found,) = measured
        absent = [f"{rival.name}: not measured, {why}." for rival in RIVALS if (why := rival.missing()) is not None]
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{speed.SIDE} x {speed.SIDE} pixels with one face, {ROUNDS} rounds in turns, one thread",
            figures=tuple(_figures(found)),
            notes=(*absent, *(f"{name} failed: {why}" for name, why in found.failed.items())),
            methods=(FaceDetector(self.backend).method,),
            machine=machine(),
            versions=versions(OURS, *(rival.package for rival in (DLIB, *RIVALS)), "onnxruntime", "numpy"),
        )


def _figures(found: Timed) -> Iterator[Figure]:
    for name, times in found.ms.items():
        note = f"{found.faces[name]} faces"
        yield Figure(name=f"{name}, cold", value=times[0], unit="ms", n=1, note=note)
        yield resampled(f"{name}, warm", _median, [np.array(times[1:])], unit="ms", note=note)
    ours = np.array(found.ms[OURS][1:])
    for name, times in found.ms.items():
        if name != OURS:
            yield resampled(f"{name}: times the product's time", _median, [np.array(times[1:]) / ours])


def _median(values: Floats) -> float:
    return float(np.median(values))


def child(backend: str) -> None:
    """Time all packages that are here and print what came of it as JSON. Runs in a fresh process."""
    raw = speed.portrait()
    here = [rival for rival in (DLIB, *RIVALS) if rival.missing() is None]
    loading: dict[str, Callable[[], Embed]] = {
        OURS: partial(rivals.ours, backend),
        **{rival.name: rival.load for rival in here},
    }
    spent: dict[str, list[float]] = {}
    faces: dict[str, int] = {}
    failed: dict[str, str] = {}
    ways: dict[str, Embed] = {}
    for name, load in loading.items():
        start = time.perf_counter()
        try:
            ways[name] = load()
            faces[name] = ways[name](raw)
        except (ImportError, OSError, RuntimeError, AttributeError, TypeError, ValueError) as error:
            if name == OURS:
                raise
            # A package of others that does not run is told, and ends nothing.
            failed[name] = f"{type(error).__name__}: {error}"
            ways.pop(name, None)
            continue
        spent[name] = [1000 * (time.perf_counter() - start)]
    for _ in range(ROUNDS):
        for name, embed in ways.items():
            start = time.perf_counter()
            embed(raw)
            spent[name].append(1000 * (time.perf_counter() - start))
    sys.stdout.write("\n" + json.dumps({"ms": spent, "faces": faces, "failed": failed}))
