"""Which faces show one person: Chinese whispers on the likeness that is calibrated, and what a name would be worth.

Faces are joined from the likeness on that 1 in 10,000 pairs of different people reach, or, among many faces, from that
which one stranger in ten reaches with the most alike of so many (`openset`): the more faces, the more pairs that are
alike by chance. Then labels spread along the joins (Biemann 2006, "Chinese whispers"; dlib's). Decision 28 has the
figures, also of other ways.

Every face is compared with every other, exactly, some rows at a time: memory grows with the number of faces, time with
its square.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faceagent.review import Seen, Weight
from faceagent_tools import similarity
from faceagent_tools.embedding import Embedding
from faceagent_tools.identity import openset
from faceagent_tools.identity.templates import likeness
from faceagent_tools.similarity import Floats

Places = npt.NDArray[np.int64]
PAIRS = 1e-4
STRANGERS = 0.1
MOST_JOINS = 64
"""Joins of a face that its label is taken from. Of more, so many are drawn: all count alike, and the most alike would
be those of one moment, which would cut a person with many photos apart."""
_AT_ONCE = 2**22  # likenesses
_SEED = 0
_STEP = 0.002  # of likeness, by which the line rises until a group falls apart


def line(faces: int) -> float:
    """The likeness from which on two of so many faces are joined."""
    return max(similarity.table().line(PAIRS).similarity, openset.table().line(max(faces, 1), STRANGERS))


def whispers(vectors: Sequence[Embedding], least: float) -> list[tuple[int, ...]]:
    """Groups of faces that are joined from a likeness on, the largest first; the same faces give the same groups."""
    import dlib

    labels = np.array(dlib.chinese_whispers(list(zip(*(one.tolist() for one in joins(vectors, least)), strict=True))))
    order = np.argsort(labels, kind="stable")
    found = [tuple(one.tolist()) for one in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)]
    return sorted(found, key=lambda one: (-len(one), one))


def joins(vectors: Sequence[Embedding], least: float) -> tuple[Places, Places]:
    """Pairs of faces that are as alike as that, each once, and each face with itself: two of [pairs], in order."""
    stacked, count = similarity.unit(np.stack(vectors).astype(np.float64)), len(vectors)
    around = similarity.crowding(stacked, similarity.cohort(), similarity.table().nearest) / 2
    random, keys = np.random.default_rng(_SEED), [np.arange(count) * (count + 1)]
    rows = max(1, _AT_ONCE // count)
    for first in range(0, count, rows):
        alike = stacked[first : first + rows] @ stacked.T - around[first : first + rows, None] - around
        here, right = _drawn(alike >= least, random)
        left = here + first
        keys.append(np.minimum(left, right) * count + np.maximum(left, right))
    left, right = np.divmod(np.unique(np.concatenate(keys)), count)
    return left, right


def _drawn(joined: npt.NDArray[np.bool_], random: np.random.Generator) -> tuple[Places, Places]:
    """Rows and columns of what is joined, no more than `MOST_JOINS` of a row."""
    left, right = np.nonzero(joined)
    starts, counts = np.unique(left, return_index=True, return_counts=True)[1:]
    if (counts <= MOST_JOINS).all():
        return left, right
    order = np.lexsort((random.random(len(left)), left))
    kept = order[np.arange(len(left)) - np.repeat(starts, counts) < MOST_JOINS]
    return left[kept], right[kept]


def grouped(seen: Sequence[Seen]) -> list[tuple[int, ...]]:
    """Places of the faces that seem to show one person."""
    return whispers([one.vector for one in seen], line(len(seen))) if seen else []


def divided(seen: Sequence[Seen]) -> list[tuple[int, ...]]:
    """The same where they are known not to be one person: the line rises until they fall apart."""
    vectors = [one.vector for one in seen]
    for least in np.arange(line(len(seen)), float(likeness(vectors).max()), _STEP):
        parts = whispers(vectors, float(least))
        if len(parts) > 1:
            return parts
    return [(at,) for at in range(len(seen))]


def weighed(seen: Sequence[Seen], groups: Sequence[Sequence[int]]) -> list[Weight]:
    """What the name of each group is worth."""
    if not groups:
        return []
    alike, table = _alike(seen), similarity.table()
    doubtful = _doubtful(alike, groups, table.different_below)
    made = []
    for number, group in enumerate(groups):
        inner = alike[np.ix_(group, group)]
        centre = group[int(inner.sum(axis=1).argmax())]
        others = sorted((at for at in group if at != centre), key=lambda at: -alike[centre, at])
        certain = (1.0, *(table.probability(float(alike[centre, at])) for at in others))
        made.append(Weight((centre, *others), certain, int((doubtful == number).sum())))
    return made


def _alike(seen: Sequence[Seen]) -> Floats:
    return likeness([one.vector for one in seen])


def _doubtful(alike: Floats, groups: Sequence[Sequence[int]], different_below: float) -> Places:
    """For each face of a group the other group that it is most alike to, and -1 where it is unlike all."""
    best = np.stack([alike[:, list(group)].max(axis=1) for group in groups], axis=1)
    for number, group in enumerate(groups):
        best[list(group), number] = -np.inf
    # Groups are joined by nothing above the line, so that whatever is not clearly different is in doubt.
    asked = np.isin(np.arange(len(alike)), [at for group in groups for at in group])
    return np.where(asked & (best.max(axis=1) >= different_below), best.argmax(axis=1), -1)
