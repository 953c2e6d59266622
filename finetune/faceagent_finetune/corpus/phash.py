"""A perceptual hash of 64 bits, and an index that finds photos whose hashes differ in a few.

Zauner 2010, Implementation and benchmarking of perceptual image hash functions (thesis): the 8 x 8 lowest frequencies
but the constant ones of a 32 x 32 grey photo's cosine transform, each compared with their median.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

BITS = 64
_SIDE, _FREQUENCIES = 32, 8


def phash(pixels: npt.NDArray[np.uint8]) -> int:
    """The hash of RGB pixels [H, W, 3]: 64 bits."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = np.asarray(cv2.dct(small))[1 : _FREQUENCIES + 1, 1 : _FREQUENCIES + 1]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def distance(one: int, other: int) -> int:
    """How many of the 64 bits differ."""
    return (one ^ other).bit_count()


class Hashes:
    """Hashes with names. Two that differ in at most `bits` agree in one of bits + 1 stretches: those are compared."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._edges = [BITS * k // (bits + 1) for k in range(bits + 2)]
        self._found: dict[tuple[int, int], list[tuple[int, str]]] = defaultdict(list)

    def near(self, value: int) -> Iterator[str]:
        """The names added whose hashes differ in at most `bits`; a name may come more than once."""
        for key in self._keys(value):
            for other, name in self._found.get(key, ()):
                if distance(value, other) <= self._bits:
                    yield name

    def add(self, value: int, name: str) -> None:
        for key in self._keys(value):
            self._found[key].append((value, name))

    def _keys(self, value: int) -> list[tuple[int, int]]:
        stretches = zip(self._edges, self._edges[1:], strict=False)
        return [(low, value >> low & (1 << (high - low)) - 1) for low, high in stretches]
