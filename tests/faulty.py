"""Examiners that fail on purpose, for workers that find them by name. What a file holds says what becomes of it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from faceagent.collection.manifest import Settings
from faceagent.collection.shard import Examine, Line
from faceagent.types import Failure


def obedient(settings: Settings) -> Examine:
    """ "crash" ends the process as a decoder does, "crash once" the first time only, "slow" takes a while."""

    def examine(number: int, source: str) -> Line:
        path = Path(source)
        wish = path.read_text(encoding="utf-8")
        mark = path.with_suffix(".crashed")
        if wish == "crash" or (wish == "crash once" and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if wish == "slow":
            time.sleep(0.2)
        return Line(number=number, source=source, failure=Failure(name=source, message=f"It says {wish}."))

    return examine


def cramped(settings: Settings) -> Examine:
    """No file grows beyond two lines or so, as on a full disk."""
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    return obedient(settings)


def stillborn(settings: Settings) -> Examine:
    """Ends before it has examined anything."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def fast_driver(folder: str) -> None:
    """A run in a process of its own, to be killed."""
    from faceagent.collection.local import run
    from faceagent.collection.manifest import Collection

    run(Collection.open(Path(folder)), 2, make=obedient)
