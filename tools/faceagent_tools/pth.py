"""Arrays from a torch file of the old kind (.pth before torch 1.6), read without torch and without running its pickle.

Such a file is a row of pickles (magic number, protocol, facts about the machine, the state dict, names of storages) and
then the storages, each as its length and raw values. A pickle can call anything; the reader here knows the three names
that a state dict needs, and refuses a file that asks for another.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import WeightsCorrupt

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
# What unpickling damaged bytes ends in, the last two where a length was hit.
_DAMAGE = (
    *(pickle.UnpicklingError, ValueError, KeyError, IndexError, AttributeError, TypeError, EOFError),
    *(OverflowError, MemoryError),
)
_KINDS: Mapping[str, str] = {"FloatStorage": "<f4", "LongStorage": "<i8"}


@dataclass
class _Storage:
    kind: str
    length: int
    values: npt.NDArray[Any] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> npt.NDArray[Any]:
        size = int(np.prod(self.shape))
        contiguous = tuple(int(np.prod(self.shape[axis + 1 :])) for axis in range(len(self.shape)))
        if self.strides != contiguous or not 0 <= self.offset <= self.storage.length - size:
            raise ValueError("a tensor does not lie in its storage as one block")
        return np.array(self.storage.values[self.offset : self.offset + size]).reshape(self.shape)


class _StateDict(pickle.Unpickler):
    """Unpickles names, tensors and plain containers only."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
        }
        if (module, name) in known:
            return known[module, name]
        if module == "torch" and name in _KINDS:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a state dict")

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", str(kind), str(key), str(), int(length), None) if kind in _KINDS:
                return self.storages.setdefault(key, _Storage(kind, length))
        raise pickle.UnpicklingError("a storage is described in an unknown way")


def _rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor has no storage")
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def read(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The state dict: arrays by name, float32 or int64.

    Raises:
        WeightsCorrupt: it is not a torch file of the old kind, is cut off, or holds more than arrays.
    """
    stream = io.BytesIO(path.read_bytes())
    try:
        if _Plain(stream).load() != _MAGIC or _Plain(stream).load() != _PROTOCOL:
            raise ValueError("the magic number is another")
        _Plain(stream).load()  # byte order and sizes of the machine that wrote it: always little-endian in practice
        reader = _StateDict(stream)
        state = reader.load()
        for key in _Plain(stream).load():
            _fill(stream, reader.storages[key])
        return {str(name): tensor.array() for name, tensor in state.items()}
    except _DAMAGE as error:
        raise WeightsCorrupt(
            f"{path.name} cannot be read as a torch state dict ({error})", "Get the file from its origin again"
        ) from error
    except struct.error as error:
        raise WeightsCorrupt(f"{path.name} is cut off", "Get the file from its origin again") from error


class _Plain(pickle.Unpickler):
    """Numbers, text and containers."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")


def _fill(stream: io.BytesIO, storage: _Storage) -> None:
    (length,) = struct.unpack("<q", stream.read(8))
    if length != storage.length:
        raise ValueError("a storage has another length than its description")
    kind = np.dtype(_KINDS[storage.kind])
    raw = stream.read(length * kind.itemsize)
    if len(raw) < length * kind.itemsize:
        raise ValueError("the file ends before its values do")
    storage.values = np.frombuffer(raw, kind)
