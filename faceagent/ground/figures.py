"""Numbers and quotations: each must be in the cited evidence, and with the face that the sentence gives it to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic import JsonValue

from faceagent.ground.sentence import QUOTED, REFERENCE, Clause, Said
from faceagent.ground.wording import idiom
from faceagent.types import Evidence


def unknown_quotation(said: Said) -> str | None:
    quotes = QUOTED.findall(said.claim.sentence)
    strings = "\n".join(string for row in said.cited for string in _strings(row)) if quotes else ""
    for quote in quotes:
        if quote[1:-1] not in strings:
            return f"the quotation {quote} is in none of the cited evidence"
    return None


TIMES = re.compile(r"\b(?:twice|double|half|three times|four times|five times|ten times)\b(?= as\b)", re.IGNORECASE)
THAN_NUMBER = re.compile(r"\s+than (?:about )?(\d+(?:\.\d+)?)\b(?!\.\d| other)", re.IGNORECASE)

# Digits that are part of a name (SHA-256, ISO 30107-3, sRGB v4) are not quantities: only free-standing numbers are.
_NUMBER = re.compile(r"(?<![\w.,\-/:])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?%|\sper\s?cent|\spercent)?(?![\w/:]|\.\d|-\w)")
_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SPELLED = {word: number for number, word in enumerate(_UNITS) if number != 1}
_SPELLED |= {word: 10 * (place + 2) for place, word in enumerate(_TENS)}
_SPELLED |= {
    f"{ten}-{unit}": 10 * (place + 2) + number
    for place, ten in enumerate(_TENS)
    for number, unit in enumerate(_UNITS[1:10], start=1)
}
_SPELLED |= {"hundred": 100, "thousand": 1000, "dozen": 12, "million": 1_000_000}
# Not one by one: a hundred alternatives at every word take their time.
_COMPOUND = rf"(?:{'|'.join(_TENS)})(?:-(?:{'|'.join(_UNITS[1:10])}))?"
_SINGLE = "|".join(sorted((word for word in _SPELLED if word.partition("-")[0] not in _TENS), key=len, reverse=True))
SPELLED = re.compile(rf"\b({_COMPOUND}|{_SINGLE})s?\b(?!-)", re.IGNORECASE)
_RATE = re.compile(r"\bone in (\w+)\b", re.IGNORECASE)
_SHARED = re.compile(r"\b(?:respectively|between|to|than|against|at least|at most)\b|;", re.IGNORECASE)


def unknown_number(said: Said) -> str | None:
    """A number that is in none of the cited evidence, or only in that on another face."""
    for clause in said.clauses:
        text = _held_elsewhere(said, REFERENCE.sub("", clause.text))
        rates = _RATE.findall(text)
        text = _RATE.sub("", text)
        written = [(word, str(_SPELLED[word.lower()])) for word in SPELLED.findall(text)]
        written += [(number, number) for number in _NUMBER.findall(text)]
        says_any = rates or written or _FRACTION.search(text)
        known = [*_known(said, clause), *_differences(said, clause)] if says_any else []
        for word in rates:
            if word.lower() in _SPELLED and not _any_reads_as(known, f"{100 / _SPELLED[word.lower()]:g} %"):
                return f"the rate 'one in {word}' is in none of the cited evidence"
        if reason := _wrong_role(said, clause) or _wrong_fraction(text, known):
            return reason
        for shown, digits in written:
            if not _any_reads_as(known, digits):
                return _no_such_number(said, clause, shown, digits)
            if lacking := _not_of_all(said, clause, digits):
                return f"{shown} is not the {said.claim.attribute.replace('_', ' ')} of {lacking}"
    return None


_AMOUNT = rf"(?P<number>[-−]?\d[\d.,]*\d|\d|(?:{'|'.join(_SPELLED)}))(?P<unit>\s?%|\sper\s?cent)?"
_ROLES: tuple[tuple[re.Pattern[str], str | None, Callable[[Evidence], Iterator[float]]], ...] = (
    (
        re.compile(
            rf"\b(?:looks?|seems?|appears?|is|are|aged|years of)(?: to be)?(?: about| around| roughly)? {_AMOUNT}"
            r"(?! (?:%|of|in|out|pixels|pairs|photos|frames|seconds|years (?:older|younger|off)|to\b))(?=[\s.,;]|$)",
            re.IGNORECASE,
        ),
        "age",
        lambda row: _leaves(row.value, None),
    ),
    (
        re.compile(rf"\b(?:at least|at most|over|under|no more than|no less than) {_AMOUNT} years\b", re.IGNORECASE),
        "age",
        lambda row: iter(()),
    ),
    (
        re.compile(rf"\bscore(?: of| is| was|:)? {_AMOUNT}", re.IGNORECASE),
        None,
        lambda row: iter(
            [*([] if row.score is None else [row.score]), *_leaves(row.value, None), *_leaves(row.details, None)]
        ),
    ),
    (
        re.compile(rf"\bprobability\b[^;()\d]*?(?:\b(?:at least|at most|about) )?{_AMOUNT}", re.IGNORECASE),
        None,
        lambda row: iter((row.probability.value,) if row.probability else ()),
    ),
)
"""What a number stands for by the words before it: of which attribute (None: any), and the numbers that it may be."""


def _wrong_role(said: Said, clause: Clause) -> str | None:
    """A number that is in the evidence, but as something else: the end of the range given as the age."""
    text = _held_elsewhere(said, REFERENCE.sub("·", clause.text))
    for pattern, attribute, values in _ROLES:
        rows = [row for row in _concerned(said, clause) if attribute in (None, row.attribute)]
        if attribute is not None and said.claim.attribute != attribute:
            continue
        for match in pattern.finditer(text):
            digits = _digits(match["number"]) + (match["unit"] or "")
            if not _any_reads_as((value for row in rows for value in values(row)), digits):
                kind = attribute or "probability"
                return f"no cited evidence has {match['number']} as the {kind} of {' and '.join(clause.subjects)}"
    return None


def _digits(written: str) -> str:
    return str(_SPELLED[written.lower()]) if written.lower() in _SPELLED else written


_FRACTION = re.compile(
    r"\b(a|one|two|three) (third|quarter|fifth|tenth)s? of\b|\bhalf of (?:the|them)\b", re.IGNORECASE
)
_PARTS = {"third": 3, "quarter": 4, "fifth": 5, "tenth": 10}


def _wrong_fraction(text: str, known: Sequence[float]) -> str | None:
    for match in _FRACTION.finditer(text):
        many = {"two": 2, "three": 3}.get((match[1] or "").lower(), 1)
        wanted = many / _PARTS[match[2].lower()] if match[2] else 0.5
        if not any(abs(number - wanted) < 0.01 for number in known):
            return f"the share {match[0]!r} is in none of the cited evidence"
    return None


def _held_elsewhere(said: Said, text: str) -> str:
    """The text without the numbers that compare.py holds against the values.

    "Older than 40", "three times as old", "the sharper of the two".
    """
    text = TIMES.sub("", text)
    of_two = idiom("of_two")
    for attribute in {row.attribute for row in said.cited} & said.words.topics.keys():
        for degree in said.words.topics[attribute].degrees:
            for match in reversed(list(degree.comparative.finditer(text))):
                if line := THAN_NUMBER.match(text, match.end()) or of_two.match(text, match.end() + 1):
                    text = text[: line.start()] + text[line.end() :]
    return text


def _no_such_number(said: Said, clause: Clause, shown: str, digits: str) -> str:
    shown = repr(shown) if shown[-1].isalpha() and not shown[0].isdigit() else shown
    if _any_reads_as((number for row in said.cited for number in numbers(row)), digits):
        return f"the number {shown} belongs to another subject than {' and '.join(clause.subjects)}"
    return f"the number {shown} is in none of the cited evidence"


def _known(said: Said, clause: Clause) -> Iterator[float]:
    for row in _concerned(said, clause):
        yield from numbers(row, clause.subjects if clause.named else None)


def _concerned(said: Said, clause: Clause) -> Sequence[Evidence]:
    """The cited evidence whose numbers a clause may write."""
    if not clause.named:
        subject = said.claim.subject
        alone = subject.startswith("face ") and " + " not in subject
        return [row for row in said.cited if not alone or subject in row.subject or not row.subject.startswith("face ")]
    exact = [row for row in said.cited if row.subject == " + ".join(clause.subjects)]
    if exact and len(clause.subjects) > 1:
        return exact
    wanted = set(clause.subjects)
    return [row for row in said.cited if not row.subject.startswith("face ") or wanted & set(row.subject.split(" + "))]


def _differences(said: Said, clause: Clause) -> Iterator[float]:
    """How far apart two faces are, where the clause compares them: "17 years older"."""
    if len(clause.subjects) != 2:
        return
    for topic in said.words.topics.values():
        if any(degree.comparative.search(clause.text) for degree in topic.degrees):
            found = [
                number
                for face in clause.subjects
                for row in said.of(face, topic.attribute)[:1]
                if (number := topic.number(row, face)) is not None
            ]
            if len(found) == 2:
                yield abs(found[0] - found[1])


def _not_of_all(said: Said, clause: Clause, digits: str) -> str | None:
    """A face in a list of faces that are given one number together, and whose own number is another."""
    if not clause.named or len(clause.subjects) < 2 or _SHARED.search(clause.text):
        return None
    values = {face: row.value for face in clause.subjects for row in said.of(face, said.claim.attribute)[:1]}
    plain = {face: value for face, value in values.items() if isinstance(value, int | float)}
    fits = {face: _any_reads_as((value,), digits) for face, value in plain.items()}
    if not any(fits.values()) or all(fits.values()):
        return None
    return next(face for face, right in fits.items() if not right)


def _any_reads_as(numbers: Iterable[float], written: str) -> bool:
    """Whether any of the numbers, rounded to the decimals that were written, is what was written.

    A sign that is written must be that of the number; one that is not may be in the words ("to the left").
    """
    times = 1 if written[-1].isdigit() else 100  # a share, written in per cent
    digits = re.sub(r"[^\d.−-]", "", written).replace("−", "-")
    decimals = len(digits.partition(".")[2])
    half = 0.5 * 10.0**-decimals * (1 + 1e-9)
    shown = float(digits)
    if digits.startswith("-"):
        return any(abs(times * number - shown) <= half for number in numbers)
    return any(abs(times * abs(number) - shown) <= half for number in numbers)


def numbers(row: Evidence, subjects: Sequence[str] | None = None) -> Iterator[float]:
    """Every number that a sentence may write on this evidence; of what is listed by face, that of `subjects`."""
    if row.score is not None:
        yield row.score
    if row.threshold is not None:
        yield row.threshold.value
    if row.probability is not None:
        yield from (row.probability.value, float(row.probability.n))
        if row.probability.prior is not None:
            yield row.probability.prior
    if row.interval is not None:
        yield from (row.interval.low, row.interval.high, row.interval.level)
    for group in row.group_errors:
        yield from (group.rate, float(group.n))
    if row.region is not None:
        yield from (row.region.width, row.region.height)
    yield from _leaves(row.value, subjects)
    yield from _leaves(row.details, subjects)


def _leaves(value: JsonValue, subjects: Sequence[str] | None) -> Iterator[float]:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if subjects is None or not key.startswith("face ") or key in subjects:
                yield from _leaves(item, subjects)
    else:
        yield float(len(value))
        for item in value:
            yield from _leaves(item, subjects)


def _strings(row: Evidence) -> Iterator[str]:
    yield from _texts(row.value)
    yield from _texts(row.details)
    if row.reason:
        yield row.reason


def _texts(value: JsonValue) -> Iterable[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


# How many faces there are

_PEOPLE = r"(?:faces?|people|persons?|heads?|wom[ae]n|m[ae]n|individuals?|somebody|someone)"
_COUNTED = re.compile(
    rf"\b(?:(no|zero|one|a single|{'|'.join(_UNITS[2:13])}|a couple of|a few|several|multiple|many|\d+)"
    rf" (?:\w+ ){{0,2}}?{_PEOPLE}|(nobody|no one|alone|a crowd|empty))\b",
    re.IGNORECASE,
)
_AT_LEAST = {"a few": 2, "several": 2, "multiple": 2, "many": 5, "a crowd": 5}
_EXACT = {"no": 0, "nobody": 0, "no one": 0, "empty": 0, "one": 1, "a single": 1, "alone": 1, "a couple of": 2}


def wrong_count(said: Said) -> str | None:
    """A number of faces, in figures or in words, that is not the one counted."""
    for clause in said.clauses:
        counts = [row for row in said.cited if row.attribute == "face_count" and isinstance(row.value, int)]
        counts = [row for row in counts if row.subject in clause.subjects] or counts
        if said.claim.attribute != "face_count" or not counts:
            continue
        for match in _COUNTED.finditer(REFERENCE.sub("", clause.text)):
            word = (match[1] or match[2]).lower()
            if len({row.value for row in counts}) > 1:
                return "photos with different numbers of faces need a sentence each"
            if not _counts(word, int(str(counts[0].value))):
                return f"{counts[0].id} counts {counts[0].value}, the sentence says {word!r}"
    return None


def _counts(word: str, count: int) -> bool:
    if word in _AT_LEAST:
        return count >= _AT_LEAST[word]
    wanted = _EXACT.get(word, _SPELLED.get(word))
    return count == (int(word) if wanted is None else wanted)
