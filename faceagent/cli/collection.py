"""`faceagent report INPUT… --engine local|ray`: a report on a collection of any size."""

from __future__ import annotations

import argparse
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceagent.cli.console import at_least_one, console, limits_of, say
from faceagent.errors import UsageError

if TYPE_CHECKING:
    from faceagent.collection import Collection
    from faceagent.collection.monitor import Done, State

ENGINES = {"local": "local", "ray": "on_ray"}


def add_options(parser: argparse.ArgumentParser) -> None:
    group: Any = parser.add_argument_group("collections of any size (with --engine, or with an address)")
    group.add_argument(
        "--engine",
        choices=ENGINES,
        help="by several workers, on this machine or a Ray cluster; the same command goes on where it stopped",
    )
    group.add_argument(
        "--export", metavar="PLACE", help="the findings as Parquet too, in this folder or store (s3://bucket/folder)"
    )
    group.add_argument(
        "--recurring",
        action="store_true",
        default=None,
        help="compare the faces of all files, to see which recur; needs a --purpose that allows it",
    )
    group.add_argument("--workers", type=at_least_one, metavar="N", help="processes (default: one for each core)")
    group.add_argument(
        "--log-json", action="store_true", default=None, help="tell how far it is as JSON lines on standard error"
    )
    group.add_argument(
        "--metrics",
        type=_address,
        metavar="[HOST:]PORT",
        help="metrics for Prometheus at http://HOST:PORT/metrics (default host 127.0.0.1: this machine alone)",
    )


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no port, and no host and port")
    return host.strip("[]") or "127.0.0.1", int(port)


def wanted(chosen: argparse.Namespace) -> bool:
    """Whether a command means a collection.

    Raises:
        UsageError: it does not, and has an option that only collections have.
    """
    from faceagent.collection.stores import is_address

    if chosen.engine is not None or any(map(is_address, [*chosen.inputs, str(chosen.out)])):
        return True
    for name in ("export", "recurring", "workers", "log_json", "metrics"):
        if getattr(chosen, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')} is for collections", "Give --engine local with it")
    return False


def run(chosen: argparse.Namespace) -> int:
    from faceagent.collection import Collection
    from faceagent.collection.export import claimed
    from faceagent.policy import purpose

    if chosen.purpose is not None:
        purpose(chosen.purpose)
    collection = Collection.begin(
        chosen.out, chosen.inputs, purpose=chosen.purpose, limits=limits_of(chosen), recurring=bool(chosen.recurring)
    )
    exported = claimed(collection, chosen.export) if chosen.export else None
    _examine(collection, chosen)
    return _sum_up(collection, chosen, exported)


def _examine(collection: Collection, chosen: argparse.Namespace) -> None:
    from faceagent.cli.logs import as_json
    from faceagent.collection.metrics import Metrics
    from faceagent.collection.monitor import Log, Monitor, View
    from faceagent.collection.progress import ProgressPage

    engine = import_module(f"faceagent.collection.{ENGINES[chosen.engine or 'local']}")
    workers = chosen.workers or os.cpu_count() or 1
    views: list[View] = [ProgressPage(collection, chosen.language)]
    if chosen.log_json:
        as_json()
        views.append(Log())
    else:
        views.append(_Bar())
    if chosen.metrics is not None:
        host, port = chosen.metrics
        views.append(Metrics(port, host))
    with Monitor(collection, workers, views) as monitor:
        engine.run(collection, workers, monitor)


class _Bar:
    """The bar in the terminal."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("Examining"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console(error=True), transient=True)
        self._task = self._progress.add_task("")

    def show(self, state: State, done: Done | None) -> None:
        self._progress.start()
        self._progress.update(self._task, total=state.files, completed=state.done)

    def close(self) -> None:
        self._progress.stop()


def _sum_up(collection: Collection, chosen: argparse.Namespace, exported: str | None) -> int:
    from faceagent.collection import page, recurring
    from faceagent.collection.export import export
    from faceagent.collection.overview import INDEX, JSON, overview
    from faceagent.tool import Toolbox

    clusters = recurring.gather(collection, Toolbox.installed()) if chosen.recurring else None
    found = overview(collection, chosen.title)
    page.write(collection, found, clusters, chosen.language)
    if exported:
        export(collection, exported, [page.PAGE, JSON])
    for line in page.summary(found, clusters, chosen.language):
        say(line)
    say(f"\nRead it: {collection.place.at(page.PAGE)}")
    say("For programs: " + ", ".join(collection.place.at(name) for name in (JSON, INDEX, "shards")))
    if exported:
        say(f"As Parquet: {exported}/parquet/")
    return 1 if found.failures else 0
