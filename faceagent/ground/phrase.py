"""Phrases that a table knows, where they stand in a clause, and whether they are negated there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from faceagent.ground import wording
from faceagent.ground.sentence import REFERENCE, Said
from faceagent.ground.wording import Saying, Topic, Words, idiom
from faceagent.types import Evidence

_REACH = 8
"""Words between a negation and what it negates, at most."""
_ANEW = re.compile(r"\b(?:and|or|but)\s+(?=(?:no|not|without)\b)|\b(?=nor\b)", re.IGNORECASE)
_SUBJECT = re.compile(r"\band (?:the|their|his|her) $", re.IGNORECASE)
_VERB = re.compile(r"\w+ (?:is|are)\b", re.IGNORECASE)
_LISTED = re.compile(r"\bno\b[^.;]*\band $", re.IGNORECASE)
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
    for pattern in (idiom("contrast"), idiom("events"), _LIKELIER, words.compared):
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


def negations(text: str, end: int) -> int:
    """How many negations bear on what follows at `end`."""
    before = text[:end]
    # "The eyes are not wide open and the mouth is closed": it has a verb of its own, which nothing negates.
    if _SUBJECT.search(before) and _VERB.match(text, end):
        return 0
    if "neither" not in before.lower():
        before = before[max(before.rfind(stop) for stop in ",;:(") + 1 :]
    # "No glasses and no beard": each has a negation of its own.
    before = _ANEW.split(before)[-1]
    before = REFERENCE.sub("·", before).replace("· + ", "")
    reach = re.search(rf"(?:\S+\s+){{0,{_REACH}}}$", before)
    count = len(idiom("negation").findall(reach.group(0) if reach else before))
    # "No thumbnail" is a phrase of its own, and so is what is said not to be so.
    return 0 if count == 1 and re.match(r"no\b", text[end:], re.IGNORECASE) and _LISTED.search(before) else count


def true(row: Evidence, saying: Saying) -> bool:
    """Whether a phrase is true of evidence, or of what comes second where an expression is ambiguous."""
    if row.status != "ok":
        return saying.of_details and saying.true_of(row)
    return saying.true_of(row) or ("second" in row.details and saying.true_of(row, row.details["second"]))


def affirmed(text: str, words: Words) -> Iterator[tuple[Found, bool]]:
    """The phrases in a clause, each with whether it is affirmed."""
    for found in sayings_in(text, words):
        yield found, negations(text, found.start) == 0
