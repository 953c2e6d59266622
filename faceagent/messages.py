"""What the interface says, in the reader's language: gettext catalogues in `locale/`, English where there is none.

Answers and reports are worded by the tools, in English, because each of their sentences is held word by word against
the evidence (`faceagent.ground`); `faceagent.translate` renders them afterwards, with a catalogue of its own.
"""

from __future__ import annotations

import gettext
import re
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


_COMMON = {
    "en": "the is are this that it of to a an what how who which was were has have does do did can you my me i "
    "he she his her they and or any there for with be been same in on at from would could please if whose "
    "anyone someone",
    "es": "el la los las es son esta este esto está estás en de que qué quién quien cómo como cuál cuántos "
    "cuántas cuándo dónde una un y o se lo le del al por para con tiene hay su sus puedes puede dime foto "
    "mismo misma me mi más",
    "fr": "le la les est sont cette ce cet ces c'est qui que quel quelle quels quelles une un et ou on il elle "
    "des du de sur dans pour avec a-t-il est-ce qu'est combien où quand comment peux tu vous mon ma sa "
    "son ses même au ne pas je en se lui",
    "de": "der die das ist sind ein eine einen wer wie was wann wo welche welcher welches hat hast haben kann "
    "kannst ich du er sie es und oder auf dem den des im in mit von zu für nicht auch noch mal bitte mir "
    "mein meine foto bild dieser diese dieses gibt wurde wird beide beiden man da",
}
_WORDS = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def language_of(question: str) -> str | None:
    """The language of LANGUAGES that a question is written in, by its commonest words; None where they do not say.

    Chinese is known by its characters, where they are not outnumbered by words of another script.
    """
    words = _WORDS.findall(question.lower().replace("’", "'"))
    if sum("\u4e00" <= mark <= "\u9fff" for mark in question) > len([word for word in words if word.isascii()]):
        return "zh"
    parts = [part for word in words for part in {word, *word.replace("'", "' ").replace("-", " ").split()}]
    found = {code: sum(part in common.split() for part in parts) for code, common in _COMMON.items()}
    found["es"] += 2 * ("¿" in question or "¡" in question)
    best, second = sorted(found, key=lambda code: -found[code])[:2]
    return best if found[best] > found[second] else None
