"""The proof that something is gone: its bytes are looked for in every file of the gallery."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path

_PROBE = 24  # bytes: a nonce and the beginning of a ciphertext, which occur nowhere else


def remaining(folder: Path, blobs: Sequence[bytes]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Look for the beginnings of removed pieces.

    Returns:
        The files searched, and those of them that still hold a piece, as paths relative to the folder.

    Raises:
        OSError: a file cannot be read.
    """
    probes = [blob[:_PROBE] for blob in blobs]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    searched = tuple(path.relative_to(folder).as_posix() for path in files)
    return searched, tuple(name for name, path in zip(searched, files, strict=True) if _holds(path, probes))


def _holds(path: Path, probes: Sequence[bytes]) -> bool:
    try:
        if path.stat().st_size == 0:
            return False
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return any(data.find(probe) >= 0 for probe in probes)
    except FileNotFoundError:  # another process has just removed it
        return False
