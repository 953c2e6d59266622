"""`faceagent models`: what runs, what could, from where, under which licence. `faceagent models get NAME` fetches."""

from __future__ import annotations

import argparse
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
    _table(backends)
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


def _table(backends: list[Backend]) -> None:
    from rich.table import Table

    table = Table("tool", "backend", "version", "kind", "licence", "size", "here", box=None, pad_edge=False)
    for backend in backends:
        table.add_row(
            backend.tool,
            backend.method.name,
            backend.method.version,
            backend.kind,
            backend.method.licence,
            f"{backend.size / 1e6:.1f} MB" if backend.size else "",
            ("in use" if backend.chosen else "yes") if backend.here else f"no: {backend.how or 'not available here'}",
        )
    console().print(table)
