"""Phrases that a table knows, where they stand in a clause, and whether they are negated there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from faceagent.ground import wording
from faceagent.ground.sentence import REFERENCE, Said
from faceagent.ground.wording import Saying, Topic, Words, idiom
from faceagent.types import Evidence

_FINITE = (
    "is|are|was|were|has|does|do|did|can|could|will|would|may|wears|smiles|looks|shows|seems|appears|bears|carries"
)
_PLURAL = "have|wear|smile|look|show|seem|appear|bear|carry|smiling|wearing|having|looking|showing"
_OWN = r"(?:(?:also|still|then|clearly) )*(?:(?:the|their|his|her|its|he|she|it|they) (?:\w+ ){0,3}?)?"
_NEXT = r"\b(?:and|or|but)\s+"
_ANEW = re.compile(rf"{_NEXT}(?=(?:no|not|without)\b|{_OWN}(?:{_FINITE})\b)|\b(?=nor\b)", re.IGNORECASE)
_SECOND = re.compile(rf"{_NEXT}(?={_OWN}(?:{_PLURAL})\b)", re.IGNORECASE)
_STOPS = ",;:("
_LISTED = re.compile(r"\bno\b[^.;]*\band $", re.IGNORECASE)
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


def negations(text: str, end: int) -> int:
    """How many negations bear on what follows at `end`."""
    before = _begun_anew(text, end)
    if "neither" not in before.lower():
        before = before[max(before.rfind(stop) for stop in _STOPS) + 1 :]
    count = len(idiom("negation").findall(before))
    # "No thumbnail" is a phrase of its own, and so is what is said not to be so.
    return 0 if count == 1 and re.match(r"no\b", text[end:], re.IGNORECASE) and _LISTED.search(before) else count


def _begun_anew(text: str, end: int) -> str:
    """What stands before `end` without what has a verb or a negation of its own.

    "No glasses and no beard", "no hat and smiles", "the eyes are not wide open and the mouth is closed".
    """
    anew = [match.end() for match in _ANEW.finditer(text) if match.end() <= end]
    second = [match for match in _SECOND.finditer(text) if match.end() <= end]
    anew += [match.end() for match in second if _denies_a_thing(text[: match.start()])]
    return text[max(anew, default=0) : end]


def _denies_a_thing(text: str) -> bool:
    """ "They wear no hats and smile" has a second verb; in "they do not frown and smile" "not" bears on both."""
    denied = idiom("negation").findall(text)
    return bool(denied) and denied[-1].lower() in ("no", "without")


def hangs(text: str, found: Found, words: Words) -> bool:
    """Whether a negation breaks off before it has negated anything: "not, in this photo, blurred"."""
    before = _begun_anew(text, found.start)
    offset = found.start - len(before)
    for match in _hanging().finditer(idiom("leaves_open").sub(lambda part: "·" * len(part[0]), before)):
        start, end = offset + match.start(), offset + match.end()
        if not any(start < one.start + len(one.text) and one.start < end for one in sayings_in(text, words)):
            return True
    return False


@cache
def _hanging() -> re.Pattern[str]:
    return re.compile(rf"{idiom('negation').pattern}(?:\s+[^\s{_STOPS}]+){{0,2}}\s*[,(]", re.IGNORECASE)


_BESIDE = re.compile(r",|\b(?:because|since)\b", re.IGNORECASE)
_IN_A_LIST = re.compile(r"(?:[ ,·]|\b(?:of|an?|the|and|or|is|are|was|were|stays?|remains?)\b)*", re.IGNORECASE)


def left_open(text: str, found: Found, words: Words) -> bool:
    """Whether what leaves something open speaks of the phrase, alone or in a list, and not of something beside it."""
    end = found.start + len(found.text)
    for match in idiom("leaves_open").finditer(text):
        first, last = (match.end(), found.start) if match.start() < found.start else (end, match.start())
        if not _BESIDE.search(text[first:last]) or _IN_A_LIST.fullmatch(_without_sayings(text, words)[first:last]):
            return True
    return False


def _without_sayings(text: str, words: Words) -> str:
    for one in sayings_in(text, words):
        text = text[: one.start] + "·" * len(one.text) + text[one.start + len(one.text) :]
    return text


def true(row: Evidence, saying: Saying) -> bool:
    """Whether a phrase is true of evidence, or of what comes second where an expression is ambiguous."""
    if row.status != "ok":
        return saying.of_details and saying.true_of(row)
    return saying.true_of(row) or ("second" in row.details and saying.true_of(row, row.details["second"]))


def affirmed(text: str, words: Words) -> Iterator[tuple[Found, bool]]:
    """The phrases in a clause, each with whether it is affirmed."""
    for found in sayings_in(text, words):
        yield found, negations(text, found.start) == 0
