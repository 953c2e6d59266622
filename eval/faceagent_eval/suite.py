"""Lists of benchmark runs (suites.toml), and one such run as a command that anybody can repeat."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from faceagent.errors import UsageError


@dataclass(frozen=True)
class Job:
    """One run of a benchmark; see `benchmarks.make`."""

    benchmark: str
    data: Path | None = None
    backend: str | None = None
    limit: int | None = None
    controller: str | None = None

    @property
    def command(self) -> str:
        """As typed, but for the folders of this machine: DIR for the data, and of a model's folder its name alone."""
        given = {
            "--data": self.data and "DIR",
            "--backend": self.backend,
            "--limit": self.limit and str(self.limit),
            "--controller": self.controller and without_folders(self.controller),
        }
        words = [word for name, value in given.items() if value for word in (name, value)]
        return shlex.join(["python", "-m", "faceagent_eval", "run", self.benchmark, *words])


def without_folders(controller: str) -> str:
    """A controller's name with the last part alone of every folder in it."""
    parts = re.split(r"([:+])", controller)
    return "".join(Path(part).name if part and Path(part).exists() else part for part in parts)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("faceagent_eval").joinpath("suites.toml").read_text(encoding="utf-8"))


def suites() -> tuple[str, ...]:
    """The names of all suites."""
    return tuple(_table())


def suite(name: str, data: Path | None = None) -> list[Job]:
    """The runs of a suite.

    Args:
        data: the folder in which every run's `data` lies; without it, the runs that need none.

    Raises:
        UsageError: there is no such suite.
    """
    if name not in _table():
        raise UsageError(f"There is no suite {name!r}", f"There are {', '.join(suites())}")
    return [_job(row, data) for row in _table()[name]["run"] if data is not None or "data" not in row]


def _job(row: dict[str, Any], data: Path | None) -> Job:
    folder = data / row["data"] if data is not None and "data" in row else None
    return Job(row["benchmark"], folder, row.get("backend"), row.get("limit"), row.get("controller"))
