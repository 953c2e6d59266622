"""Comparisons and superlatives, computed anew from the values of the evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from faceagent.ground.figures import THAN_NUMBER
from faceagent.ground.negation import negations
from faceagent.ground.phrase import sayings_in, standing
from faceagent.ground.quantity import quantified
from faceagent.ground.sentence import REFERENCE, Clause, Said
from faceagent.ground.wording import Degree, Topic, idiom
from faceagent.types import Evidence

MUCH = 1.5
"""How many times as large a number must be for "much" or "clearly", where no interval says how sure it is."""
_TIMES = {
    "half": 0.5,
    "twice": 2.0,
    "double": 2.0,
    "three times": 3.0,
    "four times": 4.0,
    "five times": 5.0,
    "ten times": 10.0,
}
_FACTOR = rf"(?P<times>{'|'.join(_TIMES)})"
_RANKS = {"second": 1, "third": 2, "fourth": 3}
_RANK = re.compile(rf"\b({'|'.join(_RANKS)})[ -]$", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """A word of comparison in a clause, and the topics that measure what it compares."""

    start: int
    end: int
    text: str
    degrees: tuple[tuple[Topic, Degree], ...]


def wrong_comparison(said: Said) -> str | None:
    """A comparison or superlative that the values do not bear out, or that they do not reach."""
    if standing(said):
        return None
    for clause in said.clauses:
        text = clause.text
        for found in sayings_in(text, said.words):
            if idiom("comparing").search(found.text) and any(
                row for topic, _ in found.sayings for row in said.cited if row.attribute == topic.attribute
            ):
                text = _masked(text, found.start, found.start + len(found.text))
        text = idiom("not_comparisons").sub(lambda match: "·" * len(match[0]), text)
        compares = bool(said.words.compared.search(text))
        for check in (_equatives, _comparatives, _superlatives) if compares else (_equatives,):
            reason, text = check(said, clause, text)
            if reason:
                return reason
        if match := idiom("comparing").search(text):
            return f"{match[0]!r} compares something that cannot be computed from the cited evidence"
    return None


def _masked(text: str, start: int, end: int) -> str:
    return text[:start] + "·" * (end - start) + text[end:]


def _find(said: Said, text: str, part: str) -> list[Found]:
    spans: dict[tuple[int, int], list[tuple[Topic, Degree]]] = {}
    for topic in said.words.topics.values():
        for degree in topic.degrees:
            for match in getattr(degree, part).finditer(text):
                spans.setdefault(match.span(), []).append((topic, degree))
    return [
        Found(start, end, text[start:end], tuple(known))
        for (start, end), known in sorted(spans.items())
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in spans)
    ]


# "Older than"


def _comparatives(said: Said, clause: Clause, text: str) -> tuple[str | None, str]:
    for found in _find(said, text, "comparative"):
        tail = text[found.end :]
        if match := THAN_NUMBER.match(tail):
            reason = _beyond(said, clause, found, float(match[1]), text)
            text = _masked(text, found.start, found.end + match.end())
        elif re.match(r"[^.;]*?\bthan\b", tail):
            reason = _ordered(said, clause, found, text)
            text = _masked(text, found.start, len(text))
        elif re.search(r"\bthe $", text[: found.start]):
            reason = _extreme(said, clause, found, text, said.scope(clause.text), two=True)
            text = _masked(text, found.start, found.end)
        elif _unmeasured(said, found):
            reason, text = None, _masked(text, found.start, len(text))
        else:
            reason = f"{found.text!r} does not say than which face: name it and cite its evidence"
        if reason:
            return reason, text
    return None, text


def _unmeasured(said: Said, found: Found) -> bool:
    """ "Cannot be called older or younger": there is nothing that could be compared."""
    rows = [row for topic, _ in found.degrees for row in said.cited if row.attribute == topic.attribute]
    return bool(rows) and all(row.status != "ok" for row in rows)


def _beyond(said: Said, clause: Clause, found: Found, line: float, text: str) -> str | None:
    for face in clause.subjects:
        number, row, degree = _number(said, face, found)
        if number is None:
            return _no_number(found, face)
        holds = degree.sign * (number - line) > 0
        if holds is (negations(text, found.start, said.words) == 1):
            return f"{row} says {number:g}, which is not {found.text} than {line:g}"
    return None


def _ordered(said: Said, clause: Clause, found: Found, text: str) -> str | None:
    before, after = text[: found.start], text[found.end :].partition("than")[2]
    left = _faces(before) or tuple(face for face in clause.subjects if face not in _faces(after))
    right = _faces(after)
    if not right and idiom("other_than").search(after):
        right = tuple(face for face in said.scope("") if face not in left)
    if not right or not left:
        return f"{found.text!r} compares with something that no cited evidence measures: name the face"
    pair = [(a, b) for a in left for b in right]
    count = negations(text, found.start, said.words)
    if count > 1:
        return f"{found.text!r} is negated twice: say plainly which is {found.text}"
    factor = re.search(rf"\b{_FACTOR}\b", before, re.IGNORECASE)
    for one, other in pair:
        if reason := _pair(
            said, found, one, other, negated=count == 1, firm=bool(idiom("firm").search(before)), factor=_factor(factor)
        ):
            return reason
    return None


def _factor(match: re.Match[str] | None) -> float | None:
    return _TIMES[match["times"].lower()] if match else None


def _pair(
    said: Said, found: Found, one: str, other: str, *, negated: bool, firm: bool, factor: float | None
) -> str | None:
    a, row_a, degree = _number(said, one, found)
    b, row_b, _ = _number(said, other, found)
    if a is None or b is None:
        return _no_number(found, one if a is None else other)
    more = degree.sign * (a - b) > 0
    if more is negated:
        word = f"{'not ' if negated else ''}{found.text}"
        return f"{row_a} says {a:g} for {one} and {row_b} {b:g} for {other}, so {one} is not said to be {word}"
    if factor is not None:
        return f"{found.text!r} with a multiple is unclear: write both numbers"
    if firm and not _apart(said, found, one, other):
        return f"how sure it is that {one} is {found.text} than {other} does not bear out a word like 'clearly'"
    return None


def _apart(said: Said, found: Found, one: str, other: str) -> bool:
    rows = [row for face in (one, other) for topic, _ in found.degrees for row in said.of(face, topic.attribute)]
    first, second = (next((row.interval for row in rows if row.subject == face), None) for face in (one, other))
    if first and second:
        return first.high < second.low or second.high < first.low
    a, b = (abs(_number(said, face, found)[0] or 0.0) for face in (one, other))
    return max(a, b) >= MUCH * min(a, b)


# "As old as", "twice as old as", "the same age"


@cache
def _as_as(base: str) -> re.Pattern[str]:
    return re.compile(rf"(?:\b{_FACTOR} )?\b(?:as|so) {base} as\b", re.IGNORECASE)


def _equatives(said: Said, clause: Clause, text: str) -> tuple[str | None, str]:
    for topic in said.words.topics.values() if " as " in text.lower() else ():
        for degree in topic.degrees:
            if degree.base.pattern == r"(?!)":
                continue
            for match in _as_as(degree.base.pattern).finditer(text):
                if not any(row.attribute == topic.attribute for row in said.cited):
                    continue
                found = Found(match.start(), match.end(), match[0], ((topic, degree),))
                if reason := _as_much(said, clause, found, text, _factor(match if match["times"] else None)):
                    return reason, text
                text = _masked(text, match.start(), len(text))
    equal = idiom("equal").search(text)
    if equal:
        reason = _all_equal(said, clause, equal[0], rough=bool(idiom("about").search(text[: equal.start()])))
        return reason, _masked(text, equal.start(), equal.end())
    return None, text


def _as_much(said: Said, clause: Clause, found: Found, text: str, factor: float | None) -> str | None:
    before, after = text[: found.start], text[found.end :]
    right = _faces(after) or (
        tuple(f for f in said.scope("") if f not in clause.subjects) if idiom("other_than").search(after) else ()
    )
    left = _faces(before) or tuple(face for face in clause.subjects if face not in right)
    if not left or not right:
        return f"{found.text!r} compares with something that no cited evidence measures: name the face"
    negated = bool(idiom("negation").search(before[-20:]))
    slack = 0.15 if idiom("about").search(before) else 0.05
    for one in left:
        for other in right:
            a, row_a, degree = _number(said, one, found)
            b, row_b, _ = _number(said, other, found)
            if a is None or b is None:
                return _no_number(found, one if a is None else other)
            wanted = b * (factor or 1.0)
            holds = degree.sign * (a - b) < 0 if negated and factor is None else abs(a - wanted) <= slack * abs(wanted)
            if not holds or (negated and factor is not None):
                return f"{row_a} says {a:g} for {one} and {row_b} {b:g} for {other}, which is not {found.text!r}"
    return None


def _all_equal(said: Said, clause: Clause, phrase: str, *, rough: bool) -> str | None:
    meant = quantified(said, clause)
    subjects = clause.subjects if isinstance(meant, str) else meant.subjects
    topic = said.words.topics.get(said.claim.attribute)
    numbers = {
        face: number
        for face in subjects
        for row in (said.of(face, topic.attribute)[:1] if topic else [])
        if topic and (number := topic.number(row, face)) is not None
    }
    if len(numbers) < 2 or len(numbers) < len(subjects):
        return f"{phrase!r} needs a number for each of at least two faces"
    low, high = min(numbers.values()), max(numbers.values())
    if high - low > (0.1 if rough else 0.02) * max(abs(low), abs(high)):
        return f"the numbers go from {low:g} to {high:g}, which is not {phrase!r}"
    return None


# "The oldest"


def _superlatives(said: Said, clause: Clause, text: str) -> tuple[str | None, str]:
    for found in _find(said, text, "superlative"):
        if reason := _extreme(
            said, clause, found, text, said.scope(clause.text), two=bool(idiom("of_two").search(clause.text))
        ):
            return reason, text
        text = _masked(text, found.start, found.end)
    return None, text


def _extreme(said: Said, clause: Clause, found: Found, text: str, scope: Sequence[str], *, two: bool) -> str | None:
    """One face, or several that are equal, against all in scope, each of which needs evidence."""
    holders = {face for face in clause.subjects if face.startswith("face ")}
    if not holders:
        return f"{found.text!r} needs a face that it is said of"
    if idiom("those_measured").search(text):
        scope = [face for face in scope if any(_has(row, face, found) for row in said.ledger)]
    if two and len(scope) != 2:
        return f"{found.text!r} speaks of two faces, and {len(scope)} are in view"
    if len(scope) < 2:
        return f"{found.text!r} needs other faces to compare with"
    numbers: dict[str, float] = {}
    for face in scope:
        number, _, degree = _number(said, face, found)
        if number is None:
            return f"{found.text!r} needs evidence on every face in view, and none that measures it on {face} is cited"
        numbers[face] = degree.sign * number
    rank = _RANK.search(text[: found.start])
    order = sorted(numbers.values(), reverse=True)
    place = min(_RANKS[rank[1].lower()] if rank else 0, len(order) - 1)
    # Those who share the place share the word: "face 1.1 and face 1.3 look the oldest".
    holds = holders == {face for face, number in numbers.items() if number == order[place]}
    if holds is (negations(text, found.start, said.words) == 1):
        listed = ", ".join(f"{face} {abs(number):g}" for face, number in numbers.items())
        return f"the cited evidence says {listed}, which does not bear out {found.text!r} for {' and '.join(holders)}"
    return None


def _has(row: Evidence, face: str, found: Found) -> bool:
    return any(
        row.attribute == topic.attribute and face in row.subject.split(" + ") and topic.number(row, face) is not None
        for topic, _ in found.degrees
    )


def _number(said: Said, face: str, found: Found) -> tuple[float | None, str, Degree]:
    """The number of a face that a word compares, the id of its evidence, and which way the word points."""
    for topic, degree in found.degrees:
        for row in said.of(face, topic.attribute):
            if row.status == "ok" and (number := topic.number(row, face)) is not None:
                return number, row.id, degree
    return None, "", found.degrees[0][1]


def _no_number(found: Found, face: str) -> str:
    attributes = " or ".join(dict.fromkeys(topic.attribute.replace("_", " ") for topic, _ in found.degrees))
    return f"{found.text!r} needs the {attributes} of {face}, and no cited evidence measures it"


def _faces(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.lower() for one in REFERENCE.findall(text) if one.lower().startswith("face")))
