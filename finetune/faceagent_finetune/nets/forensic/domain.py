"""Where a window lies among those of the training: what tells a photo that the network has no experience of.

The features that the score is read from, each scaled to unit variance, in the directions in which the training's
windows differ most: the length of such a vector is the Mahalanobis distance to the training (Lee et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceagent_tools.forensics.windows import DIRECTIONS

_FLOOR = 1e-6  # of variances: a feature that never stirs says nothing

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Domain:
    """weight [32, features] and bias [32]: coordinates = weight @ features + bias."""

    weight: Floats
    bias: Floats


def fitted(features: Floats) -> Domain:
    """
    Args:
        features: [n, features] of the training's windows, n of at least some hundreds.
    """
    mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), _FLOOR)
    variances, directions = np.linalg.eigh(np.cov((features - mean) / spread, rowvar=False))
    weight = (directions / np.sqrt(np.maximum(variances, _FLOOR))).T[: -DIRECTIONS - 1 : -1] / spread
    return Domain(weight, -weight @ mean)
