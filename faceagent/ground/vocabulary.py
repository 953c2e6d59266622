"""Every word of a sentence must be one that the check understands: else it could say anything."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Set

from faceagent.ground.amount import SPELLED
from faceagent.ground.phrase import standing
from faceagent.ground.sentence import REFERENCE, Said
from faceagent.ground.wording import WORD, Words, general
from faceagent.tool import QUOTES_FILES
from faceagent.types import Evidence

_POSSESSED = re.compile(rf"{REFERENCE.pattern}['’]s?\b", re.IGNORECASE)
_ENDINGS = ("'s", "s'", "'", "es", "s", "ly", "ed", "d", "ing")


_JUDGED = re.compile(
    r"\b(?:good|great|better|best|worse|worst|weak|strong|firm|right|low|high|clear|able|reliable|unreliable|ordinary|typical|usual)"
    r" (?:persons?|people|individuals?|subjects?|m[ae]n|wom[ae]n)\b",
    re.IGNORECASE,
)


def unknown_word(said: Said) -> str | None:
    """Words that are neither harmless in general nor brought by the evidence or by what is known of its attribute."""
    if standing(said):
        return None
    text = said.plain
    for character in "" if text.isprintable() else text:
        if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs") and character not in "\n\t":
            return f"the sentence holds an invisible character (U+{ord(character):04X})"
    for pattern in (_POSSESSED, REFERENCE, SPELLED, *_phrases(said)):
        text = pattern.sub(" ", text)
    if match := _JUDGED.search(text):
        return f"{match[0]!r} judges a person, which no evidence does"
    unknown = [word for word in WORD.findall(text) if not known_word(word.lower(), general())]
    if unknown:
        known = general().union(*(_words(row, said.words) for row in said.cited))
        unknown = [word for word in unknown if not known_word(word.lower(), known)]
    if unknown:
        listed = ", ".join(repr(word) for word in dict.fromkeys(unknown))
        return (
            f"no cited evidence measures what {listed} says, or it is no plain English: use other words or leave it out"
        )
    return None


def _phrases(said: Said) -> Iterator[re.Pattern[str]]:
    """What was held against the values of the cited evidence (polarity.py, compare.py)."""
    topics = said.words.topics
    for attribute in {row.attribute for row in said.cited} & topics.keys():
        yield from (saying.pattern for saying in topics[attribute].sayings)
        for degree in topics[attribute].degrees:
            yield from (degree.comparative, degree.superlative)


def known_word(word: str, known: Set[str]) -> bool:
    """Whether a word, or what it is an inflection or a compound of, is known."""
    word = word.replace("’", "'")
    if word in known or any(word.endswith(end) and word[: -len(end)] in known for end in _ENDINGS):
        return True
    return "-" in word and all(known_word(part, known) for part in word.split("-"))


def _words(row: Evidence, known: Words) -> Set[str]:
    """Words that evidence brings with it."""
    topic = known.topics.get(row.attribute)
    texts = [row.attribute, row.unit or "", row.method.name, *row.limitations]
    if row.threshold:
        texts.append(row.threshold.meaning)
    if row.probability:
        texts.append(row.probability.event)
    texts += [group.group for group in row.group_errors]
    if row.tool not in QUOTES_FILES:
        texts += _texts([row.value, row.details])
    words = {word.lower() for word in WORD.findall(" ".join(texts))}
    return words | topic.words if topic else words


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
