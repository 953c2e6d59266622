"""Files that are written whole or not at all, and folders that one program at a time works in."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import IO


def write_whole(path: Path, data: bytes, *, private: bool) -> Path:
    """Write beside the target, to the disk, and move into place, so that a reader never sees half a file.

    Args:
        private: readable by its owner alone; else the file follows the user's umask like any other.

    Raises:
        OSError: it cannot be written there.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            draft.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def claim(path: Path) -> IO[bytes]:
    """Hold a lock until the file that is returned is closed, or this process ends however it does.

    Raises:
        BlockingIOError: another process, or another claim of this one, holds it.
        OSError: the file cannot be made.
    """
    stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        raise BlockingIOError(error.errno, "somebody else works there") from error
    return stream


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
