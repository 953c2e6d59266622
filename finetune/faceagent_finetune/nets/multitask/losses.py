"""One loss a head; a sample without the label adds nothing."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from faceagent_finetune.nets.multitask.model import POSE_UNIT

_AGE_SPREAD = 2.0  # years: standard deviation of an exact label


def losses(out: Mapping[str, Tensor], wanted: Mapping[str, Tensor], smoothing: float) -> dict[str, Tensor]:
    """Mean loss of each head over the samples that have its label (0 where none has).

    Args:
        out: `Multitask`'s answer. wanted: the arrays of `labels.blank`, as tensors. smoothing: of two-way labels.
    """
    emotion = wanted["emotion"]
    return {
        "age": age(out["age"], wanted["age"]),
        "gender": _two_way(out["gender"], wanted["gender"][:, None], smoothing),
        "race": _allowed(out["race"], wanted["race"]),
        "attributes": _two_way(out["attributes"], wanted["attributes"], smoothing),
        "emotion": _votes(out["emotion"], emotion),
        "points": _near(out["points"], wanted["points"].flatten(1), 0.02),
        "pose": _near(out["pose"] / POSE_UNIT, wanted["pose"] / POSE_UNIT, 0.1),
        "openings": _near(out["openings"], wanted["openings"], 0.05),
    }


def _mean(values: Tensor, known: Tensor) -> Tensor:
    weight = known.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1.0)


def age(logits: Tensor, span: Tensor) -> Tensor:
    """-log of the probability that the label allows: a bell about an exact year, or any year of a group."""
    known = span[:, 0] >= 0
    first, last = span[:, :1].clamp(min=0), span[:, 1:].clamp(min=0)
    years = torch.arange(logits.shape[1], device=logits.device)
    log_p = functional.log_softmax(logits, dim=1)
    inside = (years >= first) & (years <= last)
    group = -torch.logsumexp(log_p.masked_fill(~inside, -1e4), dim=1)
    bell = torch.softmax(-((years - first) ** 2) / (2 * _AGE_SPREAD**2), dim=1)
    exact = -(bell * log_p).sum(dim=1)
    mean = (log_p.exp() * years).sum(dim=1)
    # The distribution's mean is what is reported: its distance counts as well, for groups beyond their ends.
    off = (first[:, 0] - mean).clamp(min=0) + (mean - last[:, 0]).clamp(min=0)
    return _mean(torch.where(span[:, 0] == span[:, 1], exact, group) + 0.1 * off, known)


def _two_way(logits: Tensor, wanted: Tensor, smoothing: float) -> Tensor:
    target = wanted.clamp(min=0).to(logits.dtype) * (1 - smoothing) + smoothing / 2
    return _mean(functional.binary_cross_entropy_with_logits(logits, target, reduction="none"), wanted >= 0)


def _allowed(logits: Tensor, allowed: Tensor) -> Tensor:
    log_p = functional.log_softmax(logits, dim=1)
    return _mean(-torch.logsumexp(log_p.masked_fill(~allowed, -1e4), dim=1), allowed.any(dim=1))


def _votes(logits: Tensor, votes: Tensor) -> Tensor:
    share = votes / votes.sum(dim=1, keepdim=True).clamp(min=1.0)
    return _mean(-(share * functional.log_softmax(logits, dim=1)).sum(dim=1), votes.sum(dim=1) > 0)


def _near(found: Tensor, wanted: Tensor, knee: float) -> Tensor:
    """Smooth L1, in units of the knee's slope, so that 1 is the slope far away."""
    known = torch.isfinite(wanted)
    apart = functional.smooth_l1_loss(found, torch.nan_to_num(wanted), reduction="none", beta=knee)
    return _mean(apart, known)
