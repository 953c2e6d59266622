"""A shard from its files to its lines, whatever happens on the way.

While it is made there are two files of it in the folder for what is under way (`place`): `.part`, the lines so far, and
`.begun`, the number of each file as it is taken up, and a dash for each process that begins. A file that was taken up
twice and never finished ended the program that read it (a decoder that crashed, or memory): it is told as failed and
not read a third time.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import IO, BinaryIO

from pydantic import ValidationError

from faceagent.batch import attempt
from faceagent.collection import stores
from faceagent.collection.lines import Line
from faceagent.collection.manifest import Collection, Settings, Shard
from faceagent.collection.recurring import Keeper
from faceagent.errors import InputError, ToolError, UsageError
from faceagent.files import claim
from faceagent.media import Limits, Photo
from faceagent.report import Examination
from faceagent.tool import Toolbox
from faceagent.tracing import span
from faceagent.types import Failure
from faceagent.video import Video, take

TRIES = 2
_LOCK = "lock"
_START, _STARTS = b"-\n", 3


Examine = Callable[[int, str], Line]
Make = Callable[[Settings], Examine]
"""Makes, in the process of a worker, what examines its files. Found by its name there."""


def examiner(settings: Settings) -> Examine:
    """Examines one file by all tools that are installed.

    Raises:
        UsageError: there is no such purpose, or no tool compares faces and that is wanted.
    """
    toolbox = _toolbox()
    keeper = Keeper(toolbox, settings.purpose) if settings.recurring else None

    def examine(number: int, source: str) -> Line:
        with span("examine a file", file=number), ExitStack() as until_examined:
            given = attempt(source, partial(_opened, source, settings.limits, until_examined))
            if isinstance(given, Failure):
                return Line(number=number, source=source, failure=given)
            look = keeper.look if keeper else None
            report = Examination(toolbox, settings.purpose, draws=False, look=look).examine(given)
            return Line(number=number, source=source, report=report, embeddings=keeper.taken() if keeper else b"")

    return examine


def _opened(source: str, limits: Limits, until_examined: ExitStack) -> Photo | Video:
    if not stores.is_address(source):
        return take(source, limits)
    path = until_examined.enter_context(stores.fetched(source, limits))
    return take(path, limits, name=source.rpartition("/")[2])


def held(collection: Collection) -> IO[bytes]:
    """This collection for one engine of this machine at a time (and of those that share the folder, where it locks),
    until what is returned is closed.

    Raises:
        UsageError: another program works on it.
    """
    try:
        return claim(collection.place.work / _LOCK)
    except BlockingIOError:
        raise UsageError(f"Another program works in {collection.place}", "Wait for it, or end it") from None


def one_thread() -> None:
    """Before any network is loaded: N workers on N cores must not start N threads each."""
    import cv2

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    cv2.setNumThreads(1)


def peak_memory() -> int:
    """Bytes that this process took at most so far; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    status = Path("/proc/self/status")
    own = re.search(rb"^VmHWM:\s*(\d+) kB", status.read_bytes(), re.MULTILINE) if status.is_file() else None
    if own:
        # Linux's getrusage would count what the parent had taken when it started this process.
        return int(own[1]) * 1024
    import resource  # not on Windows

    told = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return told if sys.platform == "darwin" else told * 1024


@cache
def _toolbox() -> Toolbox:
    """One a process, since it holds the networks."""
    return Toolbox.installed()


def work(collection: Collection, shard: Shard, make: Make) -> None:
    """Make a shard, or go on with it where another process of this machine left it.

    Raises:
        InputError: it cannot be written, as on a full disk; what was written before stays.
        ToolError: process after process ended before it had taken up a file.
    """
    name = collection.name(shard.number)
    try:
        part, begun = ((collection.place.work / name).with_suffix(suffix) for suffix in (".part", ".begun"))
        lines, notes = _kept(part), _noted(begun)
        part.touch()
        with part.open("r+b") as written, begun.open("ab") as taken_up, _taken_back(taken_up):
            written.truncate(sum(map(len, lines)))
            written.seek(0, os.SEEK_END)
            _append(taken_up, _START)
            examine = make(collection.settings)
            for number, source in list(enumerate(shard.sources, shard.first))[len(lines) :]:
                note = b"%d\n" % number
                if notes.count(note) >= TRIES:
                    line = _crashed(number, source)
                else:
                    _append(taken_up, note)
                    line = examine(number, source)
                    collection.keep(number, line.embeddings)
                lines.append(line.model_dump_json().encode() + b"\n")
                _append(written, lines[-1])
        collection.place.write(name, b"".join(lines))
        part.unlink()
        begun.unlink()
    except OSError as error:
        raise InputError(
            f"Shard {shard.number} cannot be written to {collection.place} ({error.strerror or error})",
            "Mend that and give the same command again: it goes on where it stopped",
        ) from error


def _noted(begun: Path) -> list[bytes]:
    """What earlier processes took up.

    Raises:
        ToolError: the last ones took up nothing.
    """
    notes = begun.read_bytes().splitlines(keepends=True) if begun.exists() else []
    if notes[-_STARTS:] == [_START] * _STARTS:
        begun.unlink()  # so that the same command tries again
        raise ToolError(
            "Workers ended before they had examined anything",
            "Run one file alone with `faceagent report FILE` to see why; memory is the usual reason",
        )
    return notes


@contextmanager
def _taken_back(notes: BinaryIO) -> Iterator[None]:
    """Take back what this process noted where it lives to tell why it stops: a store out of reach, a full disk and
    Ctrl-C are no file's doing."""
    before = notes.tell()
    try:
        yield
    except BaseException:
        notes.truncate(before)
        raise


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
