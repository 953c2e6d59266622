"""What comparing the faces of a collection with each other costs, by how many there are (`report --recurring`).

Faces are made: people at random beside the average faces of the cohort, up to six photos of each but for one person,
who has a hundredth of all. So the cost is measured, and not how well real faces are told apart: `grouping` does that.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceagent.collection.shard import peak_memory
from faceagent.errors import UsageError
from faceagent.review import Seen
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine, versions
from faceagent_finetune.plot import Chart
from faceagent_tools import similarity
from faceagent_tools.identity import grouping

FACES = 50_000
SIZES = (0.05, 0.2, 0.5, 1.0)  # of the most
BESIDE, APART = 0.55, 0.25  # of a person from an average face, of a photo from its person
PHOTOS = 6
SEED = 0


@dataclass(frozen=True)
class Cost:
    """seconds: of a core. megabytes: the most that the process ever had. same: F of the pairs that were found."""

    faces: int
    seconds: float
    megabytes: float
    same: float


class Recurring(Benchmark[int, Cost]):
    """Needs no data. `limit`: faces at most, instead of `FACES`."""

    name = "recurring"
    about = "comparing all faces of a collection: processor seconds and memory by their number"
    backends = ("whispers",)
    takes_limit = True

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        if data is not None:
            raise UsageError("The benchmark recurring takes no data", "Leave --data out")

    def items(self) -> Sequence[int]:
        return [max(2, round(share * (self.limit or FACES))) for share in SIZES]

    def measure(self, item: int) -> Cost:
        people, vectors = made(item)
        seen = [Seen(vector, b"", None) for vector in vectors]
        begun = time.process_time()
        groups = grouping.grouped(seen)
        seconds = time.process_time() - begun
        labels = np.empty(item, np.int64)
        for number, group in enumerate(groups):
            labels[list(group)] = number
        megabytes = peak_memory() / 2**20
        return Cost(item, seconds, megabytes, _same(people, labels))

    def score(self, measured: Sequence[Cost]) -> Result:
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol="faces that are made, 128 numbers each",
            figures=tuple(
                Figure(name=f"{what}, {cost.faces:,} faces", value=value, unit=unit, n=cost.faces)
                for cost in measured
                for what, value, unit in (
                    ("processor time", cost.seconds, "s"),
                    ("peak memory", cost.megabytes, "MB"),
                    ("pairs, F", cost.same, ""),
                )
            ),
            notes=("Made faces are told apart more easily than real ones: `grouping` measures those.",),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "numpy"),
            curves={
                "time": Chart(
                    title="What comparing all faces costs",
                    x="faces",
                    y="processor seconds",
                    lines={"exact, in blocks": tuple((float(cost.faces), cost.seconds) for cost in measured)},
                    xs=(0.0, float(measured[-1].faces)),
                    ys=(0.0, 1.25 * max(cost.seconds for cost in measured)),
                )
            },
        )


def made(faces: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Who is in each photo [N], and its embedding [N, 128]; the same for the same number."""
    random, averages = np.random.default_rng(SEED), similarity.cohort()
    sizes = [max(1, faces // 100)]
    while sum(sizes) < faces:
        sizes.append(min(int(random.integers(1, PHOTOS + 1)), faces - sum(sizes)))
    people = np.repeat(np.arange(len(sizes)), sizes)
    centres = averages[random.integers(len(averages), size=len(sizes))] + BESIDE * _directions(random, len(sizes))
    vectors = similarity.unit(centres)[people] + APART * _directions(random, faces)
    order = random.permutation(faces)
    return people[order], vectors[order].astype(np.float32)


def _same(people: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> float:
    """F of pairs, without a table of people by groups, which would be larger than all else that is measured here."""
    together, same, both = (
        float((counts * (counts - 1) / 2).sum())
        for counts in (np.unique(one, return_counts=True)[1] for one in (labels, people, people * len(labels) + labels))
    )
    return 2 * both / (together + same) if together + same else 1.0


def _directions(random: np.random.Generator, count: int) -> similarity.Floats:
    return similarity.unit(random.normal(size=(count, 128)))
