"""Which cell answers for which face, and what its answer costs.

A face belongs to the cells next to its centre, at the strides made for its size (FCOS, Tian et al. 2019, with centre
sampling): cheap and the same from the first step on. Neighbouring strides share the sizes between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from faceagent_tools.yunet import STRIDES

NAMES = ("obj", "cls", "box", "points")
_SIZES: Mapping[int, tuple[float, float]] = {8: (0.0, 56.0), 16: (40.0, 128.0), 32: (96.0, 1e9)}  # of faces, px
_RADIUS = 1.5  # strides from the centre of a face to those of its cells
_FOCUS, _ON_FACES = 2.0, 0.5  # of the focal loss (Lin et al. 2017): exponent, and weight of cells with a face


def losses(outputs: Sequence[Tensor], boxes: Tensor, points: Tensor, kinds: Tensor, side: int) -> dict[str, Tensor]:
    """Losses `obj`, `cls`, `box` and `points`, each a mean over the cells that have a face.

    Args:
        outputs: of `Detector` while training. boxes [B, M, 4], points [B, M, 5, 2], kinds [B, M]: 1 face, 0 neither
        face nor background, -1 nothing. side: of the pictures, px.
    """
    cls, obj, bbox, kps = (torch.cat(list(outputs[3 * kind : 3 * kind + 3]), dim=1) for kind in range(4))
    places, strides = cells(side)
    with torch.no_grad():
        face, free = assigned(places, strides, boxes, kinds)
    has = face >= 0
    count = has.sum().clamp(min=1)

    logit = obj.squeeze(2)
    target = has.to(logit.dtype)
    chance = torch.sigmoid(logit)
    weight = torch.where(has, _ON_FACES, 1 - _ON_FACES) * (chance - target).abs() ** _FOCUS
    weight = weight.masked_fill(~(has | free), 0.0).detach()
    spread = functional.binary_cross_entropy_with_logits(logit, target, reduction="none")

    which, cell = torch.nonzero(has, as_tuple=True)
    chosen = face[which, cell]
    wanted, marks = boxes[which, chosen], points[which, chosen]
    stride, place = strides[cell, None], places[cell]
    middle = place + bbox[which, cell, :2] * stride
    half = torch.exp(bbox[which, cell, 2:].clamp(max=8.0)) * stride / 2
    overlap, cost = box_cost(torch.cat([middle - half, middle + half], dim=1), wanted)
    sizes = (wanted[:, 2:] - wanted[:, :2]).prod(dim=1).clamp(min=1.0).sqrt()
    off = (place[:, None] + kps[which, cell].reshape(-1, 5, 2) * stride[:, None] - marks) / sizes[:, None, None]
    quality = torch.zeros_like(logit).index_put((which, cell), overlap.detach())
    doubt = torch.where(has, 1.0, torch.sigmoid(cls.squeeze(2)) ** _FOCUS).masked_fill(~(has | free), 0.0).detach()
    fit = doubt * functional.binary_cross_entropy_with_logits(cls.squeeze(2), quality, reduction="none")
    return {
        "obj": (weight * spread).sum() / count,
        "cls": fit.sum() / count,
        "box": cost.sum() / count,
        "points": functional.smooth_l1_loss(off, torch.zeros_like(off), beta=0.05, reduction="sum") / (10 * count),
    }


def cells(side: int) -> tuple[Tensor, Tensor]:
    """Places [n, 2] (x, y) and strides [n] of all cells, in the order of the outputs.

    A cell's place is its corner, as `faceagent_tools.yunet.decode` has it.
    """
    places, strides = [], []
    for stride in STRIDES:
        line = torch.arange(side // stride) * stride
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        places.append(torch.stack([columns, rows], dim=2).reshape(-1, 2).float())
        strides.append(torch.full((len(line) ** 2,), float(stride)))
    return torch.cat(places), torch.cat(strides)


def assigned(places: Tensor, strides: Tensor, boxes: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
    """The face of each cell [B, n], -1 for none, and whether it is background [B, n].

    Of several faces a cell takes the smallest. Cells within a face that have none themselves, or within something that
    may be a face, are neither.
    """
    low = torch.tensor([_SIZES[int(stride)][0] for stride in strides.tolist()])
    high = torch.tensor([_SIZES[int(stride)][1] for stride in strides.tolist()])
    sizes = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=2).sqrt()  # [B, M]
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    centres = places + strides[:, None] / 2
    apart = (centres[None, :, None] - middle[:, None]).abs()  # [B, n, M, 2]
    near = (apart < _RADIUS * strides[None, :, None, None]).all(dim=3)
    # Small faces: no cell whose centre is outside of the box but for the nearest.
    extent = (boxes[..., 2:] - boxes[..., :2])[:, None] / 2
    within = (apart < torch.maximum(extent * 0.6, strides[None, :, None, None] * 0.51)).all(dim=3)
    fits = (sizes[:, None] >= low[None, :, None]) & (sizes[:, None] < high[None, :, None])
    belongs = near & within & fits & (kinds == 1)[:, None]
    ranked = torch.where(belongs, sizes[:, None], torch.inf)
    best = ranked.min(dim=2)
    face = torch.where(best.values.isfinite(), best.indices, -1)
    # The middle of a face, at any stride, is not background, nor is any part of what may be one.
    reach = torch.where((kinds == 1)[:, :, None], 0.35, 0.65)[:, None]  # of the box's sides
    taken = ((apart < extent * 2 * reach).all(dim=3) & (kinds >= 0)[:, None]).any(dim=2)
    return face, (face < 0) & ~taken


def box_cost(found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """IoU [n] of boxes [n, 4], and 1 - DIoU (Zheng et al. 2020) plus the errors of width and height (EIoU)."""
    inner = (torch.minimum(found[:, 2:], wanted[:, 2:]) - torch.maximum(found[:, :2], wanted[:, :2])).clamp(min=0)
    shared = inner.prod(dim=1)
    both = (found[:, 2:] - found[:, :2]).prod(dim=1) + (wanted[:, 2:] - wanted[:, :2]).prod(dim=1)
    overlap = shared / (both - shared).clamp(min=1e-6)
    hull = torch.maximum(found[:, 2:], wanted[:, 2:]) - torch.minimum(found[:, :2], wanted[:, :2])
    apart = (found[:, :2] + found[:, 2:] - wanted[:, :2] - wanted[:, 2:]) / 2
    grown = (found[:, 2:] - found[:, :2]) - (wanted[:, 2:] - wanted[:, :2])
    distance = apart.square().sum(dim=1) / hull.square().sum(dim=1)
    return overlap, 1 - overlap + distance + (grown.square() / hull.square()).sum(dim=1)
