"""What became of each file: a line of JSON, as shards hold them."""

from __future__ import annotations

from collections.abc import Iterator

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
    name = collection.name(number)
    try:
        stream = collection.place.open(name)
    except FileNotFoundError:
        return
    with stream:
        for text in stream:
            try:
                yield Line.model_validate_json(text)
            except ValueError as error:
                damaged = collection.place.at(name)
                raise InputError(f"{damaged} is damaged", "Delete it and give the same command again") from error
