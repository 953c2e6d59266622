"""The folders that a client may have files read from, and no way out of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from faceagent.errors import MediaError, PolicyError, UsageError


class Folders:
    """What was allowed.

    Raises:
        UsageError: there is none, or one is no folder.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        if not folders:
            raise UsageError("No folder may be read", "Allow one with --allow DIR")
        for folder in folders:
            if not folder.is_dir():
                raise UsageError(f"{folder} is no folder", "Check the path after --allow")
        self.all = tuple(folder.resolve() for folder in folders)

    @contextmanager
    def open(self, given: str) -> Iterator[BinaryIO]:
        """A file inside one of the folders, to be read.

        Links are followed first, and where they lead must be inside as well. Of what lies outside nothing is told, not
        even whether it exists.

        Args:
            given: an absolute path, or one from any of the folders.

        Raises:
            PolicyError: it is outside.
            MediaError: there is no such file, or it is no plain file.
        """
        path = self._inside(given)
        # No link any more, and no waiting for whoever writes to a pipe.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags)
        except OSError as error:
            raise MediaError(f"{path.name} cannot be read ({error.strerror})", "Check the path") from error
        opened = os.fstat(descriptor)
        if not stat.S_ISREG(opened.st_mode):
            os.close(descriptor)
            raise MediaError(f"{path.name} is no file", "Give a photo or a video")
        with os.fdopen(descriptor, "rb") as file:
            # Whoever can write here may have put a link in the way since: what was opened must be what is inside now.
            if not os.path.samestat(opened, self._inside(str(path)).stat()):
                raise self._outside(given)
            yield file

    def _inside(self, given: str) -> Path:
        try:
            places = [Path(os.path.realpath(folder / given)) for folder in self.all]
        except ValueError:  # a NUL in it
            raise self._outside(given) from None
        inside = [place for place in places if any(place.is_relative_to(folder) for folder in self.all)]
        if not inside:
            raise self._outside(given)
        found = next((place for place in inside if place.exists()), None)
        if found is None:
            raise MediaError(f"There is no file {Path(given).name!r} in the folders that may be read", "Check the path")
        return found

    def _outside(self, given: str) -> PolicyError:
        return PolicyError(
            f"{given!r} is outside the folders that may be read",
            f"They are {', '.join(map(str, self.all))}; who starts the server allows them, with --allow",
        )
