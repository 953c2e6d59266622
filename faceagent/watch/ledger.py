"""What a watch remembers across restarts: which files were checked, and which alerts are still to be sent.

One SQLite file, readable by its owner alone. Files are kept by marks that do not name them, people of alerts by their
numbers in the gallery: whoever is forgotten there has no name here either.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from faceagent.errors import GalleryError, UsageError

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS checked (mark BLOB PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS unsent (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)",
)


class Ledger:
    """Args:
        path: made where it does not exist. One process at a time.

    Raises:
        UsageError: another process has it open.
        GalleryError: it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, timeout=1, isolation_level=None)
            # The write that makes the tables takes the lock, and the mode keeps it until the end.
            for statement in ("PRAGMA locking_mode=EXCLUSIVE", "PRAGMA secure_delete=ON", "BEGIN EXCLUSIVE", *_SCHEMA):
                self._db.execute(statement)
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UsageError(f"Another watch uses {path}", "End it, or name another --state") from error
            raise _unusable(path, error) from error
        except (OSError, sqlite3.DatabaseError) as error:
            raise _unusable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def checked(self, mark: bytes) -> bool:
        return self._db.execute("SELECT 1 FROM checked WHERE mark = ?", (mark,)).fetchone() is not None

    def done(self, mark: bytes, unsent: tuple[str, ...] = ()) -> None:
        """Note that a file was checked, and what is to be sent of it, both or neither."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT OR IGNORE INTO checked VALUES (?)", (mark,))
        self._db.executemany("INSERT INTO unsent (body) VALUES (?)", [(body,) for body in unsent])
        self._db.execute("COMMIT")

    def first(self) -> tuple[int, str] | None:
        """The oldest alert that is still to be sent, with its number."""
        row = self._db.execute("SELECT id, body FROM unsent ORDER BY id LIMIT 1").fetchone()
        return None if row is None else (int(row[0]), str(row[1]))

    def sent(self, number: int) -> None:
        self._db.execute("DELETE FROM unsent WHERE id = ?", (number,))

    @property
    def unsent(self) -> int:
        """How many alerts are still to be sent."""
        return int(self._db.execute("SELECT COUNT(*) FROM unsent").fetchone()[0])


def _unusable(path: Path, error: Exception) -> GalleryError:
    return GalleryError(f"What the watch remembers cannot be kept in {path} ({error})", "Name another --state")
