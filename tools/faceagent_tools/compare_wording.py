"""The words for what compare_faces finds: a pure function of evidence. The evidence supports; it never settles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from faceagent.tool import Names
from faceagent.types import Claim, ClaimRole, Evidence, GroupError

_LISTED = 5
"""So many pairs with one finding are given with their probabilities; of more, the outermost is said."""
_PRIOR = "if either were equally likely beforehand"
_NOT_ADULT = ("children", "teenagers")


@dataclass(frozen=True)
class Wording:
    """How one finding is said. one: of a pair by name, before the probability. many: of several pairs."""

    finding: str
    one: str
    many: str
    reason: Callable[[Evidence], str]
    doubts: Callable[[Evidence], Iterator[str]]


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """Answers by finding, then why, then the doubts, each once for all pairs."""
    rows = [row for row in evidence if row.attribute == "same_person"]
    claims: list[Claim] = []
    for wording in _WORDINGS:
        found = [row for row in rows if row.value == wording.finding]
        if found:
            claims.append(_claim(found, _answer(wording, found, names), "answer"))
            claims.append(_claim(found, wording.reason(found[0]), "reason"))
            claims += [_claim(found, doubt, "doubt") for doubt in wording.doubts(found[0])]
            claims += [claim for row in found for claim in _support(row, names)]
    return [*claims, *_unjudged(rows, names)]


def _answer(wording: Wording, rows: Sequence[Evidence], names: Names) -> str:
    what = "probability of the same person" if wording.finding == "not_supported" else "probability"
    if len(rows) == 1:
        sentence = wording.one.format(names.of(rows[0].subject))
        return f"{sentence} ({what} {_written(_probability(rows[0]))}, {_PRIOR})."
    begin = f"In {_of_all(rows[0])}, {wording.many}"
    if len(rows) <= _LISTED:
        listed = "; ".join(f"{names.of(row.subject)} ({what} {_written(_probability(row))})" for row in rows)
        return f"{begin}: {listed}; {_PRIOR}."
    values = [_probability(row) for row in rows]
    if wording.finding == "not_supported":
        return f"{begin} ({what} at most {_written(max(values))}, {_PRIOR})."
    listed = "; ".join(names.of(row.subject) for row in rows)
    return f"{begin} ({what} at least {_written(min(values))}, {_PRIOR}): {listed}."


def _why_supported(row: Evidence) -> str:
    return f"{_different_people(row)}, at most about {_odds(row, 'false_match_odds')} are as alike as this."


def _why_undecided(row: Evidence) -> str:
    return (
        "The likeness is too great to speak for different people, and too small to speak for the same person at the "
        f"stated error rate of about {_odds(row, 'false_match_odds')} pairs of different people."
    )


def _why_not_supported(row: Evidence) -> str:
    return f"Of two photos of one person, at most about {_odds(row, 'missed_odds')} pairs are as unlike as this."


def _different_people(row: Evidence) -> str:
    where = ", in every group of adults tested" if row.details.get("strict") else ""
    return f"Of pairs of different people of the same perceived gender and ethnicity{where}"


def _false_match_doubts(row: Evidence) -> Iterator[str]:
    yield "Twins, close relatives and look-alikes can be as alike as this, and an altered photo can be made so."
    worst = max(row.group_errors, key=_rate, default=None)
    if worst is None:
        return
    said = f"In the calibration, two people passed for one most often among {worst.group} ({_share(worst)} of pairs)"
    adults = max((group for group in row.group_errors if group.group not in _NOT_ADULT), key=_rate, default=worst)
    yield f"{said}." if adults is worst else f"{said} and, of adults, among {adults.group} ({_share(adults)})."


def _miss_doubts(row: Evidence) -> Iterator[str]:
    yield (
        "Many years between two photos, disguise, a turned head or a poor picture can make one person look like two."
    )


def _undecided_doubts(row: Evidence) -> Iterator[str]:
    yield "Sharper photos from the front, taken at about the same age, could settle it."


_WORDINGS = (
    Wording(
        finding="supported",
        one="The evidence supports that {} show the same person",
        many="the evidence supports the same person",
        reason=_why_supported,
        doubts=_false_match_doubts,
    ),
    Wording(
        finding="undecided",
        one="Whether {} show the same person cannot be decided",
        many="it cannot be decided whether they show the same person",
        reason=_why_undecided,
        doubts=_undecided_doubts,
    ),
    Wording(
        finding="not_supported",
        one="The evidence supports that {} show different people",
        many="the evidence supports different people",
        reason=_why_not_supported,
        doubts=_miss_doubts,
    ),
)


def _support(row: Evidence, names: Names) -> Iterator[Claim]:
    """Which parts of the first face the likeness rests on, where that was asked for."""
    supporting, opposing = row.details.get("supporting"), row.details.get("opposing")
    who = names.of(row.subject.split(" + ")[0])
    if isinstance(supporting, list) and supporting:
        sentence = f"Of {who}, the network rests the likeness strongly on {_parts(supporting)}."
        yield _claim([row], sentence, "reason")
    if isinstance(opposing, list) and opposing:
        several = len(opposing) > 1 or str(opposing[0]).endswith("s")  # "the eyes" is one part
        verb = "speak" if several else "speaks"
        yield _claim([row], f"Of {who}, {_parts(opposing)} {verb} against it.", "reason")
    if supporting or opposing:
        yield _claim([row], "The marked parts are where the network looked, not proof of who it is.", "doubt")


def _parts(found: Sequence[JsonValue]) -> str:
    said = [f"the {name}" for name in found]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _unjudged(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    by_reason: dict[str, list[Evidence]] = {}
    for row in rows:
        if row.status != "ok" and row.reason:
            by_reason.setdefault(row.reason, []).append(row)
    for reason, found in by_reason.items():
        what = names.of(found[0].subject) if len(found) == 1 else _of_all(found[0])
        yield _claim(found, f"{what[0].upper()}{what[1:]} were not compared, because {reason}.", "answer")


def _of_all(row: Evidence) -> str:
    """ "all 6 pairs", or "4 of the 6 pairs"."""
    found, compared = row.details["alike_found"], row.details["compared"]
    return f"all {compared} pairs" if found == compared else f"{found} of the {compared} pairs"


def _probability(row: Evidence) -> float:
    # Every judged pair has one: the table that judges it also gives the probability.
    return row.probability.value if row.probability else 0.5


def _written(value: float) -> str:
    """Two decimals, three near the ends, so that it is never written as 0 or 1."""
    return f"{value:.2f}" if 0.01 <= value <= 0.99 else f"{value:.3f}"


def _odds(row: Evidence, name: str) -> str:
    """ "1 in 1,000"."""
    pair = row.details[name]
    once, of = (pair[0], pair[1]) if isinstance(pair, list) else (0, 0)
    return f"{once} in {of:,}"


def _rate(group: GroupError) -> float:
    return group.rate


def _share(group: GroupError) -> str:
    """A percentage with two significant digits."""
    percent = group.rate * 100
    digits = 0 if percent >= 10 else 1 if percent >= 1 else 2
    return f"{percent:.{digits}f} %"


def _claim(rows: Sequence[Evidence], sentence: str, role: ClaimRole) -> Claim:
    return Claim(
        sentence=sentence,
        subject=rows[0].subject,
        attribute=rows[0].attribute,
        value=rows[0].value,
        evidence=tuple(row.id for row in rows),
        role=role,
    )
