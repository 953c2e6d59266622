"""The network: a branch for what is left of the pixels when the picture is taken away, one for what the picture shows.

Texture: filters that answer nothing to flat colour (constrained convolutions, Bayar & Stamm 2016; they begin as those
of the spatial rich model, Fridrich & Kodovský 2012) see the window in its own pixels. Semantics: the first ten blocks
of dlib's recogniser on the window halved, where a face has about the size that it was trained on; the first three stay
as they are. Joined on a grid of 14 x 14, from which the region map, the kind and the score are read.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceagent_finetune.nets.multitask.model import Block, recogniser
from faceagent_tools import dlib_net
from faceagent_tools.forensics.windows import KINDS

_KEPT, _MIDDLE, _DEEP = 3, 7, 10
"""Blocks of dlib's that stay as they are; after which maps are 64 channels deep (14 x 14), and 128 (7 x 7)."""
_FILTERS, _FINE, _COARSE, _JOINED = 32, 40, 80, 128
_LEVELS = 6.0  # of 255: residuals beyond are edges, whose height says nothing

# Of the spatial rich model: second difference along a row, the 3 x 3 and the 5 x 5 square.
_ROW = ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 1, -2, 1, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0))
_SMALL = ((0, 0, 0, 0, 0), (0, -1, 2, -1, 0), (0, 2, -4, 2, 0), (0, -1, 2, -1, 0), (0, 0, 0, 0, 0))
_LARGE = ((-1, 2, -2, 2, -1), (2, -6, 8, -6, 2), (-2, 8, -12, 8, -2), (2, -6, 8, -6, 2), (-1, 2, -2, 2, -1))


class Residuals(nn.Module):
    """float32 RGB [N, 3, S, S] of 0-255 -> [N, 32, S/2, S/2] of -1 to 1.

    High-pass filters of 5 x 5 pixels, at every other one.
    """

    def __init__(self) -> None:
        super().__init__()
        row, small, large = (torch.tensor(kernel, dtype=torch.float32) for kernel in (_ROW, _SMALL, _LARGE))
        first = torch.stack([kernel / kernel.abs().sum() for kernel in (row, row.T, small, large)])
        weight = torch.randn(_FILTERS, 3, 5, 5) * 0.03
        for channel in range(3):  # each of the four on each colour, then on the difference of colours
            weight[4 * channel : 4 * channel + 4] = 0
            weight[4 * channel : 4 * channel + 4, channel] = first
        weight[12:16] = torch.stack([first, -first, torch.zeros_like(first)], dim=1) / 2
        weight[16:20] = torch.stack([torch.zeros_like(first), first, -first], dim=1) / 2
        self.weight = nn.Parameter(weight)

    def forward(self, pixels: Tensor) -> Tensor:
        high_pass = self.weight - self.weight.mean(dim=(2, 3), keepdim=True)
        return functional.hardtanh(functional.conv2d(pixels, high_pass * (2 / _LEVELS), stride=2, padding=2))


def _normed(before: int, after: int, stride: int = 1, side: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, side, stride, side // 2, bias=False), nn.BatchNorm2d(after))


class Step(nn.Module):
    """One convolution added to what it sees."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.made = _normed(channels, channels)

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(maps + self.made(maps))


class Forensic(nn.Module):
    """float32 RGB [N, 3, 224, 224] of 0-255 -> `faceagent_tools.forensics.windows.OUTPUTS`."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, dlib_net.BLOCKS[0][0], 7, 2)
        self.blocks = nn.ModuleList(Block(*plan) for plan in dlib_net.BLOCKS[:_DEEP])
        self.register_buffer("mean", torch.tensor(dlib_net.MEAN).view(1, 3, 1, 1), persistent=False)
        self.residuals = Residuals()
        self.texture = nn.Sequential(
            _normed(_FILTERS, _FINE, 2), nn.ReLU(), Step(_FINE), _normed(_FINE, _COARSE, 2), nn.ReLU(), Step(_COARSE)
        )
        middle, deep = (dlib_net.BLOCKS[last - 1][1] for last in (_MIDDLE, _DEEP))
        self.from_texture = _normed(_COARSE, _JOINED, 2)
        self.from_middle = _normed(middle, _JOINED, side=1)
        self.from_deep = _normed(deep, _JOINED, side=1)
        self.joined = nn.Sequential(Step(_JOINED), Step(_JOINED))
        self.map_joined = _normed(_JOINED, _FINE, side=1)
        self.map_texture = _normed(_COARSE, _FINE, side=1)
        self.map = nn.Conv2d(_FINE, 1, 3, 1, 1)
        self.dropout = nn.Dropout(dropout)
        seen = _COARSE + 2 * _JOINED + deep + 2
        self.kind = nn.Linear(seen, len(KINDS))
        self.score = nn.Linear(seen, 1)

    def start(self, weights: Path) -> None:
        """Begin with dlib's filters.

        Raises:
            WeightsError: the file is not dlib's face recogniser.
        """
        theirs = recogniser(weights)
        self.stem.load_state_dict(theirs.stem.state_dict())
        self.blocks.load_state_dict(theirs.blocks[:_DEEP].state_dict())

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """What is trained: `body` begins with dlib's filters, `rest` from nothing."""
        body = list(self.blocks[_KEPT:].parameters())
        kept = {id(p) for p in (*body, *self.stem.parameters(), *self.blocks[:_KEPT].parameters())}
        return {"body": body, "rest": [p for p in self.parameters() if id(p) not in kept]}

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        texture = self.texture(self.residuals(pixels))
        middle, deep = self.semantics(pixels)
        maps = self.from_texture(texture) + self.from_middle(middle)
        # Nearest, not bilinear: the same in every runtime.
        maps = maps + functional.interpolate(self.from_deep(deep), scale_factor=2.0, mode="nearest")
        maps = self.joined(functional.relu(maps))
        wide = functional.interpolate(self.map_joined(maps), scale_factor=2.0, mode="nearest")
        cells = self.map(functional.relu(self.map_texture(texture) + wide))[:, 0]
        seen = torch.cat(
            [
                texture.mean(dim=(2, 3)),
                maps.mean(dim=(2, 3)),
                maps.amax(dim=(2, 3)),
                deep.mean(dim=(2, 3)),
                cells.mean(dim=(1, 2))[:, None],
                cells.amax(dim=(1, 2))[:, None],
            ],
            dim=1,
        )
        seen = self.dropout(seen)
        return {"score": self.score(seen), "kind": self.kind(seen), "map": cells}

    def semantics(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """dlib's maps of the halved window: [N, 64, 14, 14] and [N, 128, 7, 7]; padded so that cells lie on pixels."""
        with torch.no_grad():  # edges and textures: nothing to learn anew
            halved = (functional.avg_pool2d(pixels, 2) - self.mean) / 256
            maps = functional.relu(self.stem(functional.pad(halved, (3, 3, 3, 3))))
            maps = functional.max_pool2d(functional.pad(maps, (0, 1, 0, 1)), 3, 2)
            for block in self.blocks[:_KEPT]:
                maps = block(maps)
        for block in self.blocks[_KEPT:_MIDDLE]:
            maps = block(maps)
        middle = maps
        for block in self.blocks[_MIDDLE:]:
            maps = block(maps)
        return middle, maps
