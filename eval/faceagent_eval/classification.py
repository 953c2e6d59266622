"""Metrics of a yes-or-no answer that comes with a probability, on plain arrays.

What only ranks (ROC, its area, equal error rate) is in `metrics`; log loss and calibration error, with both kinds
weighing alike as here, in `faceagent_finetune.nets.score_calibration`, which fits by them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceagent_eval import metrics
from faceagent_eval.metrics import Bools, Floats


@dataclass(frozen=True)
class RiskCoverage:
    """coverage: [N], rising to 1; risk: [N], share of errors among those that are kept; area: mean risk (AURC)."""

    coverage: Floats
    risk: Floats
    area: float


@dataclass(frozen=True)
class Reliability:
    """Bins of the predicted probability that are not empty. predicted, observed: means; share: of all that is in it."""

    predicted: Floats
    observed: Floats
    share: Floats


def average_precision(scores: Floats, positive: Bools) -> float:
    """Sum over the distinct scores of the precision there times the recall won there; nothing is interpolated.

    The chance level is the share of positives.

    Raises:
        UsageError: see `metrics.roc`.
    """
    curve = metrics.roc(scores, positive)
    hits = curve.tar * np.count_nonzero(positive)
    alarms = curve.far * np.count_nonzero(~positive)
    return float(np.sum(np.diff(curve.tar) * hits[1:] / (hits + alarms)[1:]))


def brier(positive: Floats, negative: Floats) -> float:
    """Mean squared error of probabilities, both kinds weighing alike (Brier 1950). Chance: 0.25.

    Args:
        positive, negative: predicted probability of positive, [P] and [N], neither empty.
    """
    return float((np.mean((1 - positive) ** 2) + np.mean(negative**2)) / 2)


def evenly(positive: Bools) -> Floats:
    """Weights [N] that sum to 1, both kinds alike where there are both."""
    counts = np.where(positive, np.count_nonzero(positive), np.count_nonzero(~positive))
    weights = 1.0 / counts
    return np.asarray(weights / weights.sum())


def risk_coverage(confidence: Floats, right: Bools, weights: Floats) -> RiskCoverage:
    """What is wrong among the surest part, for every size of that part (El-Yaniv and Wiener 2010).

    Equally sure answers are kept together: each counts as wrong as they are on average.

    Args:
        confidence: [N], higher is surer. right: [N]. weights: [N], e.g. `evenly`.
    """
    order = np.argsort(-confidence, kind="stable")
    weight = weights[order] / weights.sum()
    _, tie = np.unique(-confidence[order], return_inverse=True)
    wrong = np.bincount(tie, weight * ~right[order]) / np.bincount(tie, weight)
    coverage = np.cumsum(weight)
    risk = np.cumsum(weight * wrong[tie]) / coverage
    return RiskCoverage(coverage, risk, float(np.sum(weight * risk)))


def error_versus_discard(quality: Floats, wrong: Bools, shares: Floats) -> Floats:
    """The share of errors among what is left when a share of the worst quality is discarded (ISO/IEC 29794-1).

    Equally good ones are discarded together, so that each counts as wrong as they are on average.

    Args:
        quality: [N], higher is better. wrong: [N]. shares: [S], discarded, from 0 to below 1.

    Returns:
        [S]; the first is the share of errors among all where the first share is 0.
    """
    kept = risk_coverage(quality, ~wrong, np.ones(len(wrong)))
    left = np.maximum(np.ceil((1 - shares) * len(wrong) - 1e-9).astype(int), 1)
    return np.asarray(kept.risk[left - 1])


def reliability(probability: Floats, positive: Bools, weights: Floats, bins: int = 10) -> Reliability:
    """Predicted against observed share in bins of equal width.

    Args:
        probability: [N] of positive. weights: [N], e.g. `evenly`.
    """
    place = np.minimum((probability * bins).astype(int), bins - 1)
    share = np.bincount(place, weights, minlength=bins)
    kept = share > 0
    predicted, observed = (
        np.bincount(place, weights * values, minlength=bins)[kept] / share[kept] for values in (probability, positive)
    )
    return Reliability(predicted, observed, share[kept] / weights.sum())
