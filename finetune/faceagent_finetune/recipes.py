"""TOML files that say what to make."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from faceagent.errors import UsageError


def read_toml(path: Path, example: str) -> tuple[dict[str, Any], str]:
    """The table in a file, and its text.

    Args:
        example: of such a file, to begin with.

    Raises:
        UsageError: there is no such file, or it is no TOML.
    """
    if not path.is_file():
        raise UsageError(f"{path} does not exist", f"{example} is one to begin with")
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML ({error})", "Mend that line") from None


def check_known(given: Mapping[str, Any], known: Iterable[str], what: str, path: Path) -> None:
    """
    Raises:
        UsageError: `given` has a name that is not known.
    """
    names = list(known)
    for name in given:
        if name not in names:
            close = get_close_matches(name, names, 1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise UsageError(f"{path} has an unknown {what} {name!r}", f"{hint}Known: {', '.join(names)}")
