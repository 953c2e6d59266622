"""Grouping unknown faces by person, as `faceagent gallery review` does: all portraits of LFW that the pairs name.

Each portrait gives its main face. Pairs: of all pairs of faces, those in one group against those of one person
(precision, recall and their harmonic mean F). V-measure: Rosenberg and Hirschberg 2007. Wrong groups: the share of
groups of two faces and more that hold several people, for a name would go to a stranger there. The lines were set on
pairs of other people (FairFace) and, for large sets, on galleries drawn from these (`calibrate_identity`), not on
groups. The other backends are the ways not taken, at the same line but for HDBSCAN, which has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from faceagent.errors import MediaError, MissingExtra
from faceagent.media import Photo
from faceagent_eval.benchmark import Benchmark, Figure, LayoutError, Result, machine, versions
from faceagent_eval.benchmarks.lfw import LAYOUT, Portrait, find_portraits, read_pairs
from faceagent_tools import weights
from faceagent_tools.align import POINTS
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import Embedding, FaceEmbedder, main_face
from faceagent_tools.identity import grouping
from faceagent_tools.identity.templates import likeness
from faceagent_tools.similarity import Floats

Labels = npt.NDArray[np.int64]
SEED = 0


@dataclass(frozen=True, eq=False)
class Read:
    """The main face of a portrait; None where none was found."""

    name: str
    embedding: Embedding | None


class Grouping(Benchmark[Portrait, Read]):
    """See the module. `limit`: people."""

    name = "grouping"
    about = "grouping faces by person, as gallery review does (LFW): pairs, V-measure"
    layout = LAYOUT
    backends: ClassVar[tuple[str, ...]] = ("whispers", "components", "average", "hdbscan")
    takes_limit = True

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        self._detector, self._embedder = FaceDetector(), FaceEmbedder()

    def items(self) -> Sequence[Portrait]:
        names = tuple(dict.fromkeys(name for pair in read_pairs(self.data) for name in (pair.a, pair.b)))
        people = np.random.default_rng(SEED).permutation(np.unique([_person(name) for name in names]))
        chosen = set(people[: self.limit].tolist())
        found = find_portraits(self.data, tuple(name for name in names if _person(name) in chosen))
        missing = next((one.name for one in found if one.read is None), None)
        if missing:
            raise LayoutError(self.name, f"{missing} is not there", LAYOUT)
        return found

    def measure(self, item: Portrait) -> Read:
        if item.read is None:
            return Read(item.name, None)
        try:
            photo = Photo.open(item.read(), name=item.name)
        except MediaError:
            return Read(item.name, None)
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        return Read(item.name, None if face is None else self._embedder.embed(photo, face))

    def score(self, measured: Sequence[Read]) -> Result:
        people = [_person(one.name) for one in measured if one.embedding is not None]
        vectors = [one.embedding for one in measured if one.embedding is not None]
        labels = WAYS[self.backend](vectors)
        found = agreement(np.unique(people, return_inverse=True)[1], labels)
        return self._result(
            measured,
            f"{len(vectors)} faces of {len(set(people))} people, line {grouping.line(len(vectors)):.4f}",
            [Figure(name=name, value=value, n=len(vectors)) for name, value in found.items()],
        )

    def _result(self, measured: Sequence[Read], protocol: str, figures: Sequence[Figure]) -> Result:
        lost = sum(one.embedding is None for one in measured)
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=protocol,
            figures=tuple(figures),
            missing=(),
            notes=(f"In {lost} portraits no face was found.",),
            methods=(self._detector.method, weights.method(POINTS), self._embedder.method),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "scikit-learn", "numpy"),
        )


def agreement(people: Labels, groups: Labels) -> Mapping[str, float]:
    """How well groups agree with people; both integer labels [N]."""
    table = np.zeros((int(people.max()) + 1, int(groups.max()) + 1))
    np.add.at(table, (people, groups), 1)
    together, same, both = (
        float((count * (count - 1) / 2).sum()) for count in (table.sum(axis=0), table.sum(axis=1), table)
    )
    precision, recall = both / together if together else 1.0, both / same if same else 1.0
    several = table[:, table.sum(axis=0) > 1]
    return {
        "pairs, precision": precision,
        "pairs, recall": recall,
        "pairs, F": 2 * both / (together + same) if together + same else 1.0,
        "V-measure": _v_measure(table),
        "wrong groups": float(((several > 0).sum(axis=0) > 1).mean()) if several.size else 0.0,
        "groups": float(table.shape[1]),
    }


def _v_measure(table: Floats) -> float:
    joint = table / table.sum()
    people, groups = joint.sum(axis=1), joint.sum(axis=0)
    shared = float((joint[joint > 0] * np.log(joint[joint > 0] / np.outer(people, groups)[joint > 0])).sum())
    return 2 * shared / total if (total := _entropy(people) + _entropy(groups)) > 0 else 1.0


def _entropy(shares: Floats) -> float:
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def _whispers(vectors: Sequence[Embedding]) -> Labels:
    labels = np.empty(len(vectors), np.int64)
    for number, group in enumerate(grouping.whispers(vectors, grouping.line(len(vectors)))):
        labels[list(group)] = number
    return labels


def _components(vectors: Sequence[Embedding]) -> Labels:
    """Whatever hangs together above the line."""
    alike = likeness(vectors)
    labels, joined = np.arange(len(alike)), alike >= grouping.line(len(alike))
    while True:
        lowest = np.where(joined, labels, len(labels)).min(axis=1)
        if (lowest >= labels).all():
            return np.unique(labels, return_inverse=True)[1]
        labels = np.minimum(labels, lowest)


def _average(vectors: Sequence[Embedding]) -> Labels:
    clusters = _sklearn().AgglomerativeClustering(
        None, metric="precomputed", linkage="average", distance_threshold=1 - grouping.line(len(vectors))
    )
    return np.asarray(clusters.fit(_distances(vectors)).labels_, np.int64)


def _hdbscan(vectors: Sequence[Embedding]) -> Labels:
    found = _sklearn().HDBSCAN(min_cluster_size=2, metric="precomputed", copy=True).fit(_distances(vectors)).labels_
    alone = np.flatnonzero(found < 0)
    found[alone] = found.max() + 1 + np.arange(len(alone))
    return np.asarray(found, np.int64)


def _distances(vectors: Sequence[Embedding]) -> Floats:
    apart = 1 - likeness(vectors)
    np.fill_diagonal(apart, 0)
    return apart


def _sklearn() -> Any:
    try:
        # Imported where used: it is an optional package.
        import sklearn.cluster
    except ModuleNotFoundError:
        raise MissingExtra("Grouping by another way", "eval") from None
    return sklearn.cluster


def _person(name: str) -> str:
    return name.rpartition("_")[0]


WAYS: Mapping[str, Callable[[Sequence[Embedding]], Labels]] = {
    "whispers": _whispers,
    "components": _components,
    "average": _average,
    "hdbscan": _hdbscan,
}
