"""What the interface says, in the reader's language: gettext catalogues in `locale/`, English where there is none.

Answers and reports are worded by the tools, in English, because each of their sentences is held word by word against
the evidence (`faceagent.ground`); `faceagent.translate` renders them afterwards, with a catalogue of its own.
"""

from __future__ import annotations

import gettext
import re
import tomllib
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib.resources import as_file, files

DOMAIN = "faceagent"
LANGUAGES: dict[str, str] = {"en": "English", "es": "Español", "fr": "Français", "de": "Deutsch", "zh": "中文"}
"""Languages by code, each by its own name; the first is that of the source."""


def N_(english: str) -> str:
    """Marks a text, as one of a table, for the catalogue; `wording` translates it where it is shown."""
    return english


def wording(language: str) -> Callable[[str], str]:
    """Translates texts of the catalogue; others, and empty ones, stay as they are.

    Raises:
        KeyError, OSError: as `catalogue`.
    """
    messages = catalogue(language)
    return lambda english: messages.gettext(english) if english else ""


@cache
def catalogue(language: str, domain: str = DOMAIN) -> gettext.NullTranslations:
    """The messages of one language, whose `gettext` and `ngettext` translate.

    Args:
        language: a key of `LANGUAGES`.
        domain: the interface's, or that of `faceagent.translate`.

    Raises:
        KeyError: there is no such language.
        OSError: its catalogue is not installed.
    """
    LANGUAGES[language]
    if language == "en":
        return gettext.NullTranslations()
    with as_file(files("faceagent") / "locale") as folder:
        return gettext.translation(domain, folder, [language])


def preferred(accepted: str) -> str:
    """The language that an Accept-Language header ("de-CH,de;q=0.9,en;q=0.8") likes best of those there are."""
    wishes = []
    for wish in accepted.split(","):
        tag, _, parameters = wish.strip().partition(";")
        code = tag.strip().lower().split("-")[0]
        if code in LANGUAGES:
            wishes.append((_weight(parameters), code))
    # max takes the first of equals, as the header means it.
    weight, code = max(wishes, key=lambda wish: wish[0], default=(0.0, "en"))
    return code if weight > 0 else "en"


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


_WORDS = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


def language_of(question: str) -> str | None:
    """The language of LANGUAGES that a question is written in, by its commonest words; None where they do not say.

    Chinese is known by its characters, where they are not outnumbered by words of another script.
    """
    lower = question.casefold().replace("’", "'")
    words = _WORDS.findall(_without_accents(lower))
    if sum("\u4e00" <= mark <= "\u9fff" for mark in question) > sum(word.isascii() for word in words):
        return "zh"
    # "c'est", "a-t-il": as they are, and their parts.
    parts = [part for word in words for part in {word, *re.sub(r"'|-", lambda mark: f"{mark[0]} ", word).split()}]
    found = {
        code: sum(part in common for part in parts) + 2 * any(letter in lower for letter in letters)
        for code, (common, letters) in _common().items()
    }
    best, second = sorted(found, key=lambda code: -found[code])[:2]
    return best if found[best] > found[second] else None


@cache
def _common() -> dict[str, tuple[frozenset[str], str]]:
    """Words and letters that tell a language, by its code."""
    table = tomllib.loads((files("faceagent") / "locale" / "common.toml").read_text(encoding="utf-8"))
    return {code: (frozenset(row["words"].split()), row["letters"]) for code, row in table.items()}


def _without_accents(text: str) -> str:
    return "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
