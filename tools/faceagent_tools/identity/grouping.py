"""Which faces show one person: Chinese whispers on the likeness that is calibrated, and what a name would be worth.

Faces are joined from the likeness on that 1 in 10,000 pairs of different people reach, or, among many faces, from that
which one stranger in ten reaches with the most alike of so many (`openset`): the more faces, the more pairs that are
alike by chance. Then labels spread along the joins (Biemann 2006, "Chinese whispers"; dlib's). Decision 24 has the
figures, also of other ways.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faceagent.review import Seen, Weight
from faceagent_tools import similarity
from faceagent_tools.identity import openset
from faceagent_tools.identity.templates import likeness
from faceagent_tools.similarity import Floats

PAIRS = 1e-4
STRANGERS = 0.1
_STEP = 0.002  # of likeness, by which the line rises until a group falls apart


def line(faces: int) -> float:
    """The likeness from which on two of so many faces are joined."""
    return max(similarity.table().line(PAIRS).similarity, openset.table().line(max(faces, 1), STRANGERS))


def whispers(alike: Floats, least: float) -> list[tuple[int, ...]]:
    """Groups of N faces by their likeness [N, N], the largest first; the same faces give the same groups."""
    import dlib

    joined = alike >= least
    np.fill_diagonal(joined, True)
    left, right = np.nonzero(np.triu(joined))
    labels = np.array(dlib.chinese_whispers(list(zip(left.tolist(), right.tolist(), strict=True))))
    found = [tuple(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)]
    return sorted(found, key=lambda one: (-len(one), one))


def grouped(seen: Sequence[Seen]) -> list[tuple[int, ...]]:
    """Places of the faces that seem to show one person."""
    return whispers(_alike(seen), line(len(seen))) if seen else []


def divided(seen: Sequence[Seen]) -> list[tuple[int, ...]]:
    """The same where they are known not to be one person: the line rises until they fall apart."""
    alike = _alike(seen)
    for least in np.arange(line(len(seen)), float(alike.max()), _STEP):
        parts = whispers(alike, float(least))
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


def _doubtful(alike: Floats, groups: Sequence[Sequence[int]], different_below: float) -> npt.NDArray[np.int64]:
    """For each face of a group the other group that it is most alike to, and -1 where it is unlike all."""
    best = np.stack([alike[:, list(group)].max(axis=1) for group in groups], axis=1)
    for number, group in enumerate(groups):
        best[list(group), number] = -np.inf
    # Groups are joined by nothing above the line, so that whatever is not clearly different is in doubt.
    asked = np.isin(np.arange(len(alike)), [at for group in groups for at in group])
    return np.where(asked & (best.max(axis=1) >= different_below), best.argmax(axis=1), -1)
