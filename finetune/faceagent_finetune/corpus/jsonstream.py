"""The elements of a JSON list or of JSON lines, one after the other, however long the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from faceagent.errors import InputError

_BLOCK = 1 << 16
_MOST = 1 << 26  # characters of one element


def elements(path: Path, block: int = _BLOCK) -> Iterator[Any]:
    """
    Raises:
        InputError: it is neither a list nor one value a line, it is cut off, or an element is over 64 MB.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        yield from _Elements(path, stream, block)


class _Elements:
    def __init__(self, path: Path, stream: TextIO, block: int) -> None:
        self._path, self._stream, self._block = path, stream, block
        self._text = ""

    def __iter__(self) -> Iterator[Any]:
        listed = self._next() == "["
        if listed:
            self._text = self._text[1:]
        while (found := self._next()) not in ("", "]") or (found == "]" and not listed):
            yield self._value(found)
            if listed and self._next() not in (",", "]"):
                raise self._broken("after an element there is no comma")
            if listed and self._text.startswith(","):
                self._text = self._text[1:]
        if listed and not found:
            raise self._broken("the list does not end")

    def _next(self) -> str:
        """The next character that is no space; "" at the end."""
        while not (text := self._text.lstrip()) and self._more():
            pass
        self._text = text
        return text[:1]

    def _more(self) -> bool:
        block = self._stream.read(self._block)
        self._text += block
        return bool(block)

    def _value(self, found: str) -> Any:
        if found not in "{[":
            raise self._broken(f"an element begins with {found!r}, not with a brace")
        while True:
            try:
                value, end = json.JSONDecoder().raw_decode(self._text)
            except json.JSONDecodeError as error:
                if len(self._text) > _MOST or not self._grown():
                    raise self._broken(error.msg) from None
                continue
            except RecursionError:
                raise self._broken("an element is nested too deeply") from None
            self._text = self._text[end:]
            return value

    def _grown(self) -> bool:
        """Twice as much text, so that a long element is not parsed once a block."""
        before = len(self._text)
        while len(self._text) < 2 * before and self._more():
            pass
        return len(self._text) > before

    def _broken(self, why: str) -> InputError:
        return InputError(f"{self._path} is no list of JSON objects: {why}", "Fetch it again")
