"""The filters of dlib's face recogniser, read from its file without dlib.

The file is the C++ serialisation of a network of 29 convolutions (`anet_type` in dlib's example
dnn_face_recognition_ex.cpp) and public domain (CC0). Read as arrays, the same network runs in ONNX Runtime, faster
than in a dlib without BLAS, and is what our own networks start from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceagent.errors import WeightsError

Arrays = Mapping[str, npt.NDArray[np.float32]]

MEAN = (122.782, 117.001, 104.298)
"""What the network subtracts from R, G and B; it then divides by 256."""

BLOCKS = (
    *[(32, 32, False)] * 3,
    (32, 64, True),
    *[(64, 64, False)] * 3,
    (64, 128, True),
    *[(128, 128, False)] * 2,
    (128, 256, True),
    *[(256, 256, False)] * 2,
    (256, 256, True),
)
"""Residual blocks after the first convolution: channels in, channels out, whether the block halves the size."""

EMBEDDING = 128


def read(path: Path) -> Arrays:
    """Filters with the scale and shift that follow each of them folded in.

    Returns:
        `stem.weight` [32, 3, 7, 7], `stem.bias` [32], `blocks.K.a.weight` [out, in, 3, 3] and so on for the first (a)
        and second (b) convolution of each of `BLOCKS`, and `fc.weight` [128, 256].

    Raises:
        WeightsError: the file is not dlib's face recogniser.
    """
    data = path.read_bytes()
    found: dict[str, npt.NDArray[np.float32]] = {}
    place = 0
    for name, shape in _convolutions():
        filters, place = _tensor(data, place, (int(np.prod(shape)) + shape[0], 1, 1, 1), path)
        scales, place = _tensor(data, place, (2 * shape[0], 1, 1, 1), path)
        scale, shift = scales.reshape(2, shape[0])
        weight, bias = filters.ravel()[: -shape[0]].reshape(shape), filters.ravel()[-shape[0] :]
        found[f"{name}.weight"] = weight * scale[:, None, None, None]
        found[f"{name}.bias"] = bias * scale + shift
    last, _ = _tensor(data, place, (BLOCKS[-1][1], EMBEDDING, 1, 1), path)
    found["fc.weight"] = np.ascontiguousarray(last[:, :, 0, 0].T)
    return found


def _convolutions() -> list[tuple[str, tuple[int, ...]]]:
    named: list[tuple[str, tuple[int, ...]]] = [("stem", (32, 3, 7, 7))]
    for number, (before, after, _) in enumerate(BLOCKS):
        named += [(f"blocks.{number}.a", (after, before, 3, 3)), (f"blocks.{number}.b", (after, after, 3, 3))]
    return named


def _tensor(data: bytes, start: int, shape: tuple[int, ...], path: Path) -> tuple[npt.NDArray[np.float32], int]:
    """The next tensor of a shape, and where it ends: version 2, the four sizes, then little-endian floats."""
    header = _integer(2) + b"".join(map(_integer, shape))
    at = data.find(header, start)
    end = at + len(header) + 4 * int(np.prod(shape))
    if at < 0 or end > len(data):
        raise WeightsError(
            f"{path.name} is not dlib's face recogniser", "Remove it and install face-recognition-models again"
        )
    return np.frombuffer(data, "<f4", int(np.prod(shape)), at + len(header)).reshape(shape).astype(np.float32), end


def _integer(value: int) -> bytes:
    """dlib's serialisation of a small positive integer: how many bytes, then the bytes, lowest first."""
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "little")
