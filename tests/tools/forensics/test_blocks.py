"""Blocks of the portrait's luma against what is said of them: means, masks, and the transform of OpenCV."""

from __future__ import annotations

import cv2
import numpy as np

from faceagent_tools.forensics import blocks
from faceagent_tools.forensics.view import FaceView


def test_blocks_lie_as_they_do_in_the_plane(untouched: FaceView) -> None:
    luma, found = untouched.luma, blocks.split(untouched.luma)
    assert found.shape == (luma.shape[0] // 8, luma.shape[1] // 8, 8, 8)
    assert (found[2, 3] == luma[16:24, 24:32]).all()
    assert np.allclose(blocks.means(luma), found.mean(axis=(2, 3)), atol=1e-4)


def test_a_block_with_one_place_outside_is_not_inside(untouched: FaceView) -> None:
    mask = np.ones(untouched.luma.shape, np.bool_)
    mask[17, 30] = False
    assert np.argwhere(~blocks.inside(mask)).tolist() == [[2, 3]]


def test_the_transform_is_the_cosine_transform(untouched: FaceView) -> None:
    block = untouched.luma[16:24, 24:32]
    whole = blocks.cosines(block)
    assert np.allclose(whole, cv2.dct(block - 128.0), atol=1e-3)
    assert np.allclose(blocks.cosines(block, 4), whole[:4, :4])
