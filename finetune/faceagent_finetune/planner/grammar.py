"""The written phrases, as read from corpus/, and how one phrase becomes one of its many wordings.

A file has sections, `## age` or `## smile + inner life`: the labels of the phrases below ("nothing": none). In a phrase
`{a|b}` is a choice, which may hold another, and `<he>` stands for one of the words in slots.toml. A phrase is a question
or an order as it stands; after `n:` a noun ("n: his age"), after `e:` a clause ("e: how old he is"), which the
styles of frames.toml put into sentences. One phrase in ten, chosen by its text, is held out of training.
"""

from __future__ import annotations

import random
import re
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

NOTHING = "nothing"
LANGUAGES = ("en", "es", "fr", "de", "zh")
_FILES = {
    "en-people": "en",
    "en-photo": "en",
    "en-other": "en",
    "en-more": "en",
    "es": "es",
    "fr": "fr",
    "de": "de",
    "zh": "zh",
}
_HELD_ONE_IN = 10

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Phrase:
    """form: "q", "n" or "e". held: never trained on."""

    text: str
    labels: frozenset[str]
    language: str
    form: str
    held: bool

    def worded(self, rng: random.Random) -> str:
        """One of its wordings."""
        text = self.text
        while choice := _CHOICE.search(text):
            text = text[: choice.start()] + rng.choice(choice[1].split("|")) + text[choice.end() :]
        words = table("slots").get(self.language, {})
        text = _SLOT.sub(lambda slot: rng.choice(words[slot[1]]), text)
        return " ".join(text.replace(" -t-", "-t-").split())


@cache
def phrases() -> tuple[Phrase, ...]:
    """All phrases, in the order of the files."""
    return tuple(phrase for name, language in _FILES.items() for phrase in _read(name, language))


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
            text = line if form == "q" else line[3:]
            yield Phrase(text, labels, language, form, zlib.crc32(line.encode()) % _HELD_ONE_IN == 0)


def _corpus(name: str) -> str:
    return files("faceagent_finetune.planner").joinpath("corpus", name).read_text(encoding="utf-8")
