"""What templates of fewer numbers cost, and what a first look at fewer bytes rules out (LFW).

The first numbers of a template after a rotation onto its principal axes (PCA, not centred, so that cosines of all 128
numbers stay as they are), fitted on half of the people and measured on the other half; or the first numbers as they
come, as one would shorten a network trained for it (Kusupati et al. 2022, arXiv:2205.13147), which this one was not.

Then the exact index, on a normal distribution with mean and covariance of the set's templates, and of the differences
between photos of one person for the queries: real spectra in any number, where a set has only some thousand templates.
Beside it what the first numbers alone would rule out without an error, by Cauchy-Schwarz on the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from faceagent.gallery import scan
from faceagent.gallery.index import ExactIndex
from faceagent.gallery.records import Vector
from faceagent_eval import metrics
from faceagent_eval.benchmark import Figure, Result
from faceagent_eval.benchmarks.grouping import Grouping, Labels, Read
from faceagent_eval.figures import proportion
from faceagent_tools import similarity
from faceagent_tools.similarity import Floats

DIMENSIONS = (16, 32, 64, 96)
FAR, FPIR = 1e-3, 1e-2
K = 5
DRAWN, QUERIES = 4 * scan.BLOCK, 50
LOOKED_AT = 4 * K  # as the gallery asks: several of the nearest may be one person's


class Half(NamedTuple):
    """Templates of length 1 [N, 128] and the number of each person [N]."""

    vectors: Floats
    people: Labels


class Shorter(Grouping):
    """See the module. `limit`: people."""

    name = "shorter"
    about = "templates of fewer numbers (LFW): recall, identification, verification; what an index looks at again"
    backends: ClassVar[tuple[str, ...]] = ("pca", "truncated")

    def score(self, measured: Sequence[Read]) -> Result:
        found = [(one.name.rpartition("_")[0], one.embedding) for one in measured if one.embedding is not None]
        people = np.unique([name for name, _ in found], return_inverse=True)[1]
        vectors = similarity.unit(np.stack([vector for _, vector in found]).astype(np.float64))
        first = np.random.default_rng(0).permutation(int(people.max()) + 1)[people] % 2 == 0
        fitted, other = Half(vectors[first], people[first]), Half(vectors[~first], people[~first])
        turn = principal(fitted.vectors) if self.backend == "pca" else np.eye(vectors.shape[1])
        figures = [figure for count in (*DIMENSIONS, len(turn)) for figure in _shortened(other, turn, count)]
        protocol = (
            f"{len(other.people)} faces of {len(np.unique(other.people))} people; {DRAWN:,} drawn templates, {QUERIES} "
            f"queries, the nearest {K}"
        )
        return self._result(measured, protocol, [*figures, *_looked_at(vectors, people, turn)])


def principal(vectors: Floats) -> Floats:
    """The principal axes of vectors [N, D], most important first, as the columns of an orthogonal matrix [D, D]."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.asarray(axes[:, ::-1])


def _shortened(half: Half, turn: Floats, count: int) -> Iterator[Figure]:
    """Figures with the first `count` numbers, each prefixed by it."""
    short = similarity.unit((half.vectors @ turn)[:, :count])
    averages = similarity.unit((similarity.cohort() @ turn)[:, :count])
    alike = similarity.all_pairs(short, averages, similarity.table().nearest)
    same = half.people[:, None] == half.people
    left, right = np.triu_indices(len(same), 1)
    genuine = same[left, right]
    tar, _ = metrics.tar_at_far(alike[left, right][genuine], alike[left, right][~genuine], FAR)
    np.fill_diagonal(alike, -np.inf)
    nearest = _nearest(short, K)
    kept = [
        len(set(found) & set(all_of_them))
        for found, all_of_them in zip(nearest, _nearest(half.vectors, K), strict=True)
    ]
    several = same.sum(axis=1) > 1
    hits = half.people[alike.argmax(axis=1)] == half.people
    yield Figure(name=f"{count}: recall of the nearest {K}", value=float(np.mean(kept)) / K, n=len(nearest))
    yield proportion(f"{count}: the person comes first", hits[several])
    yield Figure(name=f"{count}: true match rate at FMR {FAR:g}", value=tar, n=int(genuine.sum()))
    yield proportion(f"{count}: named at FPIR {FPIR:g}", _named(alike, same))


def _named(alike: Floats, same: metrics.Bools) -> metrics.Bools:
    """For each face of somebody with several: named rightly, with the line that lets so many strangers pass?

    alike: [N, N] with -inf for a face and itself. Each face is looked for among all others; as a stranger, among those
    of other people.
    """
    own = np.where(same, alike, -np.inf).max(axis=1)
    strangers = np.where(same, -np.inf, alike).max(axis=1)
    line = np.quantile(strangers, 1 - FPIR)
    named: metrics.Bools = ((own > strangers) & (own >= line))[same.sum(axis=1) > 1]
    return named


def _nearest(vectors: Floats, k: int) -> list[list[int]]:
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    return [list(row) for row in np.argsort(-cosines, axis=1)[:, :k].tolist()]


def _looked_at(vectors: Floats, people: Labels, turn: Floats) -> Iterator[Figure]:
    """On drawn templates: what has to be looked at again after copies of four bits, and after the first numbers."""
    drawn, queries = _drawn(vectors, people)
    index = ExactIndex(drawn.shape[1])
    index.add(np.arange(len(drawn)), drawn)
    index.settle()
    copies = scan.Scan(drawn.shape[1])
    copies.extend(drawn)
    short, kept, again = Short(drawn, turn), [], []
    for query in queries:
        right = set(np.argsort(-(drawn @ query))[:K].tolist())
        kept.append(len(right & set(index.search(query, LOOKED_AT).ids[:K].tolist())))
        again.append([len(copies.near(drawn, query, LOOKED_AT)), *short.left(query)])
    shares = np.mean(again, axis=0) / len(drawn)
    yield Figure(name=f"drawn: recall of the nearest {K}", value=float(np.mean(kept)) / K, n=QUERIES)
    for name, share in zip(("4 bits a number", *(f"the first {count}" for count in DIMENSIONS)), shares, strict=True):
        yield Figure(name=f"drawn: looked at again after {name}", value=float(share), n=QUERIES)


class Short:
    """Vectors by their first numbers, and the length of the rest."""

    def __init__(self, vectors: Vector, turn: Floats) -> None:
        self._vectors, self._turn = vectors, turn
        self._turned = vectors @ turn

    def left(self, query: Vector) -> list[int]:
        """How many vectors can be among the nearest `LOOKED_AT` as far as the first numbers tell, for `DIMENSIONS`."""
        least = np.partition(self._vectors @ query, -LOOKED_AT)[-LOOKED_AT]
        turned = query @ self._turn
        counts = []
        for count in DIMENSIONS:
            rest = np.linalg.norm(self._turned[:, count:], axis=1) * np.linalg.norm(turned[count:])
            counts.append(int(np.count_nonzero(self._turned[:, :count] @ turned[:count] + rest >= least - 1e-6)))
        return counts


def _drawn(vectors: Floats, people: Labels) -> tuple[Vector, Vector]:
    """Templates float32 [DRAWN, D] as those of many people are, and queries: other photos of some of them."""
    random = np.random.default_rng(1)
    sums = np.zeros((int(people.max()) + 1, vectors.shape[1]))
    np.add.at(sums, people, vectors)
    counts = np.bincount(people)
    apart = (vectors - (sums / counts[:, None])[people])[counts[people] > 1]
    within = apart.T @ apart / max(len(apart) - int((counts > 1).sum()), 1)
    between = np.cov(vectors.T) - within
    values, axes = np.linalg.eigh(between)
    spread = axes * np.sqrt(np.maximum(values, 0))
    centres = vectors.mean(axis=0) + random.standard_normal((DRAWN, len(spread))) @ spread.T
    root = np.linalg.cholesky(within + 1e-9 * np.eye(len(within))).T
    photos = similarity.unit(centres + random.standard_normal(centres.shape) @ root)
    others = similarity.unit(centres[:QUERIES] + random.standard_normal((QUERIES, len(spread))) @ root)
    return photos.astype(np.float32), others.astype(np.float32)
