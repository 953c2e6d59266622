"""From scores to rates and probabilities: lines, logistic calibration, and their quality on held-out scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def upper_line(scores: Floats, rate: float) -> float:
    """The lowest score that at most a share `rate` of the scores reaches."""
    allowed = int(rate * scores.size + 1e-9)
    cut = np.partition(scores, scores.size - 1 - allowed)[scores.size - 1 - allowed]
    return float(np.nextafter(cut, np.inf))


def upper_line_of_groups(groups: Mapping[str, Floats], rate: float) -> float:
    """The same for the mean rate of several groups, each counting alike."""
    scores = np.concatenate(list(groups.values()))
    weights = np.concatenate([np.full(part.size, 1 / (part.size * len(groups))) for part in groups.values()])
    order = np.argsort(-scores)
    within = np.cumsum(weights[order]) <= rate + 1e-12
    return float(np.nextafter(scores[order][int(np.count_nonzero(within))], np.inf))


def rates(groups: Mapping[str, Floats], line: float) -> dict[str, float]:
    """The share of each group's scores at or above a line."""
    return {name: float(np.mean(scores >= line)) for name, scores in groups.items()}


@dataclass(frozen=True)
class Logistic:
    """P(positive) = 1 / (1 + exp(-(intercept + slope * score))) at equal prior odds."""

    intercept: float
    slope: float

    def __call__(self, scores: Floats) -> Floats:
        return np.asarray(1 / (1 + np.exp(-(self.intercept + self.slope * scores))))


def fit_logistic(positive: Floats, negative: Floats, negative_weights: Floats | None = None) -> Logistic:
    """Weighted logistic regression by Newton's method; both kinds weigh alike in all (prior 0.5).

    Args:
        negative_weights: [N] relative weights of the negatives; default: all alike.
    """
    weights = _weights(positive, negative, negative_weights)
    scores = np.concatenate([positive, negative])
    target = np.concatenate([np.ones(positive.size, np.bool_), np.zeros(negative.size, np.bool_)])
    intercept, slope = fit_linear(scores[:, None], target, weights).tolist()
    return Logistic(intercept, slope)


def fit_linear(scores: Floats, positive: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """Weighted logistic regression by Newton's method: intercept and slopes [1 + K] of log odds.

    Args:
        scores: [N, K]. positive, weights: [N].
    """
    design = np.column_stack([np.ones(len(scores)), scores])
    theta = np.zeros(design.shape[1])
    for _ in range(100):
        predicted = 1 / (1 + np.exp(-(design @ theta)))
        gradient = design.T @ (weights * (positive - predicted))
        curvature = (design * (weights * predicted * (1 - predicted))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(theta)), gradient)
        theta += step
        if np.abs(step).max() < 1e-9:
            break
    return theta


def log_loss(positive: Floats, negative: Floats, negative_weights: Floats | None = None) -> float:
    """Mean negative log likelihood in nats of predicted probabilities, both kinds weighing alike. Chance: 0.693."""
    weights = _weights(positive, negative, negative_weights)
    likelihood = np.concatenate([positive, 1 - negative])
    return float(-np.sum(weights * np.log(np.clip(likelihood, 1e-12, 1))))


def expected_calibration_error(
    positive: Floats, negative: Floats, negative_weights: Floats | None = None, bins: int = 10
) -> float:
    """Mean gap between predicted and observed share in equal bins, both kinds weighing alike (Guo et al. 2017)."""
    weights = _weights(positive, negative, negative_weights)
    predicted = np.concatenate([positive, negative])
    target = np.concatenate([np.ones_like(positive), np.zeros_like(negative)])
    place = np.minimum((predicted * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weights * (predicted - target), minlength=bins)
    return float(np.abs(gaps).sum())


def _weights(positive: Floats, negative: Floats, negative_weights: Floats | None) -> Floats:
    relative = np.ones_like(negative) if negative_weights is None else negative_weights
    return np.concatenate([np.full(positive.size, 0.5 / positive.size), 0.5 * relative / relative.sum()])
