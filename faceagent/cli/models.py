"""`faceagent models`: what runs, what could, from where, under which licence. `faceagent models get NAME` fetches."""

from __future__ import annotations

import argparse
from itertools import groupby
from typing import TYPE_CHECKING, Any

from faceagent.cli.console import console, say
from faceagent.errors import UsageError

if TYPE_CHECKING:
    from faceagent.tool import Backend


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("models", parents=[common], help="every backend: version, licence, size, where it is")
    parser.add_argument("get", nargs="?", choices=["get"], help="download and check a published model")
    parser.add_argument("name", nargs="?", help="its name")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    from faceagent.tool import Toolbox

    backends = [backend for tool in Toolbox.installed().values() for backend in tool.backends()]
    if chosen.get:
        return _get(chosen.name, backends)
    _list(backends)
    return 0


def _get(name: str | None, backends: list[Backend]) -> int:
    fetchable = {backend.method.name: backend.fetch for backend in backends if backend.fetch is not None}
    fetch = fetchable.get(name or "")
    if fetch is None:
        known = ", ".join(fetchable) or "none in this installation"
        raise UsageError(
            f"There is no model {name!r} to get" if name else "The model's name is missing", f"Known: {known}"
        )
    from rich.progress import Progress

    with Progress(console=console(error=True), transient=True) as progress:
        task = progress.add_task(name or "", total=None)
        place = fetch(lambda done, total: progress.update(task, completed=done, total=total))
    say(f"{name} is at {place}, and its SHA-256 is the published one.")
    return 0


def _list(backends: list[Backend]) -> None:
    for tool, group in groupby(backends, key=lambda backend: backend.tool):
        say(tool)
        for backend in group:
            method = backend.method
            facts = [f"{method.name} {method.version}", backend.kind, method.licence]
            if backend.size:
                facts.append(f"{backend.size / 1e6:.1f} MB")
            facts.append(("in use" if backend.chosen else "here") if backend.here else f"not here: {backend.how}")
            say(f"  {'●' if backend.chosen else '○'} {' · '.join(facts)}")
