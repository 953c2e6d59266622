"""The words for what identify_person finds: a pure function of evidence. A likeness is never called an identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from faceagent.tool import Names
from faceagent.types import Claim, Evidence


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """Answers face by face, those who are unknown together; then why; then the doubts, once for all."""
    rows = [row for row in evidence if row.attribute == "identity"]
    named = [row for row in rows if row.value in ("supported", "undecided")]
    unknown = [row for row in rows if row.value == "unknown"]
    claims = [Claim.on([row], _answer(row, names), "answer") for row in named]
    claims += _unknown(unknown, names)
    claims += [
        Claim.on([row], f"“{_of(row, 0)['name']}” is a protected person of this gallery.", "reason")
        for row in named[:1]
        if _of(row, 0)["protected"]
    ]
    claims += _why(named or unknown)
    claims += _doubts(named, unknown)
    return [*claims, *_unjudged(rows, names)]


def _answer(row: Evidence, names: Names) -> str:
    who, first = names.of(row.subject), _of(row, 0)
    if row.value == "undecided":
        second = _of(row, 1)
        return (
            f"Whether {who} shows “{first['name']}” (probability {_written(first)}) or “{second['name']}” "
            f"({_written(second)}) cannot be decided."
        )
    return (
        f"The evidence supports that {who} shows “{first['name']}” (probability {_written(first)}, if "
        f"somebody enrolled and a stranger were equally likely beforehand)."
    )


def _unknown(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    if rows:
        who = names.start(" + ".join(row.subject for row in rows))
        match = "matches" if len(rows) == 1 else "match"
        yield Claim.on(rows, f"{who} {match} no entry of the gallery, which has {_entries(rows[0])}.", "answer")
    for row in rows[:1]:
        yield Claim.on([row], _nearest(row, names), "reason")


def _nearest(row: Evidence, names: Names) -> str:
    first, who = _of(row, 0), names.of(row.subject)
    if row.details["enrolled"] == 1:
        return f"“{first['name']}” is not alike enough to {who} to be named (probability {_written(first)})."
    return (
        f"Of those enrolled, “{first['name']}” comes first for {who}, but is not alike enough to be named (probability "
        f"{_written(first)})."
    )


def _why(rows: Sequence[Evidence]) -> Iterator[Claim]:
    if rows:
        once, of = _odds(rows[0])
        sentence = f"Of strangers looked up in a gallery of this size, about {once} in {of:,} would be named."
        yield Claim.on(rows[:1], sentence, "reason")


def _doubts(named: Sequence[Evidence], unknown: Sequence[Evidence]) -> Iterator[Claim]:
    rows = [*named, *unknown]
    if named:
        sentence = (
            "Twins, close relatives and look-alikes can be as alike as this, and an altered photo can be made so."
        )
        yield Claim.on(named[:1], sentence, "doubt", *named[1:])
        yield Claim.on(named[:1], "Among people who look alike, strangers are named more often than that.", "doubt")
    elif unknown:
        sentence = (
            "Many years between two photos, disguise, a turned head or a poor picture can make one person look like "
            "two."
        )
        yield Claim.on(unknown, sentence, "doubt")
    if rows and "extrapolated_beyond" in rows[0].details:
        sentence = (
            f"That rate was measured with at most {rows[0].details['extrapolated_beyond']} templates and carried on "
            f"to the {rows[0].details['templates']} that are here."
        )
        yield Claim.on(rows[:1], sentence, "doubt")


def _unjudged(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    by_reason: dict[str, list[Evidence]] = {}
    for row in rows:
        if row.status != "ok" and row.reason:
            by_reason.setdefault(row.reason, []).append(row)
    for reason, found in by_reason.items():
        who = names.start(" + ".join(row.subject for row in found))
        yield Claim.on(
            found, f"{who} {'was' if len(found) == 1 else 'were'} not looked up, because {reason}.", "answer"
        )


def _of(row: Evidence, place: int) -> Mapping[str, JsonValue]:
    listed = row.details["candidates"]
    one = listed[place] if isinstance(listed, list) else None
    return one if isinstance(one, dict) else {}


def _written(candidate: Mapping[str, JsonValue]) -> str:
    """Two decimals, three near the ends, so that it is never written as 0 or 1."""
    chance = candidate["probability"]
    value = float(chance) if isinstance(chance, int | float) else 0.0
    return f"{value:.2f}" if 0.01 <= value <= 0.99 else f"{value:.3f}"


def _entries(row: Evidence) -> str:
    return "a single one" if row.details["enrolled"] == 1 else f"{row.details['enrolled']:,}"


def _odds(row: Evidence) -> tuple[int, int]:
    pair = row.details["false_positive_odds"]
    return (int(str(pair[0])), int(str(pair[1]))) if isinstance(pair, list) else (0, 0)
