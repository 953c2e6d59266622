"""Claims held against evidence. Nothing that `ground` rejects is ever said.

A claim is accepted when the evidence it cites exists, concerns its subject and attribute, has its value, does not
contradict its own threshold, and contains every number that the sentence writes; and when the sentence does not
claim a certainty that no measurement has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from faceagent.types import Claim, Evidence

Lookup = Callable[[str], Evidence | None]


@dataclass(frozen=True)
class Rejection:
    """A claim that the evidence does not carry, and why, in words that a controller can act on."""

    claim: Claim
    reason: str


@dataclass(frozen=True)
class Grounded:
    accepted: tuple[Claim, ...]
    rejected: tuple[Rejection, ...]


def ground(claims: Sequence[Claim], lookup: Lookup) -> Grounded:
    """Hold each claim against the evidence that it cites.

    Args:
        claims: in the order in which they are to be said.
        lookup: evidence by id, None where there is none (`Ledger.get`).
    """
    accepted: list[Claim] = []
    rejected: list[Rejection] = []
    for claim in claims:
        reason = fault(claim, lookup)
        if reason is None:
            accepted.append(claim)
        else:
            rejected.append(Rejection(claim, reason))
    return Grounded(tuple(accepted), tuple(rejected))


def fault(claim: Claim, lookup: Lookup) -> str | None:
    """Why a claim is not carried by its evidence, or None when it is."""
    cited: list[Evidence] = []
    for evidence_id in claim.evidence:
        evidence = lookup(evidence_id)
        if evidence is None:
            return f"{evidence_id} does not exist"
        cited.append(evidence)
    checks = (_wrong_subject, _wrong_value, _wrong_threshold, _unknown_reference, _unknown_number, _overclaim)
    return next((reason for check in checks if (reason := check(claim, cited)) is not None), None)


def _about(claim: Claim, cited: Sequence[Evidence]) -> list[Evidence]:
    """The cited evidence that concerns the claim's own attribute and one of its subjects."""
    parts = claim.subject.split(" + ")
    return [row for row in cited if row.attribute == claim.attribute and row.subject in (claim.subject, *parts)]


def _wrong_subject(claim: Claim, cited: Sequence[Evidence]) -> str | None:
    covered = {row.subject for row in _about(claim, cited)}
    if claim.subject in covered:
        return None
    for part in claim.subject.split(" + "):
        if part not in covered:
            return f"no cited evidence is about the {claim.attribute} of {part}"
    return None


def _wrong_value(claim: Claim, cited: Sequence[Evidence]) -> str | None:
    for row in _about(claim, cited):
        if row.status != "ok" and claim.value is not None:
            return f"{row.id} has no value ({row.status}: {row.reason}), the claim says {claim.value!r}"
        if not _equal(row.value, claim.value):
            return f"{row.id} says {row.value!r}, the claim says {claim.value!r}"
    return None


def _equal(left: JsonValue, right: JsonValue) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
    return left == right


def _wrong_threshold(claim: Claim, cited: Sequence[Evidence]) -> str | None:
    for row in _about(claim, cited):
        if row.threshold is None or row.score is None:
            continue
        holds = row.threshold.holds(row.score)
        if isinstance(row.value, bool) and row.value is not holds:
            return (
                f"{row.id} contradicts itself: value {row.value}, but its score is on the other side of the threshold"
            )
        if row.threshold.meaning in claim.sentence and not holds:
            return (
                f"the sentence says {row.threshold.meaning!r}, but the score of {row.id} does not reach the threshold"
            )
    return None


# At the start of a sentence a name has a capital: "Face 1.2 is sharp."
_REFERENCE = re.compile(r"\b(?:face \d+\.\d+|image \d+|video \d+|output \d+)", re.IGNORECASE)


def _unknown_reference(claim: Claim, cited: Sequence[Evidence]) -> str | None:
    known = {part for row in cited for part in row.subject.split(" + ")} | set(claim.subject.split(" + "))
    known |= {f"image {part.split()[1].split('.')[0]}" for part in known if part.startswith("face ")}
    known |= {row.value for row in cited if isinstance(row.value, str)}
    for reference in _REFERENCE.findall(_own_words(claim.sentence)):
        if reference.lower() not in known:
            return f"the sentence speaks of {reference}, which none of the cited evidence is about"
    return None


# What stands in “…” is quoted from a file: no statement of ours, but it must be found there word for word.
_QUOTED = re.compile(r"“[^”]*”")


def _own_words(sentence: str) -> str:
    """The sentence without its quotations. Otherwise a file could suppress a sentence by what it makes it quote."""
    return _QUOTED.sub("“”", sentence)


# Digits that are part of a name (SHA-256, ISO 30107-3, sRGB v4) are not quantities: only free-standing numbers are.
_NUMBER = re.compile(r"(?<![\w.,\-/:])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?%)?(?![\w/:]|\.\d|-\w)")
_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORD = re.compile(rf"\b({'|'.join(_WORDS)})\b", re.IGNORECASE)


def _unknown_number(claim: Claim, cited: Sequence[Evidence]) -> str | None:
    known = [number for row in cited for number in _numbers(row)]
    strings = "\n".join(string for row in cited for string in _strings(row))
    for quote in _QUOTED.findall(claim.sentence):
        if quote[1:-1] not in strings:
            return f"the quotation {quote} is in none of the cited evidence"
    text = _REFERENCE.sub("", _own_words(claim.sentence))
    for word in _WORD.findall(text):
        if float(_WORDS.index(word.lower()) + 2) not in known:
            return f"the number {word!r} is in none of the cited evidence"
    for written in _NUMBER.findall(text):
        if not any(_reads_as(number, written) for number in known):
            return f"the number {written} is in none of the cited evidence"
    return None


def _reads_as(number: float, written: str) -> bool:
    """Whether `number`, rounded to the decimals that were written, is what was written (sign may be in words)."""
    percent = written.endswith("%")
    digits = written.rstrip("% ").replace(",", "").replace("−", "-")
    decimals = len(digits.partition(".")[2])
    value = number * 100 if percent else number
    half = 0.5 * 10.0**-decimals
    return abs(abs(value) - abs(float(digits))) <= half * (1 + 1e-9)


def _numbers(row: Evidence) -> Iterator[float]:
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
    yield from _leaves(row.value)
    yield from _leaves(row.details)


def _leaves(value: JsonValue) -> Iterator[float]:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    else:
        yield float(len(value))
        for item in value:
            yield from _leaves(item)


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


_CERTAIN = re.compile(
    r"\b100\s?%|\b(?:definitely|certainly|undoubtedly|unquestionably|without (?:a )?doubt|guaranteed?|impossible)\b"
    r"|(?<!not )(?<!no )\bproof\b|(?<!not )\bproves?\b"
    r"|\bis (?:a )?(?:fake|real|genuine|authentic)\b",
    re.IGNORECASE,
)


def _overclaim(claim: Claim, cited: Sequence[Evidence]) -> str | None:
    match = _CERTAIN.search(_own_words(claim.sentence))
    return f"{match.group(0)!r} claims more certainty than a measurement has" if match else None
