"""The gallery's SQLite file as such: opening, transactions, its key, and that nothing deleted stays in it.

Write-ahead log with `synchronous=FULL`: what was acknowledged survives a crash. `secure_delete` overwrites what is
deleted, and `scrub` empties the log and writes the file anew; where a crash came in between, it is done when the file
is opened next.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import JsonValue

from faceagent.errors import GalleryError
from faceagent.gallery import sealing
from faceagent.gallery.keys import Key
from faceagent.gallery.sealing import Sealer, Unsealable

FILE = "gallery.db"
VERSION = 1
_APPLICATION = 0x66616365  # "face", by which `file` can tell the format
_BUSY = 10  # seconds to wait for another process's transaction
_WHICH = "Nothing was changed. Give the key that the gallery was made with"
_INTACT = "Nothing was changed. Check the folder, or take a copy of it that is intact"
_SCHEMA = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, "
    "dimensions INTEGER NOT NULL, UNIQUE (name, version))",
    "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, lookup BLOB NOT NULL UNIQUE, key BLOB NOT NULL, "
    "until TEXT, card BLOB NOT NULL)",
    "CREATE TABLE templates (id INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER NOT NULL REFERENCES people ON DELETE "
    "CASCADE, model INTEGER NOT NULL REFERENCES models, vector BLOB NOT NULL, crop BLOB NOT NULL, facts BLOB NOT NULL)",
    "CREATE INDEX templates_of_person ON templates (person)",
    "CREATE INDEX templates_of_model ON templates (model)",
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL)",
)


class Unlocked(NamedTuple):
    """What a key opens. lookup: the key of the names' fingerprints; audit: that of the audit log."""

    salt: bytes
    master: Sealer
    lookup: bytes
    audit: bytes


class Database:
    """One open gallery file. Rows are read and changed inside `reading` and `writing` only."""

    def __init__(self, path: Path, db: sqlite3.Connection, key: Key) -> None:
        self.path, self._db, self._lock = path, db, threading.RLock()
        self.id = str(self.meta("id"))
        self._keys = self._unlock(key)

    @classmethod
    def open(cls, folder: Path, key: Key, *, create: bool = False) -> Self:
        """Open the gallery in a folder, and finish what a crash left half-done.

        Raises:
            GalleryError: there is none, it is damaged or of another version, or the key is another one.
        """
        path = folder / FILE
        if not create and not path.is_file():
            raise missing(folder)
        db: sqlite3.Connection | None = None
        try:
            if create:
                _make_file(path)
            db = _connect(path)
            if create:
                _make(db, key)
            if not _is_gallery(db):
                raise GalleryError(f"{path} is no gallery that this version can read", _INTACT)
            found = cls(path, db, key)
            if found.meta("scrub"):
                found.scrub()
            return found
        except BaseException as error:
            if db is not None:
                db.close()
            if isinstance(error, OSError | sqlite3.Error):
                raise GalleryError(f"The gallery at {folder} cannot be opened ({error})", _INTACT) from error
            raise

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # Transactions

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Everything that is read inside comes from one moment.

        Raises:
            GalleryError: the file cannot be read, or its key was changed since it was opened.
        """
        with self._lock, self._transaction("BEGIN", "ROLLBACK"):
            self._same_key()
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All changes made inside happen together, or none of them; one process at a time.

        Raises:
            GalleryError: the file cannot be written, or its key was changed since it was opened.
        """
        with self._lock, self._transaction("BEGIN IMMEDIATE", "COMMIT"):
            self._same_key()
            yield
            self._set_meta("generation", self.generation() + 1)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """As `writing`, for what concerns an index alone: the gallery itself counts as unchanged."""
        with self._lock, self._transaction("BEGIN IMMEDIATE", "COMMIT"):
            self._same_key()
            yield

    @contextmanager
    def _transaction(self, begin: str, end: str) -> Iterator[None]:
        with self._told():
            self._db.execute(begin)
            try:
                yield
                self._db.execute(end)
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns SQLite's errors into a sentence."""
        try:
            yield
        except sqlite3.Error as error:
            raise GalleryError(f"The gallery at {self.path.parent} cannot be used ({error})", _INTACT) from error

    def meta(self, name: str) -> Any:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def _set_meta(self, name: str, value: object) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def generation(self) -> int:
        """A number that changes with every change of the gallery."""
        return int(self.meta("generation"))

    # The key

    @property
    def audit_key(self) -> bytes:
        return self._keys.audit

    def _unlock(self, key: Key) -> Unlocked:
        kind, label = self.meta("key kind"), self.meta("key label")
        if kind != key.kind:
            made = f"{kind} {label}".strip()
            raise GalleryError(f"The gallery at {self.path.parent} has another kind of key ({made})", _WHICH)
        salt = bytes(self.meta("salt"))
        secret = key.master(salt)
        master = Sealer(secret)
        try:
            audit = master.open(self.meta("audit key"), self._place("audit key"))
        except Unsealable:
            raise GalleryError(f"The key does not fit the gallery at {self.path.parent}", _WHICH) from None
        return Unlocked(salt, master, sealing.derive(secret, "lookup"), audit)

    def _same_key(self) -> None:
        if self.meta("salt") != self._keys.salt:
            raise GalleryError("The key of the gallery was changed meanwhile", "Open it again with the new key")

    def _place(self, *parts: object) -> str:
        return json.dumps([self.id, *parts])

    def _opened(self, sealer: Sealer, sealed: bytes, *place: object) -> bytes:
        """What was sealed for this place.

        Raises:
            GalleryError: it was changed or moved.
        """
        try:
            return sealer.open(sealed, self._place(*place))
        except Unsealable:
            what = " ".join(str(part) for part in place if part is not None)
            raise GalleryError(f"The gallery at {self.path.parent} is damaged: {what} does not open", _INTACT) from None

    def damage(self) -> list[str]:
        """What SQLite itself finds wrong with the file."""
        found = (row[0] for row in self._db.execute("PRAGMA integrity_check(10)"))
        orphans = self._db.execute("PRAGMA foreign_key_check").fetchall()
        return [
            *(str(line) for line in found if line != "ok"),
            *(f"a row of {row[0]} belongs to nobody" for row in orphans),
        ]

    # What is left behind, and what is still to be told

    def scrub(self) -> bool:
        """Empty the write-ahead log and write the file anew, so that nothing deleted is left in either.

        Returns:
            Whether that was possible; not while another process is reading. Then it is done when the gallery is opened
            or changed next.
        """
        with self._lock, self._told():
            try:
                if not self._emptied():
                    return False
                self._db.execute("VACUUM")
                # Only now: a crash until here is finished by the next who opens the gallery.
                self._db.execute("DELETE FROM meta WHERE name = 'scrub'")
                return self._emptied()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                return False

    def _emptied(self) -> bool:
        return int(self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]) == 0

    def post(self, kind: str, **facts: JsonValue) -> None:
        """Note an event for the audit log, in the transaction that brings it about."""
        self._db.execute("INSERT INTO outbox (event) VALUES (?)", (json.dumps({"kind": kind, **facts}),))

    def deliver(self, tell: Callable[[Sequence[tuple[str, Mapping[str, JsonValue]]]], None]) -> None:
        """Hand the events posted to the audit log. After a crash in the middle one may be told twice, never lost."""
        with self.reading():
            if self._db.execute("SELECT 1 FROM outbox").fetchone() is None:
                return
        with self._lock, self._transaction("BEGIN IMMEDIATE", "COMMIT"):
            rows = self._db.execute("SELECT id, event FROM outbox ORDER BY id").fetchall()
            events = [{"event": number, **json.loads(event)} for number, event in rows]
            tell([(event.pop("kind"), event) for event in events])
            self._db.execute("DELETE FROM outbox")


def missing(folder: Path) -> GalleryError:
    return GalleryError(f"There is no gallery at {folder}", "Enrol somebody first, or check the folder")


def key_of(folder: Path) -> tuple[str, str] | None:
    """Kind and label of the key that a gallery was made with, or None where there is no gallery.

    Raises:
        GalleryError: it is damaged or of another version.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        db = _connect(path)
        try:
            if _is_empty(db):  # a crash came before the first entry
                return None
            if not _is_gallery(db):
                raise GalleryError(f"{path} is no gallery that this version can read", _INTACT)
            rows = dict(db.execute("SELECT name, value FROM meta WHERE name IN ('key kind', 'key label')").fetchall())
        finally:
            db.close()
    except sqlite3.Error as error:
        raise GalleryError(f"The gallery at {folder} cannot be opened ({error})", _INTACT) from error
    return str(rows["key kind"]), str(rows["key label"])


def header(key: Key, gallery: str, audit_key: bytes) -> tuple[dict[str, object], Unlocked]:
    """The rows of `meta` that say which key a gallery has, with a new salt, and what that key opens."""
    salt = secrets.token_bytes(sealing.SALT_BYTES)
    secret = key.master(salt)
    unlocked = Unlocked(salt, Sealer(secret), sealing.derive(secret, "lookup"), audit_key)
    sealed = unlocked.master.seal(audit_key, json.dumps([gallery, "audit key"]))
    return {"salt": salt, "key kind": key.kind, "key label": key.label, "audit key": sealed}, unlocked


def _make_file(path: Path) -> None:
    """An empty file that its owner alone may read; SQLite gives its log the same rights."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    for pragma in ("synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
        db.execute(f"PRAGMA {pragma}")
    # The copy that VACUUM makes on its way stays in memory: it must not be left in a folder for temporary files.
    db.execute("PRAGMA temp_store = MEMORY")
    return db


def _is_gallery(db: sqlite3.Connection) -> bool:
    found = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    return tuple(found) == (_APPLICATION, VERSION)


def _is_empty(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def _make(db: sqlite3.Connection, key: Key) -> None:
    """Tables and key of a new gallery, unless there are some already: another process may have just made them."""
    if not _is_empty(db):
        return
    db.execute("PRAGMA journal_mode = WAL")  # stays with the file
    db.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(db):
            for statement in _SCHEMA:
                db.execute(statement)
            gallery = secrets.token_hex(16)
            rows, _ = header(key, gallery, sealing.new_key())
            db.executemany("INSERT INTO meta VALUES (?, ?)", [*rows.items(), ("id", gallery), ("generation", 0)])
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
