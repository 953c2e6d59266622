"""The network: a branch for what is left of the pixels when the picture is taken away, one for what the picture shows.

Texture: filters that answer nothing to flat colour (constrained convolutions, Bayar & Stamm 2016; they begin as those
of the spatial rich model, Fridrich & Kodovský 2012) see the window in its own pixels. Semantics: EfficientNet-Lite0,
which begins with what it learnt on ImageNet, as the network of self-blended images does (Shiohara & Yamasaki 2022); it
is shown the texture where its own maps are finest. Joined on a grid of 14 x 14, from which the region map, the kind and
the score are read.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceagent.errors import WeightsError
from faceagent_finetune.nets.forensic.efficientnet import DEEP, EDGES, FINE, MIDDLE, EfficientNet
from faceagent_finetune.nets.half_weights import stored
from faceagent_tools.forensics.windows import DIRECTIONS, KINDS

_FILTERS, _NARROW, _COARSE, _JOINED = 32, 40, 80, 128
_COUNTER = "num_batches_tracked"  # of a normalisation; no file but a checkpoint has it
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
        self.body = EfficientNet()
        self.residuals = Residuals()
        self.texture = nn.Sequential(_normed(_FILTERS, _NARROW, 2), nn.ReLU(), Step(_NARROW))
        self.coarser = nn.Sequential(_normed(_NARROW, _COARSE, 2), nn.ReLU(), Step(_COARSE))
        self.shown = _normed(_NARROW, EDGES, side=1)
        nn.init.zeros_(self.shown[1].weight)  # what the body has learnt stands until this helps
        self.from_texture = _normed(_COARSE, _JOINED, 2)
        self.from_middle = _normed(MIDDLE, _JOINED, side=1)
        self.from_deep = _normed(DEEP, _JOINED, side=1)
        self.joined = nn.Sequential(Step(_JOINED), Step(_JOINED))
        self.map_joined = _normed(_JOINED, _NARROW, side=1)
        self.map_fine = _normed(_COARSE + FINE, _NARROW, side=1)
        self.map = nn.Conv2d(_NARROW, 1, 3, 1, 1)
        self.dropout = nn.Dropout(dropout)
        seen = _COARSE + 2 * _JOINED + 2 * DEEP + 2
        self.kind = nn.Linear(seen, len(KINDS))
        self.score = nn.Linear(seen, 1)
        self.domain = nn.Linear(seen, DIRECTIONS).requires_grad_(False)  # fitted when all else is trained

    def start(self, file: Path | None = None) -> None:
        """Begin with ImageNet's weights, or with those of an exported network.

        Raises:
            MissingExtra: the package with ImageNet's weights is not installed.
            WeightsError: the file is another network's.
        """
        if file is None:
            self.body.start()
            return
        theirs = {name.removeprefix("network."): value for name, value in stored(file).items()}
        ours = {
            name: value
            for name, value in self.state_dict().items()
            if not name.endswith(_COUNTER) and not name.startswith("domain.")
        }
        if any(name not in theirs or theirs[name].shape != tuple(value.shape) for name, value in ours.items()):
            raise WeightsError(f"{file.name} is not a network of this architecture", "Leave out `start` in the recipe")
        self.load_state_dict({name: torch.from_numpy(theirs[name].copy()) for name in ours}, strict=False)

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """What is trained: `body` begins with ImageNet's weights, `rest` from nothing."""
        body = [p for p in self.body.parameters() if p.requires_grad]
        theirs = {id(p) for p in self.body.parameters()}
        return {"body": body, "rest": [p for p in self.parameters() if p.requires_grad and id(p) not in theirs]}

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        seen, cells = self._seen(pixels)
        kept = self.dropout(seen)
        return {"score": self.score(kept), "kind": self.kind(kept), "map": cells, "domain": self.domain(seen)}

    def features(self, pixels: Tensor) -> Tensor:
        """[N, F] from which the score is read."""
        return self._seen(pixels)[0]

    def _seen(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        texture = self.texture(self.residuals(pixels))
        fine = self.body.fine(self.body.edges(pixels) + self.shown(texture))
        texture = self.coarser(texture)
        middle = self.body.middle(fine)
        deep = self.body.deep(middle)
        maps = self.from_texture(texture) + self.from_middle(middle)
        # Nearest, not bilinear: the same in every runtime.
        maps = maps + functional.interpolate(self.from_deep(deep), scale_factor=2.0, mode="nearest")
        maps = self.joined(functional.relu(maps))
        wide = functional.interpolate(self.map_joined(maps), scale_factor=2.0, mode="nearest")
        cells = self.map(functional.relu(self.map_fine(torch.cat([texture, fine], dim=1)) + wide))[:, 0]
        seen = torch.cat(
            [
                texture.mean(dim=(2, 3)),
                maps.mean(dim=(2, 3)),
                maps.amax(dim=(2, 3)),
                deep.mean(dim=(2, 3)),
                deep.amax(dim=(2, 3)),
                cells.mean(dim=(1, 2))[:, None],
                cells.amax(dim=(1, 2))[:, None],
            ],
            dim=1,
        )
        return seen, cells
