"""Collections, and examiners that fail on purpose, for workers that find them by name.

What a file holds says what becomes of it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from faceagent.collection.lines import Line
from faceagent.collection.manifest import Collection, Settings, Shard
from faceagent.collection.shard import Examine
from faceagent.types import Failure


def collection(tmp_path: Path, wishes: Sequence[str], name: str = "out", shard: int = 4) -> Collection:
    """name: of its folder, or an address."""
    files = tmp_path / "files"
    files.mkdir(exist_ok=True)
    table = ["file"]
    for number, wish in enumerate(wishes):
        (files / f"{number}.jpg").write_text(wish, encoding="utf-8")
        table.append(f"files/{number}.jpg")
    (tmp_path / "manifest.csv").write_text("\n".join(table), encoding="utf-8")
    return Collection.begin(name if "://" in name else tmp_path / name, [str(tmp_path / "manifest.csv")], shard=shard)


def shards(of: Collection) -> list[bytes]:
    made = []
    for number in range(of.count):
        with of.place.open(of.name(number)) as stream:
            made.append(stream.read())
    return made


def whole(of: Collection, number: int) -> Path:
    """The file of a shard, of a report in a folder."""
    return of.place.work / of.name(number)


class Told:
    """Notes what an engine tells."""

    def __init__(self) -> None:
        self.files: list[int] = []
        self.deaths = 0
        self.memory = 0

    def done(self, shard: Shard, memory: int) -> None:
        self.files.append(len(shard.sources))
        self.memory = max(self.memory, memory)

    def died(self, shard: Shard) -> None:
        self.deaths += 1


def leavings(of: Collection) -> list[str]:
    return [path.name for path in (of.place.work / "shards").iterdir() if path.suffix != ".jsonl"]


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


def fast_driver(out: str) -> None:
    """A run in a process of its own, to be killed."""
    from faceagent.collection.local import run

    run(Collection.open(out), 2, make=obedient)


def workers_of(pid: int) -> list[str]:
    """Processes whose parent was this one, and which have not been told of its end yet."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = status.read_bytes()
        except OSError:
            continue
        if b"spawn_main" in text and f"parent_pid={pid}".encode() in text:
            found.append(text.decode())
    return found


def wait_until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.02)
