"""Claims held against evidence. Nothing that `ground` rejects is ever said.

A claim is accepted when the evidence that it cites exists, concerns its subject and attribute, has its value and does
not contradict its own threshold, and when its sentence says no more than that:

- numbers and quotations are in the evidence, and with the face to which the sentence gives them (figures.py,
  quotation.py);
- what it says is so, is not so (negation.py) or is open agrees with the values (polarity.py), for every face that it
  names or means by "both", "neither", "all", "only" (quantity.py);
- comparisons and superlatives are computed anew, from evidence on every face that they compare (compare.py);
- words of probability fit the calibrated probability, and none is surer than a measurement (certainty.py);
- no clause says anything besides: "Yes" and "Face 1.1 looks reliable" are held against nothing (predicate.py);
- every other word is known to be harmless (vocabulary.py): a sentence in words that the tables do not have, in another
  language or about something that nobody measured, cannot be checked, and what cannot be checked is not said.

Sentences that cite nothing (remarks, gaps) are held by `aside`: they may state nothing of any face.

What the words mean is data: words.toml, to which tools of other packages add theirs (`words_of`), idioms.toml,
standing.txt, general.txt. English only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from faceagent.ground.aside import aside
from faceagent.ground.certainty import overclaim, wrong_likelihood
from faceagent.ground.compare import wrong_comparison
from faceagent.ground.figures import unknown_number, wrong_count
from faceagent.ground.polarity import contradiction
from faceagent.ground.predicate import unheld
from faceagent.ground.quotation import unknown_quotation
from faceagent.ground.sentence import REFERENCE, Lookup, Said, image_of, ledger
from faceagent.ground.vocabulary import unknown_word
from faceagent.ground.wording import Words, words_of
from faceagent.types import Claim, Evidence

__all__ = ["Grounded", "Kind", "Lookup", "Rejection", "Words", "aside", "fault", "ground", "words_of"]


Kind = Literal["evidence", "number", "contradiction", "wording"]
"""What is wrong with a claim: what it cites; a number or quotation; what it says is so, or how sure; words unknown."""


@dataclass(frozen=True)
class Rejection:
    """A claim that the evidence does not carry, and why, in words that a controller can act on."""

    claim: Claim
    reason: str
    kind: Kind


@dataclass(frozen=True)
class Grounded:
    accepted: tuple[Claim, ...]
    rejected: tuple[Rejection, ...]


def ground(
    claims: Sequence[Claim], lookup: Lookup, faces: Sequence[str] | None = None, words: Words | None = None
) -> Grounded:
    """Hold each claim against the evidence that it cites.

    Args:
        claims: in the order in which they are to be said.
        lookup: evidence by id, None where there is none (`Ledger.get`).
        faces: ids of the faces that "all", "none" and "the oldest" speak of; by default every face on which the ledger
            holds evidence (e1, e2 …).
        words: what is known of attributes (`words_of` the tools that measured); by default of those of this package.
    """
    accepted: list[Claim] = []
    rejected: list[Rejection] = []
    rows = ledger(lookup)
    for claim in claims:
        found = _fault(claim, lookup, rows, faces, words)
        if found is None:
            accepted.append(claim)
        else:
            kind, reason = found
            rejected.append(Rejection(claim, reason, kind))
    return Grounded(tuple(accepted), tuple(rejected))


def fault(claim: Claim, lookup: Lookup, faces: Sequence[str] | None = None, words: Words | None = None) -> str | None:
    """Why a claim is not carried by its evidence, or None when it is. Arguments as of `ground`."""
    found = _fault(claim, lookup, ledger(lookup), faces, words)
    return found[1] if found else None


def _fault(
    claim: Claim, lookup: Lookup, rows: Sequence[Evidence], faces: Sequence[str] | None, words: Words | None
) -> tuple[Kind, str] | None:
    cited: list[Evidence] = []
    for evidence_id in claim.evidence:
        evidence = lookup(evidence_id)
        if evidence is None:
            return "evidence", f"{evidence_id} does not exist"
        cited.append(evidence)
    said = Said(claim, cited, rows, faces, words)
    found = ((kind, check(said)) for kind, check in _checks())
    return next(((kind, reason) for kind, reason in found if reason is not None), None)


def _checks() -> tuple[tuple[Kind, Callable[[Said], str | None]], ...]:
    return (
        ("evidence", _wrong_subject),
        ("evidence", _wrong_value),
        ("contradiction", _wrong_threshold),
        ("evidence", _unknown_reference),
        ("number", unknown_quotation),
        ("number", unknown_number),
        ("number", wrong_count),
        ("contradiction", overclaim),
        ("contradiction", contradiction),
        ("contradiction", wrong_likelihood),
        ("contradiction", wrong_comparison),
        ("wording", unknown_word),
        ("wording", unheld),
    )


def _about(said: Said) -> list[Evidence]:
    """The cited evidence that concerns the claim's own attribute and one of its subjects."""
    claim = said.claim
    wanted = (claim.subject, *said.subjects)
    return [row for row in said.cited if row.attribute == claim.attribute and row.subject in wanted]


def _wrong_subject(said: Said) -> str | None:
    covered = {row.subject for row in _about(said)}
    if said.claim.subject in covered:
        return None
    for part in said.subjects:
        if part not in covered:
            return f"no cited evidence is about the {said.claim.attribute} of {part}"
    return None


def _wrong_value(said: Said) -> str | None:
    claimed = said.claim.value
    by_subject = claimed if isinstance(claimed, dict) and set(claimed) == set(said.subjects) else None
    for row in _about(said):
        value = by_subject.get(row.subject) if by_subject else claimed
        if row.status != "ok" and value is not None:
            return f"{row.id} has no value ({row.status}: {row.reason}), the claim says {value!r}"
        if not _equal(row.value, value):
            return f"{row.id} says {row.value!r}, the claim says {value!r}"
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


def _wrong_threshold(said: Said) -> str | None:
    for row in _about(said):
        if row.threshold is None or row.score is None:
            continue
        holds = row.threshold.holds(row.score)
        if isinstance(row.value, bool) and row.value is not holds:
            return (
                f"{row.id} contradicts itself: value {row.value}, but its score is on the other side of the threshold"
            )
    return None


def _unknown_reference(said: Said) -> str | None:
    known = {part for row in said.cited for part in row.subject.split(" + ")} | set(said.subjects)
    known |= {image_of(part) for part in known}
    known |= {row.value for row in said.cited if isinstance(row.value, str)}
    for reference in REFERENCE.findall(said.plain):
        if reference.lower() not in known:
            return f"the sentence speaks of {reference}, which none of the cited evidence is about"
    return None
