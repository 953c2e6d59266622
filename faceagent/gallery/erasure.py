"""The proof that something is gone: its bytes are looked for in every file of the gallery."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path

_PROBE = 24  # bytes: a nonce and the beginning of a ciphertext, which occur nowhere else


def remaining(
    folder: Path, blobs: Sequence[bytes], elsewhere: Path | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Look for the beginnings of removed pieces.

    Args:
        elsewhere: another folder to look through.

    Returns:
        The files searched, and those of them that still hold a piece: as paths relative to the folder, and whole ones
        elsewhere.

    Raises:
        OSError: a file cannot be read.
    """
    probes = [blob[:_PROBE] for blob in blobs]
    files = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    if elsewhere is not None:
        files |= {path.as_posix(): path for path in _files(elsewhere)}
    return tuple(files), tuple(name for name, path in files.items() if _holds(path, probes))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _holds(path: Path, probes: Sequence[bytes]) -> bool:
    try:
        if path.stat().st_size == 0:
            return False
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return any(data.find(probe) >= 0 for probe in probes)
    except FileNotFoundError:  # another process has just removed it
        return False
