"""Rates by group of people, how far they are apart, and which group fares worst.

Groups are as the labels of a set name them: of a face it is not told here who somebody is. A gap between the best and
the worst of several groups is never nought, even where all fare alike: what chance alone makes of groups of these sizes
stands beside it, and a group of few photos is left out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceagent_eval import metrics
from faceagent_eval.benchmark import Figure
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.metrics import Bools, Labels

FEWEST = 30
"""Items of a group, below which its rate is told, but held against no other."""
_ROUNDS = 1000


@dataclass(frozen=True)
class Gap:
    """best, worst: of the groups that are large enough. gap: between their rates, 0-1. by_chance: the gap that 95 % of
    random divisions into groups of these sizes stay below; a smaller one says nothing."""

    best: str
    worst: str
    gap: float
    by_chance: float


def gap(hits: Bools, groups: Labels, *, higher_is_better: bool = True, seed: int = 0) -> Gap | None:
    """The largest difference of rates between groups of at least `FEWEST`; None where there are not two.

    Args:
        hits: [N]. groups: [N], names.
        higher_is_better: False for rates of errors, whose worst group is the one with the highest.
    """
    names, counts = np.unique(groups, return_counts=True)
    kept = np.isin(groups, names[counts >= FEWEST])
    if np.count_nonzero(counts >= FEWEST) < 2:
        return None
    names, place = np.unique(groups[kept], return_inverse=True)
    inside = hits[kept].astype(np.float64)
    rates = _rates(inside, place)
    order = np.argsort(rates if higher_is_better else -rates, kind="stable")
    generator = np.random.default_rng(seed)
    shuffled = [float(np.ptp(_rates(generator.permutation(inside), place))) for _ in range(_ROUNDS)]
    return Gap(str(names[order[-1]]), str(names[order[0]]), float(np.ptp(rates)), float(np.quantile(shuffled, 0.95)))


def by_group(
    name: str, hits: Sequence[bool] | Bools, groups: Sequence[str | None], *, higher_is_better: bool = True
) -> Iterator[Figure]:
    """Figures of a yes-or-no measure: the rate of each group, the largest gap, and the worst group.

    Each rate has Wilson's 95 % interval, the gap a bootstrap interval over the items of each group.

    Args:
        name: of the measure and of what divides people, as in "fairface: gender accuracy by race".
        hits: [N]. groups: [N]; None where it is not known, which is counted in no group.
        higher_is_better: see `gap`.
    """
    known = np.array([group is not None for group in groups], np.bool_)
    right, labels = np.asarray(hits, np.bool_)[known], np.array([group for group in groups if group is not None], str)
    for group in np.unique(labels):
        n = int(np.count_nonzero(labels == group))
        note = f"fewer than {FEWEST}: too few to be held against others" if n < FEWEST else None
        yield proportion(f"{name}, {group}", right[labels == group], note)
    found = gap(right, labels, higher_is_better=higher_is_better)
    if found is None:
        return
    large = np.isin(labels, [group for group in np.unique(labels) if np.count_nonzero(labels == group) >= FEWEST])
    beyond = "more than" if found.gap > found.by_chance else "no more than"
    yield resampled(
        f"{name}: largest gap",
        _spread,
        [right[large], labels[large]],
        strata=labels[large],
        rounds=_ROUNDS,
        note=f"{found.best} against {found.worst}; {beyond} the {found.by_chance:.3f} that chance alone exceeds once "
        "in twenty",
    )
    yield proportion(f"{name}: worst group", right[labels == found.worst], found.worst)


def by_each(
    name: str, hits: Sequence[bool] | Bools, people: Sequence[Mapping[str, str]], *, higher_is_better: bool = True
) -> Iterator[Figure]:
    """`by_group` for everything that the people of the items are known by.

    Args:
        hits: [N]. people: [N], such as {"gender": "female", "age": "youth"}; empty where nothing is known.
    """
    for attribute in dict.fromkeys(key for person in people for key in person):
        groups = [person.get(attribute) for person in people]
        yield from by_group(f"{name} by {attribute}", hits, groups, higher_is_better=higher_is_better)


def _rates(values: metrics.Floats, place: Labels) -> metrics.Floats:
    return np.asarray(np.bincount(place, values) / np.bincount(place))


def _spread(hits: Bools, labels: Labels) -> float:
    return float(np.ptp(_rates(hits.astype(np.float64), np.unique(labels, return_inverse=True)[1])))
