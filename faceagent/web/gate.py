"""What every request passes before anything of it is read: who asks, from where, how often, how much.

An ASGI middleware and no dependency of routes, because those run after a body has been received.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceagent.addresses import is_loopback
from faceagent.web.keys import KeyFile
from faceagent.web.problems import Refused

_log = logging.getLogger(__name__)

_HEADER_BYTES = 16 * 1024
_IDLE = 30.0  # seconds in which nothing of a body comes before it is given up
_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Client:
    """Who asks. id: of the key, "" where there are no keys. purposes: that may be stated; None means any."""

    id: str = ""
    purposes: frozenset[str] | None = None


@dataclass(frozen=True)
class Rules:
    """What the gate holds requests against.

    keys: without them only this machine is answered, and only under its own name. per_minute: requests of one client.
    max_body: bytes. open: paths that need no key.
    """

    keys: KeyFile | None = None
    per_minute: int = 120
    max_body: int = 200 * 2**20
    open: frozenset[str] = field(default_factory=frozenset)


class Gate:
    """The middleware. It puts `client` and `request_id` into the request's state."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app, self._rules, self._rate = app, rules, Rate(rules.per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        state = scope.setdefault("state", {})
        reply, body = _Reply(send, request_id), _Body(receive, self._rules.max_body)
        try:
            state["request_id"], state["client"] = request_id, self._admitted(Headers(scope=scope), scope["path"])
            body.announced(Headers(scope=scope))
            await self._app(scope, body.receive, reply.unless(body))
            refused = body.refused
        except Refused as error:
            refused = error
        except Exception:  # noqa: BLE001 - the last line of defence: logged, and told as an error of ours
            _log.exception("request %s", request_id)
            refused = body.refused or Refused(500, "Something unexpected went wrong.", f"Report request {request_id}.")
        if refused is not None and not reply.started:
            await refused.response(request_id)(scope, receive, reply.send)

    def _admitted(self, headers: Headers, path: str) -> Client:
        """Who asks.

        Raises:
            Refused: they may not, or not now.
        """
        if sum(len(name) + len(value) for name, value in headers.raw) > _HEADER_BYTES:
            raise Refused(431, "The headers of the request are too large.", "Send fewer or shorter ones.")
        self._from_here(headers)
        client = self._client(headers, path)
        if path not in self._rules.open and (seconds := self._rate.wait(client.id)):
            raise Refused(
                429,
                f"More than {self._rules.per_minute} requests came in a minute.",
                f"Try again in {seconds} seconds.",
                seconds=seconds,
            )
        return client

    def _from_here(self, headers: Headers) -> None:
        """No page of another site may ask through somebody's browser, nor, without keys, under another name (DNS
        rebinding)."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Refused(403, "Pages of other sites are not answered.", "Ask from a program instead.")
        if self._rules.keys is None and not is_loopback(_hostname(host)):
            raise Refused(
                403,
                "Without keys this server answers only under the name of its own machine.",
                "Ask it at 127.0.0.1, or start it with --keys.",
            )

    def _client(self, headers: Headers, path: str) -> Client:
        if self._rules.keys is None:
            return Client()
        if path in self._rules.open:
            return Client("", frozenset())
        scheme, _, key = headers.get("authorization", "").partition(" ")
        holder = self._rules.keys.holder(key.strip()) if scheme.lower() == "bearer" else None
        if holder is None:
            raise Refused(401, "This takes a valid API key.", 'Send the header "Authorization: Bearer KEY".')
        return Client(holder.id, frozenset(holder.purposes))


class Rate:
    """How often each client asks: a bucket that a minute fills. Safe to use from several threads."""

    def __init__(self, per_minute: int) -> None:
        self._most, self._lock = float(per_minute), threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, client: str) -> int:
        """Seconds until this client may ask; 0 means now, and counts."""
        with self._lock:
            now = time.monotonic()
            left, at = self._buckets.get(client, (self._most, now))
            left = min(self._most, left + (now - at) * self._most / 60)
            self._buckets[client] = (left - 1 if left >= 1 else left, now)
        return 0 if left >= 1 else math.ceil((1 - left) * 60 / self._most)


class _Body:
    """The body of a request as it comes in, counted."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most, self._seen, self._complete = receive, most, 0, False
        self.refused: Refused | None = None

    def announced(self, headers: Headers) -> None:
        """Raises:
        Refused: the sender says itself that it is too large.
        """
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next piece; after the last one, whatever comes then (the sender goes away).

        Raises:
            Refused: too much came, or nothing for too long.
        """
        if self._complete:
            return await self._receive()
        with anyio.move_on_after(_IDLE) as waiting:
            message = await self._receive()
        if waiting.cancelled_caught:
            self.refused = Refused(408, f"Nothing came for {_IDLE:.0f} seconds.", "Send the request again.")
            raise self.refused
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            self.refused = self._too_large()
            raise self.refused
        self._complete = not message.get("more_body", False)
        return message

    def _too_large(self) -> Refused:
        return Refused(413, f"The request has more than {self._most / 2**20:.4g} MB.", "Send fewer or smaller files.")


class _Reply:
    """The response, with the headers that each one has."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._request_id, self.started = send, request_id, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            for name, value in (*_ALWAYS.items(), ("Content-Security-Policy", _POLICY)):
                headers.setdefault(name, value)
        await self._send(message)

    def unless(self, body: _Body) -> Send:
        """The same, but what an application says of a body that was cut off is not sent."""

        async def send(message: Message) -> None:
            if body.refused is None or self.started:
                await self.send(message)

        return send


def _hostname(host: str) -> str:
    """Of a Host header: without the port, and without brackets around an IPv6 address."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
