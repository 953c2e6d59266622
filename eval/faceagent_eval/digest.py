"""What was measured, as one hash: two results may be held against each other where theirs is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from faceagent.media import Photo
from faceagent.video import Video

_PLAIN = (str, int, float, bool, type(None))


def of_items(items: Iterable[object], root: Path | None) -> str:
    """SHA-256 (hex) over the sorted SHA-256s of all items.

    Of an item count all its values, field by field, and of what it names the content: of a file its path from `root`
    (its bare name elsewhere), its size and its bytes, nothing in place of a file that is not there; of a photo its
    SHA-256; of a function what it returns. So it depends neither on where the data lie, nor on the files of the folder
    that were not read, nor on the order; it changes with a label, with a byte of a photo and with --limit.

    Raises:
        TypeError: an item holds something else than plain values, bytes, arrays, files, photos, or groups of these.
    """
    whole = hashlib.sha256()
    for one in sorted(_item(item, root) for item in items):
        whole.update(one)
    return whole.hexdigest()


def anonymous(name: str) -> str:
    """Twelve hex digits in place of a name that may be somebody's; the same for the same name."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _item(item: object, root: Path | None) -> bytes:
    found = hashlib.sha256()
    _add(found.update, item, root)
    return found.digest()


def _add(update: Callable[[bytes], object], value: Any, root: Path | None) -> None:
    """Every value with its kind and length before it, so that no two structures give the same bytes."""
    if isinstance(value, np.generic):  # some are floats as well, with another repr
        _add(update, value.item(), root)
    elif isinstance(value, list | tuple):
        update(f"s{len(value)}:".encode())
        for one in value:
            _add(update, one, root)
    elif isinstance(value, (bytes, *_PLAIN)):
        raw = value if isinstance(value, bytes) else repr(value).encode()
        update(f"{'b' if isinstance(value, bytes) else 'v'}{len(raw)}:".encode())
        update(raw)
    else:
        _add(update, _simpler(value, root), root)


def _simpler(value: Any, root: Path | None) -> Any:
    """Something that says the same in lists, tuples, bytes and plain values, or is nearer to that."""
    match value:
        case np.ndarray():
            return (str(value.dtype), value.shape, np.ascontiguousarray(value).tobytes())
        case Path():
            return _file(value, root)
        case Photo() | Video():
            return value.sha256
        case BaseModel():
            return value.model_dump_json()
        case Mapping():
            return sorted(value.items(), key=lambda pair: str(pair[0]))
        case Set():
            return sorted(_item(one, root) for one in value)
        case _ if is_dataclass(value):
            return [(field.name, getattr(value, field.name)) for field in fields(value)]
        case _ if callable(value):
            return value()
        case _:
            raise TypeError(f"Of a {type(value).__name__} it is not known what to hash")


def _file(path: Path, root: Path | None) -> tuple[str, int | None, str | None]:
    inside = root is not None and path.is_relative_to(root)
    name = path.relative_to(root).as_posix() if inside and root is not None else path.name
    if not path.is_file():
        return name, None, None
    return name, path.stat().st_size, file_digest(path)
