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
    rows, columns = plane.shape[0] // SIDE, plane.shape[1] // SIDE
    whole = plane[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE)
    return whole.transpose(0, 2, 1, 3)


def means(plane: npt.NDArray[Any]) -> Floats:
    """[rows, columns]: the mean of each block."""
    return np.asarray(split(plane).mean(axis=(2, 3), dtype=np.float64))


def inside(mask: Mask) -> Mask:
    """[rows, columns]: blocks that lie wholly inside."""
    return np.asarray(split(mask).all(axis=(2, 3)))


def cosines(plane: npt.NDArray[Any]) -> Floats:
    """The transform of a plane of 0-255, [rows, columns, 8, 8] (ITU-T T.81, A.3.3); frequencies rise downwards and to
    the right."""
    return np.asarray(_BASIS @ (split(plane) - 128.0) @ _BASIS.T)


def amplitudes(transformed: Floats) -> Floats:
    """[k, k]: mean amplitude of each frequency over blocks [n, k, k] of `cosines`, dB."""
    return np.asarray(20 * np.log10(np.abs(transformed).mean(axis=0) + 1e-2))
