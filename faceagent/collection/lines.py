"""What became of each file: a line of JSON, as shards hold them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pydantic import Field

from faceagent.collection.manifest import Collection
from faceagent.errors import InputError
from faceagent.types import ExhibitReport, Failure, Frozen


class Line(Frozen):
    """What became of one file. number: its place in the manifest, from 0. Either a report on it, or why there is
    none. embeddings: those of its faces where they are compared afterwards (`recurring`); never part of the JSON."""

    number: int
    source: str
    report: ExhibitReport | None = None
    failure: Failure | None = None
    embeddings: bytes = Field(default=b"", exclude=True, repr=False)


def lines(collection: Collection) -> Iterator[Line]:
    """What is there so far, in the order of the manifest.

    Raises:
        InputError: a shard is damaged.
    """
    for number in range(collection.count):
        yield from lines_of(collection, number)


def lines_of(collection: Collection, number: int) -> Iterator[Line]:
    """Those of one shard; none where it is not done.

    Raises:
        InputError: it is damaged.
    """
    path = collection.whole(number)
    if path.exists():
        with path.open("rb") as stream:
            yield from _read(path, stream)


def _read(path: Path, stream: IO[bytes]) -> Iterator[Line]:
    for text in stream:
        try:
            yield Line.model_validate_json(text)
        except ValueError as error:
            raise InputError(f"{path} is damaged", "Delete it and give the same command again") from error
