"""Verification metrics on plain arrays. A higher score means more alike; distances go in negated.

FAR (false accept rate, also false match rate): the share of impostor pairs that pass. TAR (true accept rate): the
share of genuine pairs that pass. Terms as in ISO/IEC 19795-1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra, UsageError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[Any]
Statistic = Callable[[Floats, Labels], float]
"""Of values and labels, [N] each."""


@dataclass(frozen=True)
class Roc:
    """far, tar: [K], both rising from 0 to 1; threshold: [K], falling; a pair passes when score >= threshold."""

    far: Floats
    tar: Floats
    threshold: Floats


@dataclass(frozen=True)
class Folds:
    """Accuracy by fold, each at the threshold that is best on all other folds."""

    mean: float
    std: float
    accuracies: tuple[float, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True)
class Bootstrap:
    low: float
    high: float
    level: float


def roc(scores: Floats, same: Bools) -> Roc:
    """The receiver operating characteristic, one point for every distinct score.

    Args:
        scores: [N], finite.
        same: [N], True for genuine pairs.

    Raises:
        UsageError: the shapes differ, a score is not finite, or one of the two kinds of pair is missing.
    """
    scores, same = _pairs(scores, same)
    order = np.argsort(-scores, kind="stable")
    falling, genuine = scores[order], same[order]
    last = np.append(np.flatnonzero(np.diff(falling)), falling.size - 1)
    passed = np.cumsum(genuine)[last]
    return Roc(
        far=np.append(0.0, (last + 1 - passed) / np.count_nonzero(~same)),
        tar=np.append(0.0, passed / np.count_nonzero(same)),
        threshold=np.append(np.inf, falling[last]),
    )


def auc(curve: Roc) -> float:
    """Area under the curve, 0-1, by trapezia (equals the Mann-Whitney statistic)."""
    return float(np.trapezoid(curve.tar, curve.far))


def eer(curve: Roc) -> float:
    """Equal error rate: where FAR meets 1 - TAR, on the straight line between the two points around it."""
    gap = curve.far - (1.0 - curve.tar)
    right = int(np.argmax(gap >= 0))
    left = right - 1
    share = -gap[left] / (gap[right] - gap[left])
    return float(curve.far[left] + share * (curve.far[right] - curve.far[left]))


def tar_at_far(genuine: Floats, impostor: Floats, far: float) -> tuple[float, float]:
    """The best TAR whose FAR on these impostor pairs is at most `far`, and its threshold; nothing is interpolated.

    Sorts nothing, so that it also serves for many millions of pairs.

    Args:
        genuine, impostor: scores, [G] and [I], neither empty.
        far: 0-1.
    """
    allowed = int(far * impostor.size + 1e-9)
    if allowed >= impostor.size:
        return 1.0, float(min(genuine.min(), impostor.min()))
    cut = np.partition(impostor, impostor.size - 1 - allowed)[impostor.size - 1 - allowed]
    return float(np.mean(genuine > cut)), float(np.nextafter(cut, np.inf))


def best_threshold(scores: Floats, same: Bools) -> float:
    """The threshold of highest accuracy, in the middle of the gap to the next score (and of the widest on a tie)."""
    scores, same = _pairs(scores, same)
    levels = np.unique(scores)
    cuts = np.concatenate(([levels[0] - 1e-9], (levels[:-1] + levels[1:]) / 2, [levels[-1] + 1e-9]))
    widths = np.concatenate(([0.0], np.diff(levels), [0.0]))
    genuine, impostor = np.sort(scores[same]), np.sort(scores[~same])
    right = genuine.size - np.searchsorted(genuine, cuts) + np.searchsorted(impostor, cuts)
    tied = np.flatnonzero(right == right.max())
    return float(cuts[tied[np.argmax(widths[tied])]])


def accuracy(scores: Floats, same: Bools, threshold: float) -> float:
    """The share of pairs on the right side of the threshold, which may be of one kind only."""
    return float(np.mean((scores >= threshold) == same))


def kfold_accuracy(scores: Floats, same: Bools, folds: Labels) -> Folds:
    """Accuracy by the LFW protocol: the threshold of each fold is chosen on the other folds.

    Args:
        folds: [N], the fold of each pair, in any labels.

    Raises:
        UsageError: there are fewer than two folds, or see `roc`.
    """
    scores, same = _pairs(scores, same)
    names = np.unique(folds)
    if names.size < 2:
        raise UsageError(f"k-fold accuracy needs at least two folds, got {names.size}")
    thresholds = [best_threshold(scores[folds != name], same[folds != name]) for name in names]
    accuracies = [
        accuracy(scores[folds == name], same[folds == name], threshold)
        for name, threshold in zip(names, thresholds, strict=True)
    ]
    return Folds(float(np.mean(accuracies)), float(np.std(accuracies)), tuple(accuracies), tuple(thresholds))


def bootstrap(
    statistic: Callable[..., float],
    columns: Sequence[Labels],
    strata: Labels,
    *,
    rounds: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Bootstrap:
    """Percentile bootstrap interval of a statistic of several columns of equal length.

    Rows are drawn with replacement within each stratum, so that every round has as many genuine and impostor pairs
    as the data. Pairs are treated as independent: where people occur in several pairs the interval is too narrow.

    Args:
        statistic: called with the resampled columns.
        columns: each [N].
        strata: [N], what is kept in proportion, e.g. `same`.
    """
    generator = np.random.default_rng(seed)
    groups = [np.flatnonzero(strata == name) for name in np.unique(strata)]
    values = []
    for _ in range(rounds):
        drawn = np.concatenate([generator.choice(group, group.size) for group in groups])
        values.append(statistic(*(column[drawn] for column in columns)))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Bootstrap(float(low), float(high), level)


@dataclass(frozen=True)
class Difference:
    """Of two runs on the same items: the second less the first. p: two-sided, of no difference."""

    value: float
    low: float
    high: float
    p: float


def paired_bootstrap(
    statistic: Statistic,
    first: Floats,
    second: Floats,
    labels: Labels,
    groups: Labels | None = None,
    *,
    rounds: int = 4999,
    seed: int = 0,
) -> Difference:
    """How a statistic differs between two runs: both are computed on the same items, drawn anew (Efron 1993, ch. 16).

    The interval holds 95 %. p is twice the smaller share of rounds on one side of no difference, the data counted as a
    round, so at least 2 / (rounds + 1).

    Args:
        statistic: of values and labels.
        first, second: values by item, [N] each.
        labels: [N], kept in proportion; all alike where there are none.
        groups: [N], items that are drawn together, all of one label; None where each stands alone.
    """
    _, first_of, unit = np.unique(
        np.arange(len(labels)) if groups is None else groups, return_index=True, return_inverse=True
    )
    members = np.split(np.argsort(unit, kind="stable"), np.cumsum(np.bincount(unit))[:-1])
    generator = np.random.default_rng(seed)
    strata = [np.flatnonzero(labels[first_of] == name) for name in np.unique(labels[first_of])]
    apart = np.empty(rounds)
    for number in range(rounds):
        drawn = np.concatenate([generator.choice(stratum, stratum.size) for stratum in strata])
        rows = drawn if groups is None else np.concatenate([members[place] for place in drawn])
        apart[number] = statistic(second[rows], labels[rows]) - statistic(first[rows], labels[rows])
    value = statistic(second, labels) - statistic(first, labels)
    low, high = np.quantile(apart, [0.025, 0.975])
    tail = min(np.count_nonzero(apart <= 0), np.count_nonzero(apart >= 0))
    return Difference(float(value), float(low), float(high), float(min(1.0, 2 * (tail + 1) / (rounds + 1))))


def mcnemar(first: Bools, second: Bools) -> float:
    """The exact two-sided p of no difference between two runs that are right or wrong on the same items, [N] each.

    Only items that one run has right and the other wrong count (McNemar 1947; the binomial test on these).

    Raises:
        MissingExtra: SciPy, which comes with the extra `eval`, is not installed.
    """
    try:
        # Imported where used: it is an optional package.
        from scipy.stats import binomtest
    except ModuleNotFoundError:
        raise MissingExtra("McNemar's test", "eval") from None
    won, lost = int(np.count_nonzero(second & ~first)), int(np.count_nonzero(first & ~second))
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def holm(p: Sequence[float]) -> list[float]:
    """p values adjusted for their number, in the order given (Holm 1979)."""
    adjusted, least = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        least = max(least, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = least
    return adjusted


def wilson(hits: int, n: int) -> Bootstrap:
    """95 % interval of a share (Wilson 1927), which also holds for shares of 0 and 1. n: at least 1."""
    z = 1.959964
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return Bootstrap(max(0.0, middle - half), min(1.0, middle + half), 0.95)


def _pairs(scores: Floats, same: Bools) -> tuple[Floats, Bools]:
    scores, same = np.asarray(scores, dtype=np.float64), np.asarray(same, dtype=np.bool_)
    if scores.ndim != 1 or scores.shape != same.shape:
        raise UsageError(f"Scores and labels must be [N] each, got {scores.shape} and {same.shape}")
    if not np.isfinite(scores).all():
        raise UsageError("Every score must be a finite number")
    if same.all() or not same.any():
        raise UsageError("Verification metrics need both genuine and impostor pairs")
    return scores, same
