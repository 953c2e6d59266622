"""The written phrases, as read from corpus/, and how one phrase becomes one of its many wordings.

A file has sections, `## age` or `## smile + inner life`: the labels of the phrases below ("nothing": none). In a
phrase `{a|b}` is a choice, which may hold another, and `<he>` stands for one of the words in slots.toml. A phrase is a
question or an order as it stands; after `n:` a noun ("n: his age"), after `e:` a clause ("e: how old he is"), which the
styles of frames.toml put into sentences. One phrase in ten, chosen by its text, is held out of training.
"""

from __future__ import annotations

import random
import re
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

NOTHING = "nothing"
LANGUAGES = ("en", "es", "fr", "de", "zh")
_FILES = {
    "en-plain": "en",
    "en-people": "en",
    "en-photo": "en",
    "en-other": "en",
    "en-more": "en",
    "es": "es",
    "fr": "fr",
    "de": "de",
    "zh": "zh",
}
_PLAIN = "en-plain"  # trained on, all of it
_HELD_ONE_IN = 10
_ENOUGH = 8  # phrases with the same labels, in a language, of which one may be spared

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Phrase:
    """form: "q", "n" or "e". held: never trained on. plain: what people ask first."""

    text: str
    labels: frozenset[str]
    language: str
    form: str
    held: bool
    plain: bool

    def worded(self, rng: random.Random) -> str:
        """One of its wordings."""
        text = self.text
        while choice := _CHOICE.search(text):
            text = text[: choice.start()] + rng.choice(choice[1].split("|")) + text[choice.end() :]
        return " ".join(filled(text, self.language, rng).replace(" -t-", "-t-").split())


def filled(text: str, language: str, rng: random.Random) -> str:
    """A text with a word for each slot."""
    words = table("slots").get(language, {})
    while slot := _SLOT.search(text):
        text = text[: slot.start()] + rng.choice(words[slot[1]]) + text[slot.end() :]
    return text


def bare(text: str) -> str:
    """A question without case and punctuation: two that differ in those alone are one."""
    return " ".join(re.findall(r"\w+", text.casefold()))


@cache
def phrases() -> tuple[Phrase, ...]:
    """All phrases, in the order of the files."""
    return tuple(_with_enough([phrase for name, language in _FILES.items() for phrase in _read(name, language)]))


@cache
def table(name: str) -> Mapping[str, Any]:
    """slots, frames or joins, as their TOML has it."""
    return tomllib.loads(_corpus(f"{name}.toml"))


def _read(name: str, language: str) -> Iterator[Phrase]:
    labels: frozenset[str] = frozenset()
    for line in _corpus(f"{name}.txt").splitlines():
        if line.startswith("## "):
            labels = frozenset(label.strip() for label in line[3:].split("+")) - {NOTHING}
        elif line and not line.startswith("#"):
            form = line[0] if line[:3] in ("n: ", "e: ") else "q"
            plain = name == _PLAIN
            held = not plain and zlib.crc32(line.encode()) % _HELD_ONE_IN == 0
            yield Phrase(line if form == "q" else line[3:], labels, language, form, held, plain)


def _with_enough(found: Sequence[Phrase]) -> Iterator[Phrase]:
    """The same, held out only where enough others have the same labels."""
    sizes = Counter((phrase.language, phrase.labels) for phrase in found)
    for phrase in found:
        yield replace(phrase, held=phrase.held and sizes[phrase.language, phrase.labels] >= _ENOUGH)


def _corpus(name: str) -> str:
    return files("faceagent_finetune.planner").joinpath("corpus", name).read_text(encoding="utf-8")
