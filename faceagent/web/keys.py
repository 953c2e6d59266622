"""API keys: made once, shown once, and kept as digests in a file.

A key is 32 random bytes, so its plain SHA-256 tells nothing of it; a slow digest is for passwords that people choose.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from faceagent import policy
from faceagent.errors import UsageError, first_fault
from faceagent.files import write_whole
from faceagent.types import Frozen

_PREFIX = "fa"


class ApiKey(Frozen):
    """What is kept of a key. purposes: those that its holder may state (see `faceagent.policy`)."""

    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    name: str
    sha256: str
    purposes: tuple[str, ...] = ()
    created: datetime


class _Kept(Frozen):
    keys: tuple[ApiKey, ...] = ()


class KeyFile:
    """The file. A key that was added or withdrawn counts from the next request on.

    Raises:
        UsageError: the file is not one of keys.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_at = -1
        self._keys: dict[str, ApiKey] = {}
        self.all()

    def all(self) -> tuple[ApiKey, ...]:
        """All keys, the oldest first."""
        changed = self.path.stat().st_mtime_ns if self.path.exists() else 0
        if changed != self._read_at:
            self._keys = {key.id: key for key in self._read()}
            self._read_at = changed
        return tuple(self._keys.values())

    def add(self, name: str, purposes: Sequence[str] = ()) -> str:
        """Make a key and return it: what cannot be had a second time.

        Raises:
            UsageError: there is no such purpose, or the file cannot be written.
        """
        for purpose in purposes:
            policy.purpose(purpose)
        key_id = secrets.token_hex(6)
        key = f"{_PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"
        made = ApiKey(id=key_id, name=name, sha256=_digest(key), purposes=tuple(purposes), created=datetime.now(UTC))
        self._write((*self.all(), made))
        return key

    def withdraw(self, key_id: str) -> ApiKey:
        """Take a key out of the file.

        Raises:
            UsageError: there is none of this id, or the file cannot be written.
        """
        known = {key.id: key for key in self.all()}
        if key_id not in known:
            raise UsageError(f"There is no key {key_id!r} in {self.path}", f"There are {', '.join(known) or 'none'}")
        gone = known.pop(key_id)
        self._write(tuple(known.values()))
        return gone

    def holder(self, presented: str) -> ApiKey | None:
        """Whose key this is; None where it is nobody's. How long that takes tells nothing of the keys."""
        self.all()
        parts = presented.split("_", 2)
        known = self._keys.get(parts[1]) if len(parts) == 3 else None
        expected = known.sha256 if known else _digest("")
        return known if hmac.compare_digest(_digest(presented), expected) else None

    def _read(self) -> tuple[ApiKey, ...]:
        if not self.path.exists():
            return ()
        try:
            return _Kept.model_validate_json(self.path.read_bytes()).keys
        except OSError as error:
            raise UsageError(f"The keys in {self.path} cannot be read ({error.strerror})", "Check the path") from error
        except ValidationError as error:
            raise UsageError(
                f"{self.path} is no file of API keys ({first_fault(error)})", "Make one with: faceagent api key new"
            ) from error

    def _write(self, keys: tuple[ApiKey, ...]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, _Kept(keys=keys).model_dump_json(indent=1).encode(), private=True)
        except OSError as error:
            raise UsageError(
                f"The keys cannot be written to {self.path} ({error.strerror})", "Choose another place"
            ) from error


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
