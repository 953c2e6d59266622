"""The loop: look for files, check each once, tell of it, send what is to be sent; until it is stopped."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from faceagent.audit import pseudonymous
from faceagent.errors import FaceAgentError, MediaError, MissingExtra, ToolError
from faceagent.gallery import Gallery
from faceagent.types import Failure
from faceagent.watch.arrivals import Arrival, Arrivals
from faceagent.watch.check import Alert, Check
from faceagent.watch.ledger import Ledger
from faceagent.watch.webhook import Webhook

_ATTEMPTS = 3  # to send before a pass that ends leaves alerts to the next


class Told(NamedTuple):
    """What a watch did. unsent: alerts that wait for the webhook; they are sent by the next watch with this ledger."""

    checked: int
    alerts: int
    failures: int
    unsent: int


class Watch:
    """Each file is checked once, also over restarts. An alert is told before the file counts as checked, and kept until
    the webhook has taken it: whenever the process ends, at worst the last file's alerts come twice, with the same id.

    Args:
        tell: takes each alert, and each file that could not be checked, as it comes; what it raises ends the watch.
        stop: set from elsewhere, it ends the watch after the file at hand.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        check: Check,
        ledger: Ledger,
        gallery: Gallery,
        tell: Callable[[Alert | Failure], None],
        *,
        webhook: Webhook | None = None,
        interval: float = 2.0,
        stop: threading.Event | None = None,
    ) -> None:
        self._arrivals, self._check, self._ledger, self._gallery = arrivals, check, ledger, gallery
        self._tell, self._webhook, self._interval = tell, webhook, interval
        self._stop = stop or threading.Event()
        self._passed: set[bytes] = set()
        self._counts = {"checked": 0, "alerts": 0, "failures": 0}

    def run(self, *, once: bool = False) -> Told:
        """Watch until stopped.

        Args:
            once: end when everything is checked that is there and not being written.

        Raises:
            AuditError: the audit log cannot be written; nothing is checked unlogged.
        """
        looks = 0
        while not self._stop.is_set():
            for arrival in self._arrivals.ready():
                if self._stop.is_set():
                    break
                if arrival.mark not in self._passed:
                    self._one(arrival)
            self._send()
            looks += 1
            # The first look only notes how long files are.
            if once and looks > 1 and not self._arrivals.waiting:
                self._send_rest()
                break
            self._stop.wait(self._interval)
        return Told(**self._counts, unsent=self._ledger.unsent)

    def _one(self, arrival: Arrival) -> None:
        try:
            alerts = self._check.file(arrival.path)
        except (MediaError, MissingExtra) as error:
            self._failed(arrival, error)
            self._ledger.done(arrival.mark)
            return
        except ToolError as error:
            # It may be mended: the next watch tries again.
            self._failed(arrival, error)
            self._passed.add(arrival.mark)
            return
        for alert in alerts:
            self._tell(alert)
        kept = tuple(self._kept(alert) for alert in alerts) if self._webhook else ()
        self._ledger.done(arrival.mark, kept)
        self._counts["checked"] += 1
        self._counts["alerts"] += len(alerts)

    def _failed(self, arrival: Arrival, error: FaceAgentError) -> None:
        mend = f"{error.mend}." if error.mend else None
        self._tell(Failure(name=str(arrival.path), message=f"{error.message}.", mend=mend))
        self._counts["failures"] += 1

    def _kept(self, alert: Alert) -> str:
        """An alert as it waits: without a name."""
        return json.dumps(_renamed(alert.model_dump(mode="json"), self._gallery.pseudonyms()))

    def _body(self, kept: str) -> bytes:
        """As it is sent: with the name, unless the person was forgotten meanwhile."""
        names = {f"person {person.id}": person.name for person in self._gallery.people()}
        return json.dumps(_renamed(json.loads(kept), names), ensure_ascii=False).encode()

    def _send(self) -> None:
        """What waits, in order, until one is not taken."""
        while (hook := self._webhook) and hook.due and not self._stop.is_set() and (row := self._ledger.first()):
            number, kept = row
            if not hook.send(self._body(kept)):
                return
            self._ledger.sent(number)

    def _send_rest(self) -> None:
        for _ in range(_ATTEMPTS):
            if self._webhook is None or not self._ledger.unsent or self._stop.wait(self._webhook.wait):
                return
            self._send()


def _renamed(alert: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The same with other names where an alert has the person's."""
    return {**alert, **{key: pseudonymous(alert[key], names) for key in ("person", "sentences")}}
