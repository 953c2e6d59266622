"""Of how many a sentence speaks: both, all, none, the others, only one, two of them."""

from __future__ import annotations

import re
from dataclasses import replace

from faceagent.ground.negation import negations
from faceagent.ground.phrase import Found, sayings_in, true
from faceagent.ground.sentence import Clause, Said, image_of
from faceagent.ground.wording import idiom

_COUNTING = ("face_count", "same_person", "frames", "age_order")
"""Attributes whose own numbers are counts: they are held against the evidence as numbers are."""
_TO_A_SIDE = re.compile(r"\b(?:to|towards?) (?:the|its|his|her|their) (?:left|right)\b(?! edge)", re.IGNORECASE)
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: number for number, word in enumerate(_WORDS, start=1)}


def quantified(said: Said, clause: Clause) -> Clause | str:
    """The clause with the faces that "both", "none of them", "everyone" stand for, or why they cannot be told."""
    text = clause.text
    if both := idiom("two").search(text):
        for group in (clause.subjects, said.scope(text)):
            if len(group) == 2:
                return replace(clause, subjects=group, named=True)
        return f"it is not clear whom {both[0]!r} means: {len(clause.subjects)} subjects are cited"
    if idiom("others").search(text) and not idiom("not_others").search(text):
        others = said.others(clause.subjects)
        return replace(clause, subjects=others, named=True) if others else "there are no other faces in view"
    if idiom("all").search(text) and said.claim.attribute != "face_count":
        return replace(clause, subjects=_measured(said, text) or clause.subjects, named=True)
    return clause


def _measured(said: Said, text: str) -> tuple[str, ...]:
    """The faces in view; where it speaks of those judged, only those of which what is cited has a value anywhere."""
    scope = tuple(said.scope(text))
    if not idiom("those_measured").search(text):
        return scope
    asked = {row.attribute for row in said.cited}
    known = {row.subject for row in said.ledger if row.attribute in asked and row.status == "ok"}
    return tuple(face for face in scope if face in known)


def wrong_place(said: Said, clause: Clause) -> str | None:
    """A face said to be on the left, or to the left of another one, that is not."""
    if match := idiom("unmeasured_place").search(clause.text):
        return f"no evidence measures {match[0]!r}: faces are told apart by their order from left to right only"
    if reason := _elsewhere(clause):
        return reason
    found = idiom("beside").search(clause.text) or idiom("side").search(clause.text)
    if found is None:
        return _unmeasured_side(said, clause)
    face, *others = [one for one in clause.subjects if one.startswith("face ")] or [""]
    row = [one for one in said.faces if image_of(one) == image_of(face)] if face else []
    if len(row) < 2 or any(other not in row for other in others):
        return f"no evidence measures {found[0]!r}: it needs faces in one photo"
    to_the_left = (found.groupdict().get("way") or found.groupdict().get("side") or "").lower() == "left"
    ends = row[:1] if to_the_left else row[-1:]
    right = all((row.index(face) < row.index(other)) is to_the_left for other in others) if others else face in ends
    return None if right else f"from left to right the faces are {', '.join(row)}, which is not {found[0]!r} for {face}"


def _elsewhere(clause: Clause) -> str | None:
    """ "Face 1.2 is in image 2": a face is in the photo that its id begins with."""
    for match in idiom("elsewhere").finditer(clause.text):
        found = match.groupdict()
        face = (found["one"] or found["who"] or found["beside"]).lower()
        image = (found["other"] or found["shown"] or found["there"]).lower()
        if image_of(face) != image or found["more"] not in (None, image):
            return f"{match[0]!r} says that somebody is in two photos: compare the faces and say which show one person"
    return None


def _unmeasured_side(said: Said, clause: Clause) -> str | None:
    """ "Turned to the right, then to the left": of a side that no phrase speaks of nothing was measured."""
    spans = [(one.start, one.start + len(one.text)) for one in sayings_in(clause.text, said.words)]
    for match in _TO_A_SIDE.finditer(clause.text):
        if not any(start <= match.start() < end for start, end in spans):
            return f"no cited evidence measures {match[0]!r}"
    return None


def share_of(said: Said, clause: Clause) -> str | None:
    """ "two", "most" where the clause says something of so many of the faces in view."""
    match = idiom("some").search(idiom("not_comparisons").sub(" ", clause.text))
    if match is None or clause.named or said.claim.attribute in _COUNTING:
        return None
    return (match["of"] or match["such"]).lower()


def wrong_share(said: Said, clause: Clause, found: Found, share: str) -> str | None:
    """ "Two of them are sharp" is counted over all faces in view."""
    scope = said.scope(clause.text)
    rows = {face: found.on(said, face) for face in scope}
    if lacking := [face for face, pairs in rows.items() if not pairs]:
        return f"{share!r} counts the faces in view, and no evidence on {', '.join(lacking)} is cited"
    denied = negations(clause.text, found.start, said.words) == 1
    count = sum(any(true(*pair) for pair in pairs) is not denied for pairs in rows.values())
    low, high = _bounds(share, len(scope))
    return None if low <= count <= high else f"{found.text!r} is true of {count} of {len(scope)} faces, not of {share}"


def _bounds(share: str, faces: int) -> tuple[float, float]:
    if share == "most":
        return faces // 2 + 1, faces
    if share == "half":
        return faces / 2, faces / 2
    if share.isdigit() or share in _NUMBERS:
        exact = int(share) if share.isdigit() else _NUMBERS[share]
        return exact, exact
    return 2, faces - 1


def not_only(said: Said, clause: Clause, found: Found) -> str | None:
    """ "Only face 1.1 is sharp" says something of all the other faces as well."""
    if not idiom("only").search(clause.text):
        return None
    for other in said.scope(clause.text):
        if other in clause.subjects:
            continue
        pairs = found.on(said, other)
        if not pairs:
            return f"'only' needs evidence on every face, and none on {other} is cited"
        if any(true(*pair) for pair in pairs):
            return f"{pairs[0][0].id} says {pairs[0][0].value!r} of {other} too, so it is not the only one"
    return None
