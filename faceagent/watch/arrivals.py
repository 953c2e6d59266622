"""Which files of some folders are new and complete. By looking again and again: that works on every file system, over
networks too, where notifications do not, and a file takes far longer to check than a folder to list."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from faceagent.batch import is_media
from faceagent.errors import UsageError

QUIET = 2.0
"""Seconds since a file was last written, below which it counts as still being written."""
EMPTY = 60.0
"""The same for a file without a byte, which is usually about to be filled."""


class State(NamedTuple):
    """What tells a file from what it was before. written: nanoseconds."""

    size: int
    written: int


class Arrival(NamedTuple):
    """A complete file. mark: stands for it as it is now, without saying which it is."""

    path: Path
    mark: bytes


class Arrivals:
    """Args:
        folders: looked through with all folders in them.
        known: whether a file of this mark was dealt with before.

    Raises:
        UsageError: a folder does not exist.
    """

    def __init__(
        self, folders: Sequence[Path], known: Callable[[bytes], bool], now: Callable[[], float] = time.time
    ) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise UsageError(f"There is no folder {folder}", "Name folders that exist")
        self._folders, self._known, self._now = folders, known, now
        self._before: dict[Path, State] = {}
        self.waiting = 0
        """Files that were there at the last look and are still being written."""

    def ready(self) -> list[Arrival]:
        """Those that are complete: as they were at the last look, and not written to for a while."""
        seen: dict[Path, State] = {}
        found: list[Arrival] = []
        self.waiting = 0
        for path in sorted({path.absolute() for folder in self._folders for path in folder.rglob("*")}):
            state = _state(path)
            if state is None:
                continue
            seen[path] = state
            arrival = Arrival(path, _mark(path, state))
            if self._known(arrival.mark):
                continue
            if self._before.get(path) == state and self._quiet(state):
                found.append(arrival)
            else:
                self.waiting += 1
        self._before = seen
        return found

    def _quiet(self, state: State) -> bool:
        # A time that lies ahead is a clock that is wrong, and no reason to wait.
        since = abs(self._now() - state.written / 1e9)
        return since >= (QUIET if state.size else EMPTY)


def _state(path: Path) -> State | None:
    """None where it is no photo and no video, or has gone since it was listed."""
    try:
        if not is_media(path):
            return None
        status = path.stat()
    except OSError:
        return None
    return State(status.st_size, status.st_mtime_ns)


def _mark(path: Path, state: State) -> bytes:
    return hashlib.sha256(f"{path}\0{state.size}\0{state.written}".encode(errors="surrogateescape")).digest()
