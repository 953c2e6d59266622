"""What a collection consists of: written down when it begins, so that every later start does the same work."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from faceagent.batch import expand
from faceagent.collection import stores
from faceagent.collection.place import Folder, Place, place
from faceagent.errors import InputError, MediaError, PolicyError, UsageError, first_fault
from faceagent.files import write_whole
from faceagent.media import Limits
from faceagent.policy import recurrence_withheld
from faceagent.types import Frozen

SHARD = 32
"""Files a shard at most: some ten seconds of work, so that little is under way when the run is stopped."""
_SHARES = 16  # shards of a small collection, so that every worker has some
COLUMNS = ("file", "path", "uri")
_TABLE = 2**40  # bytes of a table in a store: it is read a line at a time
_SETTINGS, _MANIFEST, _SHARDS = "collection.json", "manifest.jsonl", "shards"


class Settings(Frozen):
    """purpose: what faces are read for, see `faceagent.policy`. files: how many. shard: files a shard.
    limits: of a file. recurring: whether faces that recur are looked for afterwards."""

    files: int = Field(ge=1)
    shard: int = Field(ge=1)
    purpose: str | None = None
    limits: Limits = Limits()
    recurring: bool = False


class Shard(Frozen):
    """A stretch of the manifest. first: number of its first file, from 0."""

    number: int
    first: int
    sources: tuple[str, ...]


class Collection:
    """A collection's report, in a folder or a store.

    collection = Collection.begin("out", ["archive/"])   # or goes on with what is there
    """

    def __init__(self, place: Place, settings: Settings) -> None:
        self.place, self.settings = place, settings

    @staticmethod
    def begin(
        out: Path | str,
        inputs: Sequence[str],
        *,
        purpose: str | None = None,
        shard: int | None = None,
        limits: Limits | None = None,
        recurring: bool = False,
    ) -> Collection:
        """Write down what is examined; where it is written down already, go on with that.

        Args:
            out: a folder, or an address of a store (see `stores`).
            inputs: files, folders, patterns, or tables (.csv with a column `file`, `path` or `uri`), on this machine or
                in a store (s3://bucket/folder, see `stores`).
            shard: files a shard, instead of what their number suggests.
            recurring: see `recurring`, which says for which purposes.

        Raises:
            UsageError: there is nothing to examine, or `out` belongs to another collection; or faces that recur are
                to be told in a store.
            PolicyError: faces that recur are not looked for under this purpose.
            InputError: it cannot be written there, or a store cannot be read. MissingExtra: fsspec is missing.
        """
        if recurring and (why := recurrence_withheld(purpose)):
            raise PolicyError(f"Faces that recur are not looked for, because {why}", "State yours with --purpose")
        where = place(out)
        if recurring and not isinstance(where, Folder):
            raise UsageError(
                "Faces that recur are compared in a folder alone: no store promises that nobody else reads what faces "
                "are compared by, or that it is gone once deleted",
                f"Give a folder with --out, and {where} with --export",
            )
        sources = list(_sources(inputs))
        size = shard or min(SHARD, max(1, len(sources) // _SHARES))
        settings = Settings(
            files=len(sources), shard=size, purpose=purpose, limits=limits or Limits(), recurring=recurring
        )
        manifest = "".join(json.dumps(source, ensure_ascii=False) + "\n" for source in sources).encode()
        try:
            _ = where.work
            if where.has(_SETTINGS):
                kept = Collection.open(out)
                if (kept.settings, kept.digest) != (settings, hashlib.sha256(manifest).hexdigest()):
                    raise UsageError(
                        f"{where} holds the report on another collection, or on this one with other settings",
                        "Name an empty place with --out, or give the command that began it",
                    )
                return kept
            where.write(_MANIFEST, manifest)
            where.write(_SETTINGS, settings.model_dump_json(indent=1).encode() + b"\n")
        except OSError as error:
            raise InputError(
                f"The report cannot be written to {where} ({error.strerror or error})",
                "Choose another place with --out",
            ) from error
        return Collection(where, settings)

    @staticmethod
    def open(out: Path | str) -> Collection:
        """A collection that was begun.

        Raises:
            UsageError: that is not the place of a collection.
        """
        where = place(out)
        try:
            with where.open(_SETTINGS) as stream:
                return Collection(where, Settings.model_validate_json(stream.read()))
        except OSError:
            raise UsageError(f"{where} is not the place of a collection's report", "Begin one there first") from None
        except ValidationError as error:
            raise UsageError(
                f"{where.at(_SETTINGS)} is damaged ({first_fault(error)})", "Begin anew elsewhere"
            ) from None

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, in hexadecimal digits."""
        with self.place.open(_MANIFEST) as stream:
            return hashlib.sha256(stream.read()).hexdigest()

    def all(self) -> Iterator[Shard]:
        """Every shard, in order."""
        size = self.settings.shard
        with self.place.open(_MANIFEST) as lines:
            for number in range(self.count):
                sources = tuple(json.loads(line) for _, line in zip(range(size), lines, strict=False))
                yield Shard(number=number, first=number * size, sources=sources)

    @property
    def count(self) -> int:
        """How many shards there are."""
        return -(-self.settings.files // self.settings.shard)

    def name(self, number: int) -> str:
        """What a shard is called once it is done."""
        return f"{_SHARDS}/{number:05}.jsonl"

    @property
    def faces(self) -> Path:
        """Where embeddings lie while files are examined, if at all (`recurring`)."""
        return self.place.work / "faces"

    def kept(self, number: int) -> Path:
        """Those of one file."""
        return self.faces / f"{number}.npz"

    def keep(self, number: int, embeddings: bytes) -> None:
        """Keep the embeddings of a file's faces for this user alone; nothing of none.

        Raises:
            OSError: they cannot be written.
        """
        if embeddings:
            self.faces.mkdir(mode=0o700, exist_ok=True)
            write_whole(self.kept(number), embeddings, private=True)

    def left(self) -> list[Shard]:
        """The shards that are not done."""
        done = self.place.names(_SHARDS)
        return [shard for shard in self.all() if self.name(shard.number).partition("/")[2] not in done]


def _sources(inputs: Sequence[str]) -> Iterator[str]:
    for given in inputs:
        if stores.is_address(given):
            yield from _stored(given)
        elif Path(given).suffix.lower() == ".csv" and Path(given).is_file():
            yield from _table(Path(given), given, Path(given).parent)
        else:
            yield from map(str, expand([given]))


def _stored(address: str) -> Iterator[str]:
    if not address.lower().endswith(".csv"):
        yield from stores.listed(address)
        return
    try:
        with stores.fetched(address, Limits(max_bytes=_TABLE)) as path:
            yield from _table(path, address, None)
    except MediaError as error:
        raise UsageError(error.message, error.mend) from error


def _table(path: Path, name: str, folder: Path | None) -> Iterator[str]:
    """The files that a table names, relative to its folder, or to that of its address."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream)
        column = next((title for title in COLUMNS if title in (rows.fieldnames or ())), None)
        if column is None:
            raise UsageError(
                f"{name} has no column {', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}", "Name its first line so"
            )
        found = [_named(row[column], name, folder) for row in rows if row[column]]
    if not found:
        raise UsageError(f"{name} names no file", "Write one a line, below the names of the columns")
    yield from found


def _named(row: str, table: str, folder: Path | None) -> str:
    if folder is not None:
        return stores.checked(row) if stores.is_address(row) else str(folder / row)
    if not stores.is_address(row):
        return f"{table.rpartition('/')[0]}/{row}"
    if row.lower().startswith("file:") and not table.lower().startswith("file:"):
        raise UsageError(
            f"{table} lies in a store and names {row}, a file of this machine", "Name it on the command line"
        )
    return stores.checked(row)
