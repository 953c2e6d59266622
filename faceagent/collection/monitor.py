"""How far a collection is, for people and programs that watch: the log, metrics for Prometheus, a page.

Engines tell of shards and workers; all else is read off the shards, so that every engine is watched alike. Nothing here
holds the name of a file.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from faceagent.collection.lines import lines_of
from faceagent.collection.manifest import Collection, Shard

_LOG = logging.getLogger("faceagent.collection")


class Observer(Protocol):
    """Whom an engine tells."""

    def done(self, shard: Shard, memory: int) -> None:
        """A shard is whole. memory: bytes that its worker took at most so far; 0 where that is not known."""

    def died(self, shard: Shard) -> None:
        """A worker ended at it, and another one goes on."""


class Unobserved:
    """Nobody watches."""

    def done(self, shard: Shard, memory: int) -> None: ...

    def died(self, shard: Shard) -> None: ...


@dataclass(frozen=True)
class Done:
    """A shard that is whole. stages: each tool that was called, and its seconds."""

    shard: int
    files: int
    failed: int
    stages: tuple[tuple[str, float], ...]


@dataclass
class State:
    """How far it is. files: all. before: files that were done when this run began. memory: bytes, the most that a
    worker took. seconds, calls: of each tool."""

    files: int
    shards: int
    workers: int
    before: int
    done: int
    shards_left: int
    failed: int = 0
    deaths: int = 0
    memory: int = 0
    started: float = field(default_factory=time.monotonic)
    ended: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Files a second in this run."""
        return (self.done - self.before) / max(time.monotonic() - self.started, 1e-9)


class View(Protocol):
    """One way of showing it."""

    def show(self, state: State, done: Done | None) -> None:
        """What has changed. done: the shard that made it so; None at the beginning, where a worker died, and at the
        end."""

    def close(self) -> None:
        """The run is over, however it ended."""


class Monitor:
    """Shows how far a collection is, in every view.

    with Monitor(collection, workers, views) as monitor:
        engine.run(collection, workers, monitor)
    """

    def __init__(self, collection: Collection, workers: int, views: Sequence[View]) -> None:
        left = collection.left()
        files, waiting = collection.settings.files, sum(len(shard.sources) for shard in left)
        self._collection, self._views = collection, views
        self.state = State(files, collection.count, workers, files - waiting, files - waiting, len(left))

    def __enter__(self) -> Monitor:
        self._show(None)
        return self

    def __exit__(self, *_: object) -> None:
        self.state.ended = True
        try:
            self._show(None)
        finally:
            for view in self._views:
                view.close()

    def done(self, shard: Shard, memory: int) -> None:
        done, state = _read(self._collection, shard), self.state
        state.done += done.files
        state.failed += done.failed
        state.shards_left -= 1
        state.memory = max(state.memory, memory)
        for tool, seconds in done.stages:
            state.seconds[tool] = state.seconds.get(tool, 0.0) + seconds
            state.calls[tool] = state.calls.get(tool, 0) + 1
        self._show(done)

    def died(self, shard: Shard) -> None:
        self.state.deaths += 1
        _LOG.warning("a worker died", extra={"shard": shard.number})
        self._show(None)

    def _show(self, done: Done | None) -> None:
        for view in self._views:
            view.show(self.state, done)


def _read(collection: Collection, shard: Shard) -> Done:
    found = list(lines_of(collection, shard.number))
    return Done(
        shard=shard.number,
        files=len(shard.sources),
        failed=sum(line.failure is not None for line in found),
        stages=tuple(
            (step.tool, step.milliseconds / 1000) for line in found if line.report for step in line.report.steps
        ),
    )


class Log:
    """The log: a line a shard, with figures as its `extra`."""

    def show(self, state: State, done: Done | None) -> None:
        far = {"files_done": state.done, "files": state.files, "shards_left": state.shards_left}
        if done is not None:
            told = {"shard": done.shard, "shard_files": done.files, "shard_failed": done.failed}
            _LOG.info("a shard is done", extra=far | told | {"files_per_second": round(state.per_second, 3)})
        elif state.ended:
            _LOG.info("the run has ended", extra=far | {"failed": state.failed, "deaths": state.deaths})
        elif not state.deaths:
            _LOG.info("the run begins", extra=far | {"workers": state.workers})

    def close(self) -> None: ...
