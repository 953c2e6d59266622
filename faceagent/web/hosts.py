"""A server that others reach asks for keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceagent.addresses import is_loopback
from faceagent.errors import UsageError

if TYPE_CHECKING:
    from faceagent.web.keys import KeyFile


def check_host(host: str, keys: KeyFile | None) -> None:
    """Refuse to open a server to others without keys.

    Raises:
        UsageError: others reach this address and there are no keys, or the file of keys holds none.
    """
    mend = "Make one with: faceagent api key new --keys FILE"
    if keys is not None and not keys.all():
        raise UsageError(f"There is no key in {keys.path}", mend)
    if keys is None and not is_loopback(host):
        raise UsageError(f"Others reach {host}, and there are no keys", f"{mend}, and name the file with --keys")
