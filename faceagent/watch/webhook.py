"""Sending alerts to an address: signed, in order, again and again until they are taken."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from faceagent.addresses import is_loopback
from faceagent.errors import UsageError

SIGNATURE = "X-Faceagent-Signature"
SHORTEST = 16
"""Bytes of a secret."""
LONGEST_WAIT = 3600.0
"""Seconds between two attempts, at most; the first wait is one second, each further one twice as long."""
_PATIENCE = 10.0  # seconds for an answer


class Webhook:
    """An address that takes alerts as POST requests with a JSON body.

    The header X-Faceagent-Signature is `t=TIME,v1=HEX`, HMAC-SHA256 by the secret of the bytes `TIME.BODY`; who
    receives computes it anew and refuses what is old. Any answer 2xx takes an alert; redirects are not followed.

    Args:
        url: https, or http to this machine.

    Raises:
        UsageError: the address or the secret will not do.
    """

    def __init__(self, url: str, secret: bytes, now: Callable[[], float] = time.time) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise UsageError(
                f"Alerts are not sent to {url}", "Name an https address, or http://127.0.0.1 of this machine"
            )
        if not parts.hostname or parts.username:
            raise UsageError(f"{url} is no address to send to", "It looks like https://example.org/alerts")
        if len(secret) < SHORTEST:
            raise UsageError(f"The webhook's secret has fewer than {SHORTEST} bytes", "Make one: openssl rand -hex 32")
        self._url, self._secret, self._now = url, secret, now
        # A proxy would be asked even for an address of this machine.
        direct = [urllib.request.ProxyHandler({})] if parts.scheme == "http" else []
        self._opener = urllib.request.build_opener(_Staying, *direct)
        self._failures, self._not_before = 0, 0.0
        self.trouble: str | None = None
        """Why the last attempt failed, None where it did not."""

    @property
    def due(self) -> bool:
        """Whether the time of the next attempt has come."""
        return self._now() >= self._not_before

    @property
    def wait(self) -> float:
        """Seconds until then."""
        return max(0.0, self._not_before - self._now())

    def send(self, body: bytes) -> bool:
        """Whether the alert was taken; if not, `due` says when to try again."""
        at = int(self._now())
        signed = hmac.new(self._secret, b"%d." % at + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", SIGNATURE: f"t={at},v1={signed}"}
        request = urllib.request.Request(self._url, body, headers, method="POST")
        try:
            with self._opener.open(request, timeout=_PATIENCE):
                self._failures, self._not_before, self.trouble = 0, 0.0, None
                return True
        except urllib.error.HTTPError as error:
            self.trouble = f"it answered {error.code}"
            error.close()
        except (OSError, http.client.HTTPException) as error:
            self.trouble = f"it cannot be reached ({error})"
        self._not_before = self._now() + min(2.0**self._failures, LONGEST_WAIT)
        self._failures = min(self._failures + 1, 12)
        return False


def secret_of(path: Path) -> bytes:
    """The secret in a file, without white space around it.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"The secret {path} cannot be read ({error.strerror})", "Check the path") from error


class _Staying(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer that is no 2xx: what is sent must not end up elsewhere."""

    def redirect_request(self, *arguments: Any, **more: Any) -> None:
        return None
