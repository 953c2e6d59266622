"""Phrases that a table knows, where they stand in a clause, and whether they are left open there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from faceagent.ground import wording
from faceagent.ground.sentence import REFERENCE, Said
from faceagent.ground.wording import Saying, Topic, Words, idiom
from faceagent.types import Evidence

_SUPPORTS = re.compile(r"\bsupports?\b", re.IGNORECASE)
_LIKELIER = re.compile(r"\b(?:more|less) (?:likely|suspicious)\b.*?\bthan\b", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """A phrase in a clause, with the topics that know it."""

    start: int
    text: str
    sayings: tuple[tuple[Topic, Saying], ...]

    def on(self, said: Said, subject: str) -> list[tuple[Evidence, Saying]]:
        """The cited evidence on a subject that tells whether the phrase is true of it."""
        return [(row, saying) for topic, saying in self.sayings for row in said.of(subject, topic.attribute)]


def standing(said: Said) -> bool:
    """Whether the sentence speaks of methods or people in general and of no face in view."""
    return bool(wording.standing().fullmatch(said.text)) and not REFERENCE.search(said.text)


@lru_cache(maxsize=256)
def sayings_in(text: str, words: Words) -> tuple[Found, ...]:
    """The phrases of all topics in a clause; one inside a longer one does not count by itself."""
    weighed = (idiom("contrast"),) if _SUPPORTS.search(text) else ()
    for pattern in (*weighed, idiom("events"), _LIKELIER, words.compared):
        text = pattern.sub(lambda match: "·" * len(match[0]), text)
    spans: dict[tuple[int, int], list[tuple[Topic, Saying]]] = {}
    for topic in words.topics.values():
        for saying in topic.sayings:
            for match in saying.pattern.finditer(text):
                spans.setdefault(match.span(), []).append((topic, saying))
    return tuple(
        Found(start, text[start:end], tuple(known))
        for (start, end), known in sorted(spans.items())
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in spans)
    )


_BESIDE = re.compile(r",|\b(?:because|since)\b", re.IGNORECASE)
_IN_A_LIST = re.compile(r"(?:[ ,·]|\b(?:of|an?|the|and|or|is|are|was|were|stays?|remains?)\b)*", re.IGNORECASE)


def left_open(text: str, found: Found, words: Words) -> bool:
    """Whether what leaves something open speaks of the phrase, alone or in a list, and not of something beside it."""
    end = found.start + len(found.text)
    for match in idiom("leaves_open").finditer(text):
        first, last = (match.end(), found.start) if match.start() < found.start else (end, match.start())
        if not _BESIDE.search(text[first:last]) or _IN_A_LIST.fullmatch(without_sayings(text, words)[first:last]):
            return True
    return False


def without_sayings(text: str, words: Words) -> str:
    """A text of the same length in which a dot stands for each letter of a phrase."""
    for one in sayings_in(text, words):
        text = text[: one.start] + "·" * len(one.text) + text[one.start + len(one.text) :]
    return text


def true(row: Evidence, saying: Saying) -> bool:
    """Whether a phrase is true of evidence, or of what comes second where an expression is ambiguous."""
    if row.status != "ok":
        return saying.of_details and saying.true_of(row)
    return saying.true_of(row) or ("second" in row.details and saying.true_of(row, row.details["second"]))
