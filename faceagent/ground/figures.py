"""Numbers: each must be in the cited evidence, as what the sentence gives it for, with the face that it gives it to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from faceagent.geometry import whole_pixels
from faceagent.ground.ages import APART, of_years, years
from faceagent.ground.amount import IN_WORDS, UNITS, Amount, amounts, reads_as
from faceagent.ground.phrase import sayings_in, standing
from faceagent.ground.quantity import quantified, share_of
from faceagent.ground.quotation import texts
from faceagent.ground.roles import leaves, wrong_probability, wrong_role
from faceagent.ground.sentence import REFERENCE, Clause, Said
from faceagent.ground.wording import idiom
from faceagent.tool import QUOTES_FILES
from faceagent.types import Evidence

TIMES = re.compile(r"\b(?:twice|double|half|three times|four times|five times|ten times)\b(?= as\b)", re.IGNORECASE)
THAN_NUMBER = re.compile(r"\s+than (?:about )?(\d+(?:\.\d+)?)\b(?!\.\d| other)", re.IGNORECASE)

_RATE = re.compile(r"\bone in (\w+)\b(?! ?%)", re.IGNORECASE)
_SHARED = re.compile(r"\b(?:respectively|between|to|than|against|at least|at most)\b|;", re.IGNORECASE)


def unknown_number(said: Said) -> str | None:
    """A number that is in none of the cited evidence, only in that on another face, or there as something else."""
    for clause in said.clauses:
        text = REFERENCE.sub("·", clause.text)
        if not (amounts(text) or _RATE.search(text) or _FRACTION.search(text)):
            continue
        text = _held_elsewhere(said, clause, text)
        rates = _RATE.findall(text)
        text = _RATE.sub("", text)
        known = list(_known(said, clause, text, share=True))
        for word in rates:
            of = IN_WORDS.get(word.lower()) or (int(word) if word.isdecimal() else 0)
            if of and not reads_as(known, f"{100 / of:g} %"):
                return f"the rate 'one in {word}' is in none of the cited evidence"
        if reason := wrong_role(said, clause, text) or _wrong_fraction(text, known):
            return reason
        reason, text = wrong_probability(said, clause, text)
        if reason:
            return reason
        written = amounts(text)
        for place, amount in enumerate(written):
            if amount.in_words and standing(said):
                continue  # "two people can look alike": a word of the sentence, as known as the others
            if reason := _wrong_amount(said, clause, text, written, place):
                return reason
    return None


def _wrong_amount(said: Said, clause: Clause, text: str, written: Sequence[Amount], place: int) -> str | None:
    amount = written[place]
    rows = said.concerned(clause)
    ages = [row for row in rows if row.attribute == "age" and row.status == "ok"]
    of_an_age = list(years(ages, text, written, place))
    known = [*of_an_age, *_differences(said, clause)]
    if not ages or not of_years(text, amount, of_age=said.claim.attribute == "age"):
        known += _known(said, clause, text, share=amount.share)
    if not reads_as(known, amount.digits):
        if ages and reads_as((number for row in ages for number in numbers(row)), amount.digits):
            return f"no cited evidence has {amount.shown} as the age of {' and '.join(clause.subjects)}"
        return _no_such_number(said, clause, amount)
    attribute = "age" if reads_as(of_an_age, amount.digits) else said.claim.attribute
    if lacking := _not_of_all(said, clause, attribute, amount.digits, place, len(written)):
        return f"{amount.shown} is not the {attribute.replace('_', ' ')} of {lacking}"
    return None


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


def _held_elsewhere(said: Said, clause: Clause, text: str) -> str:
    """The text of a clause without names that hold figures and without numbers that are held against values elsewhere.

    "Older than 40", "three times as old", "the sharper of the two", "two of the three faces", "in their 30s".
    """
    text = _without_names(said, _without_own_group(said, TIMES.sub("", text)))
    of_two = idiom("of_two")
    for attribute in {row.attribute for row in said.cited} & said.words.topics.keys():
        for degree in said.words.topics[attribute].degrees:
            for match in reversed(list(degree.comparative.finditer(text))):
                if line := THAN_NUMBER.match(text, match.end()) or of_two.match(text, match.end() + 1):
                    text = text[: line.start()] + text[line.end() :]
    if len([one for one in clause.subjects if one.startswith("face ")]) == 2 and said.words.compared.search(text):
        text = of_two.sub("", text)
    for saying in said.words.topics["age"].sayings:
        text = saying.pattern.sub("", text)
    return _without_count(said, clause, text)


_IN_VIEW = re.compile(
    r"\b(?P<lead>(?:of|all)(?: the| these| those)?|the|these|those) (?P<number>\w+)(?= (?:faces|people|persons)\b)",
    re.IGNORECASE,
)


def _without_count(said: Said, clause: Clause, text: str) -> str:
    """The text without a number of faces that is counted over those in view (quantity.py)."""
    if share_of(said, clause) and sayings_in(clause.text, said.words):
        text = idiom("some").sub("of the", text, count=1)
    in_view = str(len(said.scope(clause.text)))

    def counted(match: re.Match[str]) -> str:
        number = match["number"].lower()
        return match["lead"] if str(IN_WORDS.get(number, number)) == in_view else match[0]

    return _IN_VIEW.sub(counted, text)


_WITH_FIGURES = re.compile(r"[\w./+-]*\d[\w./+-]*\w|[^\W\d_][\w./+-]*\d")


def _without_names(said: Said, text: str) -> str:
    """The text without words with figures in them that are names in the evidence: "SHA-256", "H.264"."""
    if not any(_is_name(word) for word in _WITH_FIGURES.findall(text)):
        return text
    known = {word for row in said.cited for own in _own_texts(row) for word in _WITH_FIGURES.findall(own)}
    return _WITH_FIGURES.sub(lambda match: "" if _is_name(match[0]) and match[0] in known else match[0], text)


def _without_own_group(said: Said, text: str) -> str:
    """The text without the group that evidence puts the face in, whose name may hold figures: "in a group, age 3-9"."""
    for row in said.cited:
        for key, own in row.details.items():
            if key.startswith("own_") and isinstance(own, dict):
                name = re.escape(str(own.get("group", "")))
                text = re.sub(rf"\b(in (?:a|the) group),? {name}(?![\d+-])", r"\1", text)
    return text


def _is_name(word: str) -> bool:
    return any(character.isalpha() for character in word)


def _own_texts(row: Evidence) -> Iterator[str]:
    """Texts of the tool, none of a file."""
    yield from (row.method.name, row.method.version, row.unit or "", *row.limitations)
    yield from (group.group for group in row.group_errors)
    if row.threshold is not None:
        yield row.threshold.meaning
    if row.tool not in QUOTES_FILES:
        yield from texts([row.value, row.details])


def _no_such_number(said: Said, clause: Clause, amount: Amount) -> str:
    shown = repr(amount.shown) if amount.in_words else amount.shown
    if reads_as((number for row in said.cited for number in numbers(row)), amount.digits):
        return (
            f"the number {shown} belongs to another subject than {' and '.join(clause.subjects)}, or is no such number"
        )
    return f"the number {shown} is in none of the cited evidence"


_CALIBRATED = re.compile(r"\b(?:calibrat|test|train|measur|fitted|validat)", re.IGNORECASE)


def _known(said: Said, clause: Clause, text: str, *, share: bool) -> Iterator[float]:
    """The numbers of other evidence than ages that a clause may write."""
    subjects = clause.subjects if clause.named or clause.subjects != said.subjects else None
    for row in said.concerned(clause):
        if row.attribute != "age":
            yield from _found(row, subjects)
            yield from () if share else _scores(row)
            yield from _sizes(row) if _CALIBRATED.search(text) else ()


def _differences(said: Said, clause: Clause) -> Iterator[float]:
    """How far apart two faces are, where the clause compares them: "17 years older"."""
    if len(clause.subjects) != 2:
        return
    for topic in said.words.topics.values():
        apart = topic.attribute == said.claim.attribute and APART.search(clause.text)
        if apart or any(degree.comparative.search(clause.text) for degree in topic.degrees):
            found = [
                number
                for face in clause.subjects
                for row in said.of(face, topic.attribute)[:1]
                if (number := topic.number(row, face)) is not None
            ]
            if len(found) == 2:
                yield abs(found[0] - found[1])


def _not_of_all(said: Said, clause: Clause, attribute: str, digits: str, place: int, count: int) -> str | None:
    """A face among several that are given one number together, or each its own in turn, whose number is another."""
    meant = quantified(said, clause)
    if isinstance(meant, str) or not meant.named or len(meant.subjects) < 2:
        return None
    values = {face: row.value for face in meant.subjects for row in said.of(face, attribute)[:1]}
    plain = {face: value for face, value in values.items() if isinstance(value, int | float)}
    if "respectively" in clause.text.lower() and count == len(plain):
        face, value = list(plain.items())[place]
        return None if reads_as((value,), digits) else face
    fits = [face for face, value in plain.items() if reads_as((value,), digits)]
    if not fits or _SHARED.search(clause.text):
        return None
    # "All the faces look 34" needs evidence on all; of those that are listed, some have no such number.
    asked = plain if meant == clause else meant.subjects
    return next((face for face in asked if face not in fits), None)


def numbers(row: Evidence) -> Iterator[float]:
    """Every number of this evidence."""
    yield from _found(row)
    yield from _scores(row)
    yield from _sizes(row)


def _found(row: Evidence, subjects: Sequence[str] | None = None) -> Iterator[float]:
    """What was measured; of what is listed by face, that of `subjects`."""
    # Without the prior: nothing was measured there, and the words that state it hold no number.
    if row.probability is not None:
        yield row.probability.value
    if row.interval is not None:
        yield from (row.interval.low, row.interval.high, row.interval.level)
    yield from (group.rate for group in row.group_errors)
    if row.region is not None:
        sides = (row.region.width, row.region.height)
        yield from (*sides, *map(whole_pixels, sides))
    yield from leaves(row.value, subjects)
    yield from leaves(row.details, subjects)


def _scores(row: Evidence) -> Iterator[float]:
    """Raw numbers: they are no shares."""
    if row.score is not None:
        yield row.score
    if row.threshold is not None:
        yield row.threshold.value


def _sizes(row: Evidence) -> Iterator[float]:
    """On how many photos or pairs a figure was calibrated or tested."""
    if row.probability is not None:
        yield float(row.probability.n)
    yield from (float(group.n) for group in row.group_errors)


# How many faces there are

_PEOPLE = r"(?:faces?|people|persons?|heads?|wom[ae]n|m[ae]n|individuals?|somebody|someone)"
_COUNTED = re.compile(
    rf"\b(?:(no|zero|one|a single|{'|'.join(UNITS[2:13])}|a couple of|a few|several|multiple|many|\d+)"
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
    wanted = _EXACT.get(word, IN_WORDS.get(word))
    return count == (int(word) if wanted is None else wanted)
