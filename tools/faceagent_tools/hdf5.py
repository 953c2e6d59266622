"""Arrays from an HDF5 file as Keras 2 saves weights, read with NumPy alone.

Such a file has a superblock of version 0, groups as symbol tables, and plain little-endian float32 arrays, each in one
block (HDF5 File Format Specification 1.1). That is all that is read here: for anything else there is h5py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import WeightsCorrupt

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FLOAT32 = bytes.fromhex("11201f000400000000002000170800177f000000")  # IEEE 754, single, little-endian
_DATASPACE, _DATATYPE, _LAYOUT, _CONTINUATION, _SYMBOL_TABLE = 0x01, 0x03, 0x08, 0x10, 0x11
_DEEPEST = 8  # groups in groups


def read(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """All arrays, by their path in the file ("conv2d_1/conv2d_1/kernel:0").

    Raises:
        WeightsCorrupt: it is not such a file, or is cut off.
    """
    file = _File(path.read_bytes())
    try:
        return dict(file.arrays())
    except (ValueError, LookupError) as error:
        raise WeightsCorrupt(
            f"{path.name} cannot be read as weights saved by Keras ({error})", "Get the file from its origin again"
        ) from error


class _File:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._left = len(raw) // 24  # nodes that a sound file can hold at most: stops a ring of references

    def arrays(self) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
        if self._raw[:9] != _SIGNATURE + b"\x00" or self._raw[13:15] != b"\x08\x08":
            raise ValueError("it has not the head of an HDF5 file of version 0")
        yield from self._group(self._number(64), "", 0)

    def _number(self, place: int, size: int = 8) -> int:
        return int.from_bytes(self._bytes(place, size), "little")

    def _bytes(self, place: int, size: int) -> bytes:
        if not 0 <= place <= len(self._raw) - size:
            raise ValueError("it refers to a place beyond its end")
        return self._raw[place : place + size]

    def _group(self, header: int, path: str, depth: int) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
        if depth > _DEEPEST:
            raise ValueError("its groups are nested too deeply")
        messages = dict(self._messages(header))
        if _LAYOUT in messages:
            yield path, self._array(messages)
        elif _SYMBOL_TABLE in messages:
            place = messages[_SYMBOL_TABLE]
            names = self._number(self._number(place + 8) + 24)
            for name, child in self._members(self._number(place), names):
                yield from self._group(child, f"{path}/{name}" if path else name, depth + 1)

    def _messages(self, header: int) -> Iterator[tuple[int, int]]:
        """Kind and place of each message of an object header of version 1; of several of a kind the last counts."""
        if self._bytes(header, 1) != b"\x01":
            raise ValueError("an object has another head than version 1")
        left, blocks = self._number(header + 2, 2), [(header + 16, self._number(header + 8, 4))]
        for place, size in blocks:
            end = place + size
            while place + 8 <= end and left:
                kind, length = self._number(place, 2), self._number(place + 2, 2)
                if kind == _CONTINUATION:
                    blocks.append((self._number(place + 8), self._number(place + 16)))
                yield kind, place + 8
                place, left = place + 8 + length, left - 1

    def _members(self, node: int, names: int) -> Iterator[tuple[str, int]]:
        """Names and headers in a B-tree of version 1."""
        self._left -= 1
        if self._left < 0 or self._bytes(node, 4) != b"TREE":
            raise ValueError("a group's tree is broken")
        level = self._number(node + 5, 1)
        for entry in range(self._number(node + 6, 2)):
            child = self._number(node + 32 + 16 * entry)
            yield from self._members(child, names) if level else self._symbols(child, names)

    def _symbols(self, node: int, names: int) -> Iterator[tuple[str, int]]:
        if self._bytes(node, 4) != b"SNOD":
            raise ValueError("a group's list of names is broken")
        for entry in range(node + 8, node + 8 + 40 * self._number(node + 6, 2), 40):
            start = names + self._number(entry)
            yield self._raw[start : self._raw.index(0, start)].decode("utf-8"), self._number(entry + 8)

    def _array(self, messages: dict[int, int]) -> npt.NDArray[np.float32]:
        space, layout = messages[_DATASPACE], messages[_LAYOUT]
        if self._bytes(messages[_DATATYPE], len(_FLOAT32)) != _FLOAT32:
            raise ValueError("an array is not of little-endian float32")
        if self._bytes(layout, 2) != b"\x03\x01":
            raise ValueError("an array does not lie in one block")
        version, rank = self._bytes(space, 2)
        shape = tuple(self._number(space + (8 if version == 1 else 4) + 8 * axis) for axis in range(rank))
        place, size = self._number(layout + 2), self._number(layout + 10)
        values: Any = np.frombuffer(self._bytes(place, size), "<f4")
        return np.asarray(values.reshape(shape), dtype=np.float32)
