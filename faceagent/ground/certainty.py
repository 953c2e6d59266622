"""How sure a sentence sounds, held against what a measurement can know and against the calibrated probability."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from faceagent.ground.negation import affirmed
from faceagent.ground.phrase import standing, true
from faceagent.ground.sentence import Clause, Said
from faceagent.ground.wording import Saying, Topic, Words, idiom
from faceagent.types import Evidence

_SCARCELY = re.compile(r"\b(?:almost|virtually|nearly|practically) certain", re.IGNORECASE)
_WHETHER = re.compile(r"\b(?:whether|if|(?:probability|chance|likelihood) that)\b", re.IGNORECASE)
# "The face's authentic": a short "is", or a possessive, which no such word follows.
_SHORT = re.compile(r"(?<=\w)['’]s\b", re.IGNORECASE)


def overclaim(said: Said) -> str | None:
    """Words of a certainty that no measurement has."""
    if standing(said):
        return None
    for clause in said.clauses:
        text = _SHORT.sub(" is", _SCARCELY.sub("·", clause.text))
        match = idiom("certain").search(text)
        flat = idiom("flat").search(text)
        if match is None and flat and not _WHETHER.search(text[: flat.start()]):
            match = flat
        if match:
            return f"{match[0]!r} claims more certainty than a measurement has"
    return None


# Mastrandrea et al. 2010, Guidance note for lead authors of the IPCC fifth assessment report on consistent treatment of
# uncertainties: what "likely" and its relatives stand for. "Probably" is read as "more likely than not".
_SCALE = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), low, high)
    for words, low, high in (
        ("equally likely beforehand|likely as not beforehand", 0.0, 1.0),
        ("(?:virtually|almost|nearly|practically) certain(?:ly)?", 0.99, 1.0),
        ("(?:extremely|overwhelmingly) (?:likely|probabl[ey])", 0.95, 1.0),
        ("extremely (?:unlikely|improbabl[ey])", 0.0, 0.05),
        ("(?:very|highly|most) (?:likely|probabl[ey])|in all (?:likelihood|probability)", 0.9, 1.0),
        ("(?:very|highly|most) (?:unlikely|improbabl[ey])", 0.0, 0.1),
        ("more likely than not", 0.5, 1.0),
        ("(?:about )?as likely as not", 0.33, 0.66),
        ("unlikely|improbabl[ey]", 0.0, 0.33),
        ("likely", 0.66, 1.0),
        ("probabl[ey]|presumably", 0.5, 1.0),
    )
)
_NEGATED = re.compile(r"(?:\bnot|n['’]t|\bhardly)(?: \w+)? $", re.IGNORECASE)
_COMPARED = re.compile(r"(?:more|less) (?:likely|probable) .*\bthan\b|\blikelier\b", re.IGNORECASE)


def wrong_likelihood(said: Said) -> str | None:
    """A word of probability that does not fit the calibrated probability cited."""
    if standing(said):
        return None
    for clause in said.clauses:
        text = clause.text
        if _COMPARED.search(text):
            continue
        for pattern, low, high in _SCALE:
            while match := pattern.search(text):
                if low > 0.0 or high < 1.0:
                    if _NEGATED.search(text[: match.start()]):
                        return f"'not {match[0]}' says no probability: write the one that the evidence has"
                    if reason := _unfit(said, clause, match[0], low, high):
                        return reason
                text = text[: match.start()] + "·" + text[match.end() :]
    return None


def _unfit(said: Said, clause: Clause, word: str, low: float, high: float) -> str | None:
    topic = said.words.topics.get(said.claim.attribute)
    subjects = (" + ".join(clause.subjects), *clause.subjects)
    rows = [row for subject in subjects for row in said.of(subject, said.claim.attribute)]
    rows = rows or [row for row in said.cited if row.attribute == said.claim.attribute]
    for row in rows:
        if row.probability is None:
            return f"{word!r} needs a calibrated probability, and {row.id} has none"
        chance = (
            row.probability.value
            if _of_the_event(topic, row, clause.text.replace(word, "·"), said.words)
            else 1.0 - row.probability.value
        )
        if not low <= chance <= high:
            return (
                f"{word!r} does not fit the probability of {row.id}, which is {chance:.2f} for what the sentence says"
            )
    return None


def _of_the_event(topic: Topic | None, row: Evidence, text: str, words: Words) -> bool:
    """Whether what the clause says is what the probability is of, and not its opposite."""
    said_so = [
        (found, sure)
        for found, sure in affirmed(text, words)
        if topic and any(one is topic for one, _ in found.sayings)
    ]
    if topic is None or not topic.probability_of:
        return said_so[0][1] if said_so else True
    if not said_so:
        return row.value in topic.probability_of
    found, sure = said_so[0]
    conditions = {value for _, saying in found.sayings for value in saying.condition.split("|")}
    return bool(conditions & set(topic.probability_of)) is sure


def chance(said: Said, row: Evidence, texts: Iterable[str]) -> float | None:
    """The probability of what the first of the texts says that speaks of this evidence, as the evidence has it.

    None where it has none: that of "synthetic" is not that of "manipulated".
    """
    topic = said.words.topics.get(row.attribute)
    if row.probability is None or topic is None:
        return row.probability.value if row.probability else None
    for text in texts:
        for found, sure in affirmed(text, said.words):
            sayings = [saying for one, saying in found.sayings if one is topic and not saying.of_details]
            if sayings:
                sure = sure or bool(idiom("leaves_open").search(text))
                return _of_what_is_said(row, row.probability.value, topic, sayings, sure=sure)
    return row.probability.value


def _of_what_is_said(
    row: Evidence, value: float, topic: Topic, sayings: Sequence[Saying], *, sure: bool
) -> float | None:
    conditions = {one for saying in sayings for one in saying.condition.split("|")}
    if topic.probability_of:
        within = bool(conditions & set(topic.probability_of))
        if within and row.value in topic.probability_of and row.value not in conditions:
            return None
        return value if within is sure else 1.0 - value
    if row.value == "undecided":
        return value
    holds = any(true(row, saying) for saying in sayings)
    if sure and not holds:
        return None
    return value if holds is sure else 1.0 - value
