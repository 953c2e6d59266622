"""What a number stands for by the words around it: a score, a threshold, an angle, a probability."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from pydantic import JsonValue

from faceagent.ground.amount import FIGURES, IN_WORDS, reads_as
from faceagent.ground.certainty import chance
from faceagent.ground.phrase import sayings_in, standing
from faceagent.ground.quotation import chance_of
from faceagent.ground.sentence import Clause, Said
from faceagent.ground.wording import Saying, Words
from faceagent.types import Evidence


def leaves(value: JsonValue, subjects: Sequence[str] | None) -> Iterator[float]:
    """Every number in a value; of what is listed by face, that of `subjects`."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if subjects is None or not key.startswith("face ") or key in subjects:
                yield from leaves(item, subjects)
    else:
        for item in value:
            yield from leaves(item, subjects)


def _turn(axis: str, row: Evidence) -> Iterator[float]:
    """How far a head is turned about an axis, as measured and as rounded to what can be told."""
    measured = row.value.get(axis) if isinstance(row.value, dict) else None
    for degrees in (measured, row.details.get(f"{axis}_about")):
        yield from leaves(degrees, None)


_IN_WORDS = rf"\b(?:{'|'.join(IN_WORDS)})\b"
_AMOUNT = rf"(?P<number>{FIGURES}|{_IN_WORDS})(?P<unit>\s?%|[\s-]per[\s-]?cent)?"
# "The probability that the two show one person is 0.99": a number in words is one where "per cent" follows.
_SHARE = rf"(?P<number>{FIGURES}|{_IN_WORDS}(?=[\s-]per[\s-]?cent))(?P<unit>\s?%|[\s-]per[\s-]?cent)?"
_DEGREES = rf"(?:(?!\band\b)[^;(),\d])*?{_AMOUNT}\s?(?:°|degrees?)"
_CHANCE = r"(?:probabilit(?:y|ies)|chances?|likelihood)"
_ROLES: tuple[tuple[re.Pattern[str], str | None, str, Callable[[Evidence], Iterator[float]]], ...] = (
    (
        re.compile(rf"\bscores?\b(?:(?!{_CHANCE})[^;()\d])*?{_AMOUNT}", re.IGNORECASE),
        None,
        "score",
        lambda row: iter(
            [*([] if row.score is None else [row.score]), *leaves(row.value, None), *leaves(row.details, None)]
        ),
    ),
    (
        re.compile(rf"{_AMOUNT} as (?:the|an?|its|their) score\b", re.IGNORECASE),
        None,
        "score",
        lambda row: iter(() if row.score is None else (row.score,)),
    ),
    (
        re.compile(rf"\b(?:threshold|line|limit)\b[^;(),\d]*?{_AMOUNT}", re.IGNORECASE),
        None,
        "threshold",
        lambda row: iter(() if row.threshold is None else (row.threshold.value,)),
    ),
    *(
        (
            re.compile(rf"\b(?:{verbs})\b{_DEGREES}", re.IGNORECASE),
            "pose",
            axis,
            partial(_turn, axis),
        )
        for axis, verbs in (("yaw", "turned|turns"), ("pitch", "raised|lowered"), ("roll", "leans?|leaning|tilted"))
    ),
)
"""What a number stands for by the words around it: of which attribute (None: any), and the numbers that it may be."""


def wrong_role(said: Said, clause: Clause, text: str) -> str | None:
    """A number that is in the evidence, but as something else: the threshold given as the score."""
    concerned = said.concerned(clause)
    for pattern, attribute, what, values in _ROLES:
        rows = [row for row in concerned if attribute in (None, row.attribute)]
        for match in pattern.finditer(text) if rows else ():
            digits = _digits(match)
            if not reads_as((value for row in rows for value in values(row)), digits):
                return f"no cited evidence has {match['number']} as the {what} of {' and '.join(clause.subjects)}"
    return None if standing(said) else _of_another_value(concerned, text, said.words)


_BRACKET = re.compile(rf"\s*\((?:about |probability )?{_AMOUNT}", re.IGNORECASE)


def _of_another_value(concerned: Sequence[Evidence], text: str, words: Words) -> str | None:
    """ "Happy (18 %)" where that is the share of sadness: the evidence lists numbers by value."""
    for found in sayings_in(text, words):
        match = _BRACKET.match(text, found.start + len(found.text))
        for topic, saying in found.sayings if match else ():
            for row in (row for row in concerned if row.attribute == topic.attribute):
                own = list(_by_value(row, saying))
                if own and match and not reads_as(own, _digits(match)):
                    return f"the number {match['number']} is not the one that {row.id} has for {found.text!r}"
    return None


def _by_value(row: Evidence, saying: Saying) -> Iterator[float]:
    """What evidence lists for the value of which a phrase is true."""
    for listed in row.details.values():
        if isinstance(listed, dict):
            for value in saying.condition.split("|"):
                yield from leaves(listed.get(value), None)
    if row.probability is not None and saying.true_of(row):
        yield row.probability.value


# "The probability that … is 0.98", "a 98 % chance that …"
_PROBABILITY = (
    re.compile(rf"\b{_CHANCE}\b(?P<event>[^;()\d]*?){_SHARE}", re.IGNORECASE),
    re.compile(rf"{_SHARE} (?:{_CHANCE}|likely|probable|certain|sure)\b(?P<event>[^;()]*)", re.IGNORECASE),
)


def wrong_probability(said: Said, clause: Clause, text: str) -> tuple[str | None, str]:
    """Probabilities are those of what is said, and not the prior or that of the opposite; and the text without them."""
    for pattern in _PROBABILITY:
        for match in reversed(list(pattern.finditer(text))):
            likely = [row for row in said.concerned(clause) if row.probability is not None]
            spoken = {topic.attribute for found in sayings_in(match["event"], said.words) for topic, _ in found.sayings}
            rows = [row for row in likely if row.attribute in spoken] if spoken else likely
            name, said_of = _name_meant(said, clause, text, match), (match["event"], clause.text, said.plain)
            found = (chance(said, row, said_of) if (of := chance_of(row, name)) is None else of for row in rows)
            if not _is_chance([one for one in found if one is not None], _digits(match)):
                subjects = " and ".join(clause.subjects)
                return f"no cited evidence has {match['number']} as the probability of what is said of {subjects}", text
            text = text[: match.start("number")] + "·" + text[match.end("number") :]
    return None, text


def _is_chance(chances: Sequence[float], digits: str) -> bool:
    """A probability is never written as 0 or 1: 0.996 may read 0.99."""
    number = float(re.sub(r"[^\d.]", "", digits))
    share = number if digits[-1].isdigit() else number / 100
    if share in (0.01, 0.99):
        chances = [min(max(one, 0.01), 0.99) for one in chances]
    return share not in (0.0, 1.0) and reads_as(chances, digits)


def _name_meant(said: Said, clause: Clause, text: str, match: re.Match[str]) -> str:
    """The quotation to which a probability belongs: the first in what it is of, else the last before it."""
    earlier = sum(len(one.quoted) for one in said.clauses[: said.clauses.index(clause)])
    within = "“”" in match["event"]
    place = earlier + text[: match.start("event" if within else "number")].count("“”") - (0 if within else 1)
    return said.quoted[place] if 0 <= place < len(said.quoted) else ""


def _digits(match: re.Match[str]) -> str:
    return str(IN_WORDS.get(match["number"].lower(), match["number"])) + (match["unit"] or "")
