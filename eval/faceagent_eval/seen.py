"""What an answer in words says: the reader of the benchmark `seeing`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from faceagent_finetune.corpus.conversation import ABSTAINED
from faceagent_finetune.corpus.labelled import BANDS, band
from faceagent_tools.emotion_words import WORDS

_ABSTAINS = re.compile(
    r"\b(?:can ?not|can't|could not) (?:be )?(?:tell|told|say|said|answer)\b"
    r"|\b(?:that|it) (?:is not to be seen|cannot be made out)"
    r"|nothing can be said|can say nothing|no answer to that|would be guessing|inconclusive|undecided|stays open"
    r"|hard to say|leaves it open|not clear|would not (?:choose|settle)",
    re.IGNORECASE,
)
_NO = re.compile(r"\bno\b|\bcannot\b|\bcan't\b|\bnot\b", re.IGNORECASE)
_OTHER = re.compile(r"^no\b|\bnot (?:look like )?the same\b|\btwo (?:different )?people\b|\bdifferent\b", re.IGNORECASE)
_YES = re.compile(r"^\W*yes\b|,\s*yes\b|\byes[,:]", re.IGNORECASE)
_REGIONS = {
    **dict.fromkeys(("eye", "brow"), "eyes"),
    **dict.fromkeys(("mouth", "lips", "jaw", "chin"), "mouth"),
    "nose": "nose",
}
_PLACES = {"first": r"\bfirst\b|image 1\b", "second": r"\bsecond\b|image 2\b"}


def abstains(text: str) -> bool:
    """Whether it says that the photo does not tell."""
    return bool(_ABSTAINS.search(text))


def yes_or_no(text: str) -> str:
    """ "yes", "no" or `ABSTAINED`; without either word, "yes" is what asserts and "no" what denies."""
    if _YES.search(text):
        return "yes"
    if abstains(text):
        return ABSTAINED
    return "no" if _NO.search(text) else "yes"


def same_person(text: str) -> str:
    """ "yes", "no" or `ABSTAINED`."""
    return ABSTAINED if abstains(text) else "no" if _OTHER.search(text) else "yes"


def gender(text: str) -> str | None:
    """ "male" or "female", whichever is named first."""
    found = re.search(r"\b(?:(male|man)|(female|woman))\b", text, re.IGNORECASE)
    return None if not found else "male" if found[1] else "female"


def age_band(text: str) -> str | None:
    """The band of `BANDS` that holds the middle of the first span of years, or the first number."""
    if "toddler" in text:
        return BANDS[0]
    span = re.search(r"(\d+)(?:\s*(?:to|and|-|–)\s*(\d+)|\s+(?:or|and) (?:older|more|over))?", text)
    if not span:
        return None
    first = int(span[1])
    return band((first + int(span[2])) // 2 if span[2] else first)


def expression(text: str) -> str | None:
    """The first of the expressions' words."""
    return named(text, tuple(WORDS.values()))


def place(text: str) -> str | None:
    """ "first" or "second", whichever photo is named first."""
    found = {name: match.start() for name, words in _PLACES.items() if (match := re.search(words, text, re.IGNORECASE))}
    return min(found, key=lambda name: found[name]) if found else None


def region(text: str) -> str | None:
    """The part of the face that is named first: "eyes" (brows too), "nose", "mouth" (chin and jaw too), or "face"."""
    word = named(text, ("eye", "brow", "nose", "mouth", "lips", "jaw", "chin", "whole", "several"))
    return None if word is None else _REGIONS.get(word, "face")


def named(text: str, words: Sequence[str]) -> str | None:
    """The one of the words that comes first, or None."""
    found = {word: at for word in words if (at := text.lower().find(word)) >= 0}
    return min(found, key=lambda word: found[word]) if found else None
