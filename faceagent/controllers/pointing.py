"""The words with which a language points at faces and photos (pointing.toml), as regular expressions."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import count
from typing import Any

from faceagent.messages import language_of

_SLOT = re.compile(r"<(\w+)(?::([^<>]+))?>")
_START, _END, _ANSWER, _WEIGHTLESS = "begins", "ends", "short", "filling"
"""Phrases that stand at a text's start or end, or are all of it."""
_NAMED = frozenset(
    {"left", "right", "middle", "older", "younger", "nth", "number", "face", "count", "many"}
    | {"others", "between", "somewhere", "anchor", "stranger"}
)
"""What of a match is asked for (`parts`)."""


@dataclass(frozen=True)
class Language:
    """How one language points.

    phrases: patterns by name, as pointing.toml lists them; they are made for `plain` text.
    the_one: what "the older one" is replaced by.
    """

    name: str
    phrases: Mapping[str, str]
    the_one: str
    _ordinals: tuple[re.Pattern[str], ...]
    _last: re.Pattern[str]
    _counts: tuple[re.Pattern[str], ...]

    def __getitem__(self, phrase: str) -> re.Pattern[str]:
        return _compiled(self.phrases[phrase])

    def place(self, ordinal: str) -> int:
        """From 0; -1 is the last."""
        if self._last.fullmatch(ordinal):
            return -1
        named = (place for place, word in enumerate(self._ordinals) if word.fullmatch(ordinal))
        return next(named, None) or max(int(re.sub(r"\D", "", ordinal) or 1) - 1, 0)

    def count(self, word: str) -> int:
        """How many: "two", or "2"."""
        named = (many for many, pattern in enumerate(self._counts, start=1) if pattern.fullmatch(word))
        return next(named, None) or int(re.sub(r"\D", "", word) or 1)


def spoken(text: str) -> Language:
    """The language that a text is in; the first of the table where nothing tells."""
    return {one.name: one for one in languages()}[language_of(text) or languages()[0].name]


def parts(match: re.Match[str]) -> dict[str, str]:
    """What a match says: the words of its slots, the last of each (`_NAMED`)."""
    return {name: words[-1] for name, words in all_parts(match).items()}


def all_parts(match: re.Match[str]) -> dict[str, list[str]]:
    """What a match says where it may say several of a kind: "between face 1.1 and her"."""
    said: dict[str, list[str]] = {}
    for name, word in match.groupdict().items():
        if word is not None:
            said.setdefault(name.rstrip("0123456789_"), []).append(word)
    return said


def plain(text: str) -> tuple[str, Sequence[int]]:
    """A text as the patterns expect it, without capitals, accents and runs of blanks, and for each of its characters
    the place in `text` that it comes from."""
    kept: list[tuple[str, int]] = []
    for place, mark in enumerate(text):
        mark = " " if mark.isspace() else "'" if mark == "’" else mark
        if mark == " " and (not kept or kept[-1][0] == " "):
            continue
        letters = unicodedata.normalize("NFKD", mark.casefold())
        kept += [(letter, place) for letter in letters if not unicodedata.combining(letter)]
    return "".join(letter for letter, _ in kept).rstrip(" "), [place for _, place in kept]


@cache
def languages() -> tuple[Language, ...]:
    """All that the table has."""
    text = files("faceagent.controllers").joinpath("pointing.toml").read_text(encoding="utf-8")
    return tuple(_language(name, table) for name, table in tomllib.loads(text).items())


def _language(name: str, table: Mapping[str, Any]) -> Language:
    spaced = bool(table.get("spaced", True))
    counted, (one, *more) = "|".join((*table["ordinals"], table["numbered"])), table["counts"]
    words = {
        **{key: "|".join(listed) for key, listed in table["phrases"].items()},
        **table["words"],
        "nth": f"{counted}|{table['last']}",
        "counted": counted,
        "one": one,
        "count": "|".join((*more, "[2-9]")),
        "number": "[0-9]+",
        "face": r"[0-9]+\.[0-9]+",
    }
    return Language(
        name,
        {key: _pattern(key, listed, words, spaced=spaced) for key, listed in table["phrases"].items()},
        table["the_one"],
        tuple(re.compile(word) for word in table["ordinals"]),
        re.compile(table["last"]),
        tuple(re.compile(word) for word in table["counts"]),
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _pattern(key: str, listed: Sequence[str], words: Mapping[str, str], *, spaced: bool) -> str:
    """One pattern of all phrases of a name. Groups need names of their own, so they are numbered."""
    number = count()

    def filled(phrase: str, *, named: bool = True) -> str:
        return _SLOT.sub(lambda slot: word(slot[1], slot[2], named=named), phrase)

    def word(name: str, own: str | None, *, named: bool) -> str:
        both = {"side": ("left", "right"), "age": ("older", "younger")}.get(name)
        if both:
            return f"(?:{'|'.join(word(one, None, named=named) for one in both)})"
        # What an anchor says is read from its own text.
        pattern = filled(own or words[name], named=named and name != "anchor")
        name = "nth" if name == "counted" else name
        return f"(?P<{name}_{next(number)}>{pattern})" if named and name in _NAMED else f"(?:{pattern})"

    either = "|".join(map(filled, listed)) or "(?!)"
    if key == _END:
        return rf"{_edge(spaced)}(?:{either})\W*$"
    if key == _START:
        return rf"^\W*(?:{either}){_edge(spaced)}"
    within = rf"\b(?:{either})(?!\w)" if spaced else f"(?:{either})"
    if key == _ANSWER:
        return rf"\W*{within}\W*"
    return rf"(?>(?:\W|{within})*)" if key == _WEIGHTLESS else within


def _edge(spaced: bool) -> str:
    return r"\b" if spaced else ""
