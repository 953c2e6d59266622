"""Reader of insightface's packed pair sets (`lfw.bin`, `cfp_fp.bin`, `agedb_30.bin`, `calfw.bin`, `cplfw.bin`).

A file is one pickle of `(bins, issame)`: 2N encoded pictures, of which 2i and 2i + 1 are pair i, and N booleans
(`load_bin` in deepinsight/insightface, recognition/arcface_torch/eval/verification.py). A pickle can run code as it is
read: here it may hold plain values, bytes and arrays of numpy, and is refused with anything else.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import InputError

_BROKEN = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError, OverflowError),
    *(MemoryError, RecursionError),
)
"""What reading a damaged pickle raises."""
_TYPES = ("u1", "b1", "i4", "i8")


def read_packed(path: Path) -> tuple[tuple[bytes, ...], tuple[bool, ...]]:
    """The encoded pictures, [2N], and whether each pair shows one person, [N].

    Raises:
        InputError: the file cannot be read, is no such pickle, asks for code to be run, or its lengths do not agree.
    """
    try:
        with path.open("rb") as stream:
            packed = _PlainUnpickler(stream, encoding="bytes").load()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror})") from error
    except _BROKEN as error:
        raise InputError(f"{path.name} is no pickle of pictures and booleans ({error})") from error
    if not isinstance(packed, tuple | list) or len(packed) != 2:
        raise InputError(f"{path.name} does not hold the two parts (bins, issame)")
    bins, same = (list(part) if isinstance(part, tuple | list | np.ndarray) else None for part in packed)
    if not bins or not same or len(bins) != 2 * len(same):
        raise InputError(f"{path.name} does not hold two pictures for each of its labels")
    if not all(isinstance(one, bool | int | np.bool_ | np.integer) and one in (0, 1) for one in same):
        raise InputError(f"{path.name} has a label that is neither true nor false")
    return tuple(_encoded(path, one) for one in bins), tuple(bool(one) for one in same)


def _encoded(path: Path, picture: object) -> bytes:
    """Some files have the bytes of a picture as an array, as OpenCV encodes them."""
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8:
        return picture.tobytes()
    if isinstance(picture, bytes):
        return picture
    raise InputError(f"{path.name} has a {type(picture).__name__} where the bytes of a picture should be")


def _empty_array(*_: object) -> npt.NDArray[Any]:
    """An array for the pickle to fill; its own wish of a size, which could be any, is not heeded."""
    return np.empty(0, np.int8)


def _plain_type(code: object, *_: object) -> np.dtype[Any]:
    """A type of bytes, truths or whole numbers, as a copy, for the pickle to set its byte order."""
    if code not in _TYPES:
        raise pickle.UnpicklingError(f"it has an array of {code}")
    return np.dtype(str(code), False, True)


def _latin(text: str, encoding: str) -> bytes:
    """How the older protocols write bytes in Python 3."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it encodes text as {encoding}")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("_codecs", "encode"): _latin,
    ("numpy", "ndarray"): _empty_array,
    ("numpy", "dtype"): _plain_type,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _empty_array for core in ("core", "_core")},
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _ALLOWED.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which such a file has no need of")
        return found
