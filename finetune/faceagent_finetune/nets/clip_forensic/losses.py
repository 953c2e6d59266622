"""The losses: one of the logit, two of how features lie on the sphere (Wang & Isola 2020, arXiv 2005.10242)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

NAMES = ("score", "alignment", "uniformity")
_SHARP = 2.0  # of the kernel of uniformity, as published


def losses(logit: Tensor, feature: Tensor, forged: Tensor) -> dict[str, Tensor]:
    """Loss of each part, `NAMES`.

    Args:
        logit: [B, 1]. feature: [B, W], each 1 long. forged: [B] of 0 and 1.
    """
    one, other = torch.triu_indices(len(feature), len(feature), 1, device=feature.device)
    apart = (2 - 2 * feature @ feature.T)[one, other]  # squared distance of every two samples
    alike = (forged[one] == forged[other]).to(apart.dtype)
    return {
        "score": functional.binary_cross_entropy_with_logits(logit[:, 0], forged),
        "alignment": (apart * alike).sum() / alike.sum().clamp(min=1.0),
        "uniformity": torch.logsumexp(-_SHARP * apart, 0) - math.log(len(apart)),
    }
