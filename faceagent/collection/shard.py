"""A shard from its files to its lines, whatever happens on the way.

Beside the shard that is to be lie two files while it is made: `.part`, the lines so far, and `.begun`, the number of
each file as it is taken up. A file that was taken up twice and never finished ended the program that read it (a
decoder that crashed, or memory): it is told as failed and not read a third time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from faceagent.batch import attempt
from faceagent.collection.manifest import Collection, Settings, Shard
from faceagent.errors import InputError
from faceagent.files import write_whole
from faceagent.report import Examination
from faceagent.tool import Toolbox
from faceagent.types import ExhibitReport, Failure, Frozen
from faceagent.video import take

TRIES = 2


class Line(Frozen):
    """What became of one file. number: its place in the manifest, from 0. Either a report on it, or why there is
    none."""

    number: int
    source: str
    report: ExhibitReport | None = None
    failure: Failure | None = None


Examine = Callable[[int, str], Line]


def examiner(settings: Settings) -> Examine:
    """Examines one file by all tools that are installed.

    Raises:
        UsageError: there is no such purpose.
    """
    toolbox = _toolbox()

    def examine(number: int, source: str) -> Line:
        given = attempt(source, partial(take, source, settings.limits))
        if isinstance(given, Failure):
            return Line(number=number, source=source, failure=given)
        report = Examination(toolbox, settings.purpose, draws=False).examine(given)
        return Line(number=number, source=source, report=report)

    return examine


@cache
def _toolbox() -> Toolbox:
    """One a process, since it holds the networks."""
    return Toolbox.installed()


def begun_of(collection: Collection, number: int) -> Path:
    """Where it is noted which files of a shard were taken up, while it is made."""
    return collection.whole(number).with_suffix(".begun")


def work(collection: Collection, shard: Shard, examine: Examine) -> Path:
    """Make a shard, or go on with it where another process left it.

    Raises:
        InputError: it cannot be written, as on a full disk; what was written before stays.
    """
    whole = collection.whole(shard.number)
    part, begun = whole.with_suffix(".part"), begun_of(collection, shard.number)
    try:
        lines = _kept(part)
        tries = Counter(begun.read_bytes().split()) if begun.exists() else Counter()
        with part.open("r+b" if part.exists() else "w+b") as written, begun.open("ab") as taken_up:
            written.truncate(sum(map(len, lines)))
            written.seek(0, 2)
            for number, source in list(enumerate(shard.sources, shard.first))[len(lines) :]:
                if tries[str(number).encode()] >= TRIES:
                    line = _crashed(number, source)
                else:
                    _append(taken_up, f"{number}\n".encode())
                    line = examine(number, source)
                lines.append(line.model_dump_json().encode() + b"\n")
                _append(written, lines[-1])
        write_whole(whole, b"".join(lines), private=False)
        part.unlink()
        begun.unlink()
    except OSError as error:
        raise InputError(
            f"Shard {shard.number} cannot be written to {whole.parent} ({error.strerror or error})",
            "Mend that and give the same command again: it goes on where it stopped",
        ) from error
    return whole


def _append(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()  # to the system, which outlives this process


def _kept(part: Path) -> list[bytes]:
    """Whole lines of an earlier try; one that was cut off in the writing is made anew."""
    kept = []
    for line in part.read_bytes().splitlines(keepends=True) if part.exists() else ():
        try:
            Line.model_validate_json(line)
        except ValidationError:
            break
        if not line.endswith(b"\n"):
            break
        kept.append(line)
    return kept


def _crashed(number: int, source: str) -> Line:
    failure = Failure(
        name=source,
        message=f"The program that read it ended {TRIES} times, as a damaged or hostile file can make it.",
        mend="Examine it by itself on a machine that may fail, or leave it out.",
    )
    return Line(number=number, source=source, failure=failure)
