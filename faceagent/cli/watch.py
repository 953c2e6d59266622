"""`faceagent watch FOLDER…`: alerts as JSON lines."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from faceagent.cli.console import add_limits, complain, limits_of, positive
from faceagent.cli.keys import add_gallery, gallery_of
from faceagent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faceagent.types import Failure
    from faceagent.watch import Alert, Told, Webhook
    from faceagent.watch.check import Kind

STATE = "watch.db"
EXAMPLE = """examples:
  faceagent watch incoming --gallery people --key-file people.key --log alerts.jsonl
  faceagent watch incoming --once
  faceagent watch incoming --webhook https://example.org/alerts --secret-file webhook.secret"""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "watch",
        parents=[common],
        help="check files against protected people as they arrive",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="looked through with all that is in it")
    parser.add_argument("--once", action="store_true", help="check what is there and end")
    parser.add_argument("--interval", type=positive, default=2.0, metavar="S", help="seconds between looks (default 2)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append the alerts here, not to standard output")
    parser.add_argument("--webhook", metavar="URL", help="send each alert there too, signed")
    parser.add_argument("--secret-file", type=Path, metavar="FILE", help="what the webhook's alerts are signed with")
    parser.add_argument("--authentic", action="store_true", help="tell of authentic photos of protected people too")
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help=f"what was checked already (default: {STATE} in the gallery's folder)",
    )
    add_gallery(parser)
    add_limits(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    from faceagent.tool import Toolbox
    from faceagent.watch import Check, Ledger, Watch
    from faceagent.watch.arrivals import Arrivals

    kinds: tuple[Kind, ...] = ("imitation", "not_authentic", "undecided")
    if chosen.authentic:
        kinds = (*kinds, "authentic")
    webhook = _webhook(chosen)
    with gallery_of(chosen) as gallery, Ledger(chosen.state or gallery.folder / STATE) as ledger, _log(chosen) as log:
        check = Check(Toolbox.installed(), gallery, kinds, limits_of(chosen))
        arrivals = Arrivals(chosen.folders, ledger.checked)
        with _until_told() as stop:
            watch = Watch(
                arrivals, check, ledger, gallery, _teller(log), webhook=webhook, interval=chosen.interval, stop=stop
            )
            told = watch.run(once=chosen.once)
    _summary(told, webhook)
    return 1 if chosen.once and (told.failures or told.unsent) else 0


def _webhook(chosen: argparse.Namespace) -> Webhook | None:
    from faceagent.watch.webhook import Webhook, secret_of

    if bool(chosen.webhook) != bool(chosen.secret_file):
        raise UsageError("--webhook and --secret-file belong together", "Name both or neither")
    return Webhook(chosen.webhook, secret_of(chosen.secret_file)) if chosen.webhook else None


@contextmanager
def _log(chosen: argparse.Namespace) -> Iterator[IO[str]]:
    if chosen.log is None:
        yield sys.stdout
        return
    try:
        stream = chosen.log.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{chosen.log} cannot be written ({error.strerror})", "Name another --log") from error
    with stream:
        yield stream


def _teller(log: IO[str]) -> Callable[[Alert | Failure], None]:
    """One line for each; what could not be checked is complained of."""
    from faceagent.types import Failure

    def tell(one: Alert | Failure) -> None:
        if isinstance(one, Failure):
            complain(f"{one.name} was not checked. {one.message} {one.mend or ''}".rstrip())
        else:
            log.write(one.model_dump_json() + "\n")
            log.flush()

    return tell


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set: the file at hand is finished. A second one ends at once."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: object) -> None:
        stop.set()
        for one, handler in before.items():
            signal.signal(one, handler)

    for number in before:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summary(told: Told, webhook: Webhook | None) -> None:
    files = "1 file was" if told.checked == 1 else f"{told.checked} files were"
    alerts = {0: "no alert", 1: "1 alert"}.get(told.alerts, f"{told.alerts} alerts")
    failed = f"; {told.failures} could not be" if told.failures else ""
    complain(f"{files} checked, with {alerts}{failed}.")
    if told.unsent:
        why = f": {webhook.trouble}" if webhook and webhook.trouble else ""
        wait = "1 alert waits" if told.unsent == 1 else f"{told.unsent} alerts wait"
        complain(f"{wait} for the webhook{why}. The next watch sends what waits.")
