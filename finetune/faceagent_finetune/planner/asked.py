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


@cache
def misread() -> frozenset[str]:
    """Those that an earlier network misread after it was trained on them, while a second reader, who did not know whose
    labels were whose, agreed with the author."""
    text = files("faceagent_finetune.planner").joinpath("misread.txt").read_text(encoding="utf-8")
    return frozenset(text.splitlines())


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
