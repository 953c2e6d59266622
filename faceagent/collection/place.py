"""Where the report on a collection lies: a folder of this machine, or a store into which every part of it is put whole.

What is under way (notes, drafts, the lock) lies in a folder of the machine that is at it, since stores cannot append to
what they have and lock nothing. For a report in a folder it is that folder.
"""

from __future__ import annotations

import io
import os
import stat
import tempfile
import uuid
from pathlib import Path
from typing import BinaryIO, Protocol

from faceagent.collection import stores
from faceagent.errors import InputError
from faceagent.files import write_whole

_SHARDS, _RUN = "shards", "run.txt"


class Place(Protocol):
    """Parts have names such as "overview.html" and "shards/00007.jsonl".

    Methods raise OSError (FileNotFoundError where there is no such part) or InputError, which has its sentence already.
    """

    @property
    def work(self) -> Path:
        """The folder of this machine for what is under way, with a folder "shards" in it. Both are there."""

    def at(self, name: str) -> str:
        """Where a part is, as a person may give it to another program."""

    def has(self, name: str) -> bool: ...

    def names(self, folder: str) -> set[str]:
        """What is in a folder of parts, by name from it on."""

    def open(self, name: str) -> BinaryIO: ...

    def write(self, name: str, data: bytes) -> None:
        """Make a part, whole or not at all."""

    def take(self, draft: Path, name: str) -> None:
        """Make a part of a file in `work`, which is gone then."""


class Folder:
    """A folder, also one that several machines share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    @property
    def work(self) -> Path:
        (self._path / _SHARDS).mkdir(parents=True, exist_ok=True)
        return self._path

    def at(self, name: str) -> str:
        return str(self._path / name)

    def has(self, name: str) -> bool:
        return (self._path / name).exists()

    def names(self, folder: str) -> set[str]:
        return {path.name for path in (self._path / folder).iterdir()}

    def open(self, name: str) -> BinaryIO:
        return (self._path / name).open("rb")

    def write(self, name: str, data: bytes) -> None:
        write_whole(self._path / name, data, private=False)

    def take(self, draft: Path, name: str) -> None:
        draft.replace(self._path / name)


class Store:
    """An address.

    Raises:
        UsageError: nothing is written there, or the protocol's package is not installed. MissingExtra: fsspec is not.
    """

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        stores.store(self._address)
        self._run: str | None = None

    def __str__(self) -> str:
        return self._address

    @property
    def work(self) -> Path:
        """Named after this report and no earlier one at the address, whose notes must not be taken for its own."""
        if self._run is None:
            if not self.has(_RUN):
                self.write(_RUN, uuid.uuid4().hex.encode())
            self._run = uuid.UUID(stores.whole(self.at(_RUN)).decode()).hex
        folder = _own_folder() / self._run
        (folder / _SHARDS).mkdir(parents=True, exist_ok=True)
        return folder

    def at(self, name: str) -> str:
        return f"{self._address}/{name}"

    def has(self, name: str) -> bool:
        return stores.exists(self.at(name))

    def names(self, folder: str) -> set[str]:
        return stores.beneath(self.at(folder))

    def open(self, name: str) -> BinaryIO:
        return io.BytesIO(stores.whole(self.at(name)))

    def write(self, name: str, data: bytes) -> None:
        stores.put(self.at(name), data)

    def take(self, draft: Path, name: str) -> None:
        stores.put_file(self.at(name), draft)
        draft.unlink()


def place(given: Path | str) -> Place:
    """Raises: as `Store`."""
    return Store(str(given)) if stores.is_address(str(given)) else Folder(Path(given))


def _own_folder() -> Path:
    """A folder for temporary files whose name is known beforehand, and which is nobody else's all the same."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"faceagent-reports-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if os.name != "nt" and (not stat.S_ISDIR(found.st_mode) or found.st_uid != user or found.st_mode & 0o077):
        raise InputError(f"{folder} is not a folder of yours alone", "Remove it, or set TMPDIR to another folder")
    return folder
