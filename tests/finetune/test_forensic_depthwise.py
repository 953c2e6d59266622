"""Gradients of a convolution of each channel by itself, against torch's own."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402 - after the skip
from hypothesis import strategies as st  # noqa: E402
from torch.nn import functional  # noqa: E402

from faceagent_finetune.nets.forensic.depthwise import Depthwise  # noqa: E402
from faceagent_finetune.nets.forensic.efficientnet import InvertedResidual  # noqa: E402


@settings(max_examples=60, deadline=None)
@given(
    side=st.sampled_from([3, 5]),
    stride=st.sampled_from([1, 2]),
    height=st.integers(5, 14),
    width=st.integers(5, 14),
    channels=st.integers(1, 9),
    seed=st.integers(0, 2**16),
)
def test_gradients_are_those_of_torch(
    side: int, stride: int, height: int, width: int, channels: int, seed: int
) -> None:
    source = torch.Generator().manual_seed(seed)
    maps = torch.randn(2, channels, height, width, generator=source, dtype=torch.float64)
    maps = maps.contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(channels, 1, side, side, generator=source, dtype=torch.float64, requires_grad=True)
    theirs = functional.conv2d(maps, weight, stride=stride, groups=channels)
    given = torch.randn(theirs.shape, generator=source, dtype=torch.float64)
    ours = Depthwise.apply(maps, weight, stride)
    torch.testing.assert_close(ours, theirs)
    for our, their in zip(
        torch.autograd.grad(ours, (maps, weight), given),
        torch.autograd.grad(theirs, (maps, weight), given),
        strict=True,
    ):
        torch.testing.assert_close(our, their)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_in_half_precision_learns_what_it_would_in_full(stride: int) -> None:
    torch.manual_seed(3)
    block = InvertedResidual(8, 8, widen=4, side=5, stride=stride, kept=False)
    maps = torch.randn(4, 8, 12, 12).contiguous(memory_format=torch.channels_last)
    gradients, given = [], None
    for half in (False, True):
        block.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            made = block(maps)
        given = torch.randn(made.shape) if given is None else given
        made.float().backward(given)
        assert block.filter[0].weight.grad.dtype == torch.float32
        gradients.append(block.filter[0].weight.grad.clone())
    apart = (gradients[0] - gradients[1]).norm() / gradients[0].norm()
    assert 0 < float(apart) < 0.15  # of rounding; a tap out of place makes it 1 and more
