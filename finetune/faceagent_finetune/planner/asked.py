"""Questions as they were asked, from corpus/asked/: a line each, `labels | question`, the language in the file's name.

One question in fifteen, chosen by its text, is held out of training, unless it is trained on in other letters. Of one
that was put into another language, the English original may be trained on.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from faceagent_finetune.planner.grammar import LANGUAGES, NOTHING, bare

_HELD_ONE_IN = 15


@dataclass(frozen=True)
class Asked:
    """voice: of the heading above it. held: never trained on."""

    text: str
    labels: frozenset[str]
    language: str
    voice: str
    held: bool


@cache
def asked() -> tuple[Asked, ...]:
    """All of them, in the order of the files' names."""
    folder = files("faceagent_finetune.planner").joinpath("corpus", "asked")
    every = sorted(folder.iterdir(), key=lambda file: file.name)
    found = [row for file in every for row in read(file.read_text(encoding="utf-8"), language_of(file.name))]
    trained = {bare(row.text) for row in found if not row.held}
    return tuple(replace(row, held=row.held and bare(row.text) not in trained) for row in found)


@dataclass(frozen=True)
class SecondReading:
    """misread: whether a network read it otherwise than its author, after it was trained on it if it is not held out.
    right: whose labels a second reader held right, without knowing which were whose: "author", "network", "neither",
    or "open", where several may be."""

    text: str
    misread: bool
    right: str


@cache
def second_reading() -> tuple[SecondReading, ...]:
    """All that a network misread, and some that it did not, as a second reader sees them."""
    text = files("faceagent_finetune.planner").joinpath("second_reading.txt").read_text(encoding="utf-8")
    lines = (line.partition(" | ") for line in text.splitlines() if not line.startswith("#"))
    rows = ((*told.split(", "), question) for told, _, question in lines)
    return tuple(SecondReading(question, first == "misread", right) for first, right, question in rows)


@cache
def misread() -> frozenset[str]:
    """Those that a network misread though it was trained on them, while the second reader agreed with the author."""
    held = {one.text for one in asked() if one.held}
    return frozenset(one.text for one in second_reading() if one.misread and one.right == "author") - held


def language_of(name: str) -> str:
    """Of a file: "en-work.txt" is English.

    Raises:
        ValueError: it is none that the planner speaks.
    """
    language = name.removesuffix(".txt").partition("-")[0]
    if language not in LANGUAGES:
        raise ValueError(f"{name} does not begin with one of {', '.join(LANGUAGES)}")
    return language


def read(text: str, language: str) -> Iterator[Asked]:
    """The questions of one file, under headings that name who asks."""
    voice = ""
    for line in text.splitlines():
        if line.startswith("## "):
            voice = line[3:]
        elif line and not line.startswith("#"):
            names, _, question = line.partition(" | ")
            labels = frozenset(name.strip() for name in names.split(",")) - {NOTHING}
            yield Asked(question, labels, language, voice, zlib.crc32(line.encode()) % _HELD_ONE_IN == 0)
