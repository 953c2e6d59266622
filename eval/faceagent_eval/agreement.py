"""Metrics of answers against labels, on plain arrays: classes, yes or no, numbers, and regions of a picture.

Names and definitions are scikit-learn's where it has them. A bare share of right answers is `figures.proportion`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent_eval.metrics import Bools, Floats, Labels


def balanced_accuracy(found: Labels, wanted: Labels) -> float:
    """Mean recall over the classes that occur among the labels, 0-1; chance is one over their number.

    Args:
        found, wanted: [N], classes in any labels.

    Raises:
        UsageError: there is nothing.
    """
    _same_length(found, wanted)
    right = found == wanted
    return float(np.mean([right[wanted == name].mean() for name in np.unique(wanted)]))


def f1(found: Bools, wanted: Bools) -> float:
    """2 TP / (2 TP + FP + FN), 0-1; 0 where nothing is so and nothing is said to be.

    Raises:
        UsageError: there is nothing.
    """
    _same_length(found, wanted)
    return _ratio(2 * int((found & wanted).sum()), int(found.sum()) + int(wanted.sum()))


def macro_f1(found: Labels, wanted: Labels) -> float:
    """Mean F1 over the classes that occur among the labels or the answers, 0-1.

    Raises:
        UsageError: there is nothing.
    """
    _same_length(found, wanted)
    names = np.unique(np.concatenate([found, wanted]))
    return float(np.mean([f1(found == name, wanted == name) for name in names]))


def mean_absolute_error(found: Floats, wanted: Floats) -> float:
    """Mean absolute difference of numbers, [N] each, in their unit.

    Raises:
        UsageError: there is nothing.
    """
    _same_length(found, wanted)
    return float(np.mean(np.abs(found - wanted)))


def concordance(found: Floats, wanted: Floats) -> float:
    """Lin's concordance correlation coefficient (1989, with variances over N as ABAW computes it), -1 to 1.

    Unlike Pearson's it falls with a shift or another scale. 0 where one of the two does not vary.

    Raises:
        UsageError: there is nothing.
    """
    _same_length(found, wanted)
    shared = np.mean((found - found.mean()) * (wanted - wanted.mean()))
    return _ratio(2 * shared, found.var() + wanted.var() + (found.mean() - wanted.mean()) ** 2)


def spearman(found: Floats, wanted: Floats) -> float:
    """Spearman's rank correlation, ties at their mean rank, -1 to 1; 0 where one of the two does not vary.

    Raises:
        UsageError: there is nothing.
    """
    _same_length(found, wanted)
    one, other = (_ranks(values) - (len(values) + 1) / 2 for values in (found, wanted))
    return _ratio(np.sum(one * other), np.sqrt(np.sum(one**2) * np.sum(other**2)))


def overlap(found: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64], shared: npt.NDArray[np.int64]) -> Floats:
    """Intersection over union of regions [R], counted over all photos together; 0 of a region that is nowhere.

    Args:
        found, wanted, shared: [P, R] pixels by photo and region: of the answer, of the label, and of both.
    """
    common = shared.sum(axis=0).astype(np.float64)
    either = found.sum(axis=0) + wanted.sum(axis=0) - common
    return np.asarray(np.divide(common, either, out=np.zeros_like(common), where=either > 0))


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place])


def _ratio(above: Any, below: Any) -> float:
    return float(above / below) if below else 0.0


def _same_length(found: Labels, wanted: Labels) -> None:
    if found.ndim != 1 or found.shape != wanted.shape or not found.size:
        raise UsageError(f"Answers and labels must be [N] each, N at least 1, got {found.shape} and {wanted.shape}")
