"""Sentences composed from wording.toml."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<(\w+)>")
_QUOTED = "…"  # in no wording
_START = re.compile(r"(^|[.?!] +)([a-z])")


@cache
def table() -> Mapping[str, Any]:
    """wording.toml."""
    text = files("faceagent_finetune.corpus").joinpath("wording.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def rows(path: str) -> list[str]:
    """The wordings at a dotted path ("yes_no.thing.ask").

    Raises:
        KeyError: there are none.
    """
    found: Any = table()
    for key in path.split("."):
        found = found[key]
    return [found] if isinstance(found, str) else list(found)


class Voice:
    """Words things by chance, and repeats itself for the same seed."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def say(self, path: str, **values: str) -> str:
        """One of the wordings at a path, with its slots filled, as a sentence."""
        return sentence(self.part(path, **values))

    def quote(self, path: str, text: str) -> str:
        """The same around <text>, which stays as it is written."""
        before, _, after = self.say(path, text=_QUOTED).partition(_QUOTED)
        return f"{before}{text}{after}"

    def part(self, path: str, **values: str) -> str:
        """The same as part of a sentence."""
        return self._filled(self._rng.choice(rows(path)), values)

    def _filled(self, text: str, values: Mapping[str, str]) -> str:
        """Choices first, from the inside; a slot's own choices when it is filled."""
        while choice := _CHOICE.search(text):
            text = text[: choice.start()] + self._rng.choice(choice[1].split("|")) + text[choice.end() :]

        def word(slot: re.Match[str]) -> str:
            name = slot[1]
            return values[name] if name in values else self._filled(self._rng.choice(rows(f"slots.{name}")), values)

        return _SLOT.sub(word, text)


def sentence(text: str) -> str:
    """Single spaces, none before a stop, and a capital at every start."""
    text = re.sub(r" +([.,;:?!])", r"\1", " ".join(text.split()))
    return _START.sub(lambda start: start[1] + start[2].upper(), text)
