"""The losses: one a head, and one for each pair."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

NAMES = ("score", "pair", "kind", "map", "overlap")


def losses(out: Mapping[str, Tensor], wanted: Mapping[str, Tensor], smoothing: float) -> dict[str, Tensor]:
    """Mean loss of each part, `NAMES`.

    Args:
        out: `Forensic`'s answer to a batch of pairs, authentic first. wanted: score [B], kind [B], cells [B, 28, 28]
            (NaN where unknown). smoothing: of the labels.
    """
    score, cells = out["score"][:, 0], wanted["cells"]
    target = wanted["score"] * (1 - smoothing) + smoothing / 2
    known = torch.isfinite(cells).all(dim=(1, 2))
    return {
        "score": functional.binary_cross_entropy_with_logits(score, target),
        "pair": pair(score, wanted["score"]),
        "kind": functional.cross_entropy(out["kind"], wanted["kind"], label_smoothing=smoothing),
        "map": _mean(_by_cell(out["map"], torch.nan_to_num(cells)), known),
        "overlap": _mean(_missed(out["map"], torch.nan_to_num(cells)), known & (wanted["score"] > 0)),
    }


def pair(score: Tensor, forged: Tensor) -> Tensor:
    """The forged of a pair is to score higher than its authentic partner, from which nothing else sets it apart."""
    apart = score[1::2] - score[0::2]
    return _mean(functional.softplus(-apart), forged[1::2] > forged[0::2])


def _by_cell(logits: Tensor, share: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, share, reduction="none").mean(dim=(1, 2))


def _missed(logits: Tensor, share: Tensor) -> Tensor:
    """1 - Dice [B]: small regions count as much as large ones."""
    found = torch.sigmoid(logits)
    both, either = (found * share).sum(dim=(1, 2)), (found + share).sum(dim=(1, 2))
    return 1 - 2 * both / either.clamp(min=1e-3)


def _mean(values: Tensor, known: Tensor) -> Tensor:
    weight = known.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1.0)
