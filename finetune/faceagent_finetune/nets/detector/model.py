"""faceagent-detector: depthwise-separable stages, a top-down path, one cell one face.

The outputs are those of YuNet (`faceagent_tools.yunet.decode`), so that one decoder serves both.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceagent_tools.yunet import STRIDES

OUTPUTS = tuple(f"{name}_{stride}" for name in ("cls", "obj", "bbox", "kps") for stride in STRIDES)
_CHANNELS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
_RARE = -4.6  # logit of 0.01: nearly all cells are background, and training need not first learn that


class Unit(nn.Module):
    """Depthwise 3x3, pointwise 1x1, normalised; added to its input where the shape stays."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.added = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        made = self.norm(self.pointwise(self.depthwise(maps)))
        return functional.relu(made + maps if self.added else made)


class Dense(nn.Module):
    """3x3, stride 2, normalised: for the few channels of the first layers, where it is as fast as a separable one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.filters = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(self.norm(self.filters(maps)))


class Detector(nn.Module):
    """float32 BGR [N, 3, H, W] of 0-255, H and W multiples of 32 -> `OUTPUTS`, each [N, cells, channels].

    cls: how well the box fits (IoU; 0 for background), obj: whether a face is centred there; both logits while
    training, else 0-1. bbox: offset of the centre from the cell and logarithm of the size, kps: offsets of the five
    points; in strides.

    Args:
        widths: channels at strides 2, 4, 8, 16, 32. depths: units at 8, 16, 32. neck: channels of the top-down path.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], neck: int) -> None:
        super().__init__()
        first, second, *rest = widths
        self.stem = nn.Sequential(Dense(3, first), Dense(first, second))
        inputs = [second, *rest]
        self.stages = nn.ModuleList(
            nn.Sequential(Unit(before, after, 2), *(Unit(after, after) for _ in range(depth - 1)))
            for before, after, depth in zip(inputs, rest, depths, strict=False)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(width, neck, 1) for width in rest)
        self.merged = nn.ModuleList(Unit(neck, neck) for _ in STRIDES)
        self.towers = nn.ModuleList(Unit(neck, neck) for _ in STRIDES)
        self.heads = nn.ModuleList(nn.Conv2d(neck, sum(_CHANNELS.values()), 1) for _ in STRIDES)
        for head in self.heads:
            assert isinstance(head, nn.Conv2d) and head.bias is not None
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
            nn.init.constant_(head.bias[1:2], _RARE)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        maps = self.stem((pixels - 127.5) / 64.0)
        sides = []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            maps = stage(maps)
            sides.append(lateral(maps))
        levels = [self.merged[-1](sides[-1])]
        for side, merge in zip(sides[-2::-1], list(self.merged)[-2::-1], strict=True):
            # Nearest, not bilinear: the same in every runtime.
            levels.insert(0, merge(side + functional.interpolate(levels[0], scale_factor=2.0, mode="nearest")))
        found = [
            head(tower(level)).flatten(2).transpose(1, 2).split(list(_CHANNELS.values()), dim=2)
            for head, tower, level in zip(self.heads, self.towers, levels, strict=True)
        ]
        outputs = [level[kind] for kind in range(len(_CHANNELS)) for level in found]
        scores = 2 * len(STRIDES)
        if not self.training:
            outputs[:scores] = [torch.sigmoid(score) for score in outputs[:scores]]
        return tuple(outputs)
