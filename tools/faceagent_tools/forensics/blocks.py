"""Planes in blocks of 8 x 8, as JPEG has them, and the blocks' cosine transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent_tools.forensics.view import Floats, Mask

SIDE = 8
_K = np.arange(SIDE)
_BASIS = np.cos(np.pi * (2 * _K[None] + 1) * _K[:, None] / 16) * np.where(_K[:, None], 0.5, SIDE**-0.5)


def split(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[rows, columns, 8, 8] of a plane [h, w]; what is left at the right and the bottom is dropped."""
    rows, columns = _shape(plane)
    return _lines(plane).reshape(rows, SIDE, columns, SIDE).transpose(0, 2, 1, 3)


def means(plane: npt.NDArray[Any]) -> Floats:
    """[rows, columns]: the mean of each block."""
    return np.asarray(_lines(plane).mean(axis=1, dtype=np.float64).reshape(*_shape(plane), SIDE).mean(axis=2))


def inside(mask: Mask) -> Mask:
    """[rows, columns]: blocks that lie wholly inside."""
    return np.asarray(_lines(mask).all(axis=1).reshape(*_shape(mask), SIDE).all(axis=2))


def _lines(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[rows, 8, 8 * columns]: to be gathered downwards first, along whole lines, which is the quick way."""
    rows, columns = _shape(plane)
    return plane[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns * SIDE)


def _shape(plane: npt.NDArray[Any]) -> tuple[int, int]:
    return plane.shape[0] // SIDE, plane.shape[1] // SIDE


def cosines(blocks: npt.NDArray[Any], side: int = SIDE) -> Floats:
    """The transform of blocks [..., 8, 8] of 0-255 (ITU-T T.81, A.3.3), of which the lowest side x side frequencies
    [..., side, side]; they rise downwards and to the right."""
    basis = _BASIS[:side]
    return np.asarray(basis @ (blocks - 128.0) @ basis.T)


def amplitudes(transformed: Floats) -> Floats:
    """[k, k]: mean amplitude of each frequency over blocks [n, k, k] of `cosines`, dB."""
    return np.asarray(20 * np.log10(np.abs(transformed).mean(axis=0) + 1e-2))
