"""Convolutions of each channel by itself in bfloat16, with a backward pass that processors have a fast path for.

torch's forward pass in bfloat16 is fast where the processor multiplies such numbers; its backward pass falls back to a
reference that takes up to sixty times as long, and is most of a training step. Here the backward pass is made of what
is fast: forward convolutions, and weight gradients of 3 x 3 filters at stride 1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_TAPS = 3  # a side of the filters whose weight gradients are fast


class Depthwise(torch.autograd.Function):
    """Maps [N, C, H, W], padded already, and filters [C, 1, K, K] -> [N, C, H', W'].

    K is 3 or 5, the stride 1 or 2; memory is channels-last.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(maps, weight)
        ctx.stride = stride
        return functional.conv2d(maps, weight, stride=stride, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, Tensor, None]:
        maps, weight = ctx.saved_tensors
        gradient = given[0].contiguous(memory_format=torch.channels_last)
        return _of_maps(gradient, weight, ctx.stride, maps), _of_weight(gradient, maps, ctx.stride, weight), None


def _of_maps(gradient: Tensor, weight: Tensor, stride: int, maps: Tensor) -> Tensor:
    """A pixel's gradient comes through the taps that saw it: with a stride of 2, through every other one."""
    if stride == 1:
        return _spread(gradient, weight)
    made = torch.zeros_like(maps)
    for row in range(stride):
        for column in range(stride):
            part = _spread(gradient, weight[:, :, row::stride, column::stride])
            # Pixels beyond the last tap were not seen, and a part may end before or behind the maps.
            place = made[:, :, row::stride, column::stride][:, :, : part.shape[2], : part.shape[3]]
            place.copy_(part[:, :, : place.shape[2], : place.shape[3]])
    return made


def _spread(gradient: Tensor, taps: Tensor) -> Tensor:
    room = (taps.shape[2] - 1, taps.shape[3] - 1)
    return functional.conv2d(gradient, taps.flip(2, 3), padding=room, groups=len(taps))


def _of_weight(gradient: Tensor, maps: Tensor, stride: int, weight: Tensor) -> Tensor:
    """By parts of 3 x 3 taps, each over the pixels that these saw."""
    channels, side = len(weight), weight.shape[-1]
    high, wide = (extent + _TAPS - 1 for extent in gradient.shape[2:])
    starts = range(stride) if stride > 1 else range(0, side - _TAPS + 1, 2)
    made = weight.new_zeros((channels, 1, side + _TAPS, side + _TAPS))  # a part may reach beyond the filter
    for row in starts:
        for column in starts:
            seen = maps[:, :, row::stride, column::stride][:, :, :high, :wide]
            seen = functional.pad(seen, (0, wide - seen.shape[3], 0, high - seen.shape[2]))
            taps = torch.ops.aten.convolution_backward(
                gradient,
                seen.contiguous(memory_format=torch.channels_last),
                weight.new_empty((channels, 1, _TAPS, _TAPS)),
                None, [1, 1], [0, 0], [1, 1], False, [0, 0], channels, [False, True, False],
            )[1]  # fmt: skip
            made[:, :, row::stride, column::stride][:, :, :_TAPS, :_TAPS] = taps
    return made[:, :, :side, :side].contiguous()
