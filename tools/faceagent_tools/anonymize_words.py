"""The words for what anonymize_faces did: a pure function of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent.tool import Names
from faceagent.types import Claim, Evidence

_DONE = {"pixelate": "pixelated", "blur": "blurred", "mask": "masked"}


def word(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """The copy, what is still recognisable, what is not, and what no copy can promise."""
    copies = [row for row in evidence if row.attribute == "anonymised_copy"]
    checks = [row for row in evidence if row.attribute == "reidentification"]
    made = [row for row in copies if row.status == "ok"]
    claims = [_copy(row, checks, names) for row in copies]
    claims += _checked([row for row in checks if row.value == "recognisable"], names)
    claims += _checked([row for row in checks if row.value == "not_recognisable"], names)
    claims += _unchecked([row for row in checks if row.status == "abstained"], names)
    claims += _left([row for row in checks if row.status == "not_applicable"], names)
    if made:
        claims += _caveats(made[0])
    return claims


def _copy(row: Evidence, checks: Sequence[Evidence], names: Names) -> Claim:
    if row.status != "ok":
        sentence = f"No copy of {names.of(row.subject)} was made, because no face was found in it."
        return Claim.on([row], sentence, "answer")
    faces = _ids(row, "faces_hidden")
    all_hidden = not row.details["faces_left"]
    who = _who(faces, names, all_hidden)
    are = "is" if len(faces) == 1 else "are"
    done = _DONE[str(row.details["method"])]
    copy = "the copy" if len(names.images) == 1 else f"the copy of {row.subject}"
    sentence = f"{_start(who)} {are} {done} in {copy}, “{row.details['file']}” ({row.value}), which holds no metadata."
    return Claim.on([row], sentence, "answer", *(check for check in checks if check.subject in faces))


def _ids(row: Evidence, key: str) -> list[str]:
    found = row.details[key]
    return [str(item) for item in found] if isinstance(found, list) else []


def _who(faces: Sequence[str], names: Names, every: bool) -> str:
    if every and len(faces) > 1:
        return "both faces" if len(faces) == 2 else "all the faces"
    said = [names.of(face) for face in faces]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _all_in(rows: Sequence[Evidence], names: Names) -> str:
    return _who([row.subject for row in rows], names, len(rows) == len(names.faces))


def _checked(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    if not rows:
        return
    if rows[0].value == "recognisable":
        who = _start(_all_in(rows, names))
        masked = rows[0].details["method"] == "mask"
        advice = "do not pass the copy on" if masked else "choose the mask instead"
        sentence = f"{who} can still be recognised in the copy by this system: {advice}."
        yield Claim.on(rows, sentence, "answer")
        return
    they, are = ("it", "is") if len(rows) == 1 else ("they", "are")
    # "Does not recognise both" could mean that it recognises one.
    whom = {"both faces": "either face", "all the faces": "any of the faces"}
    said = _all_in(rows, names)
    sentence = (
        f"This system no longer recognises {whom.get(said, said)} in the copy: {they} {are} less like the original "
        "than nearly all pairs of photos of one person are."
    )
    yield Claim.on(rows, sentence, "reason")


def _unchecked(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    if rows:
        they, are = ("it", "is") if len(rows) == 1 else ("they", "are")
        sentence = (
            f"{_start(_all_in(rows, names))} {are} too small for a check whether {they} could still be recognised; "
            f"{they} {are} hidden all the same."
        )
        yield Claim.on(rows, sentence, "reason")


def _left(rows: Sequence[Evidence], names: Names) -> Iterator[Claim]:
    if rows:
        who = _start(_who([row.subject for row in rows], names, False))
        yield Claim.on(rows, f"{who} {'was' if len(rows) == 1 else 'were'} left visible, as asked.", "reason")


def _caveats(row: Evidence) -> Iterator[Claim]:
    sentence = (
        "A face that was not found is not hidden, and clothes, hair, companions or the place can still tell who "
        "somebody is: look the copy over before you pass it on."
    )
    yield Claim.on([row], sentence, "doubt")
    if row.details["method"] != "mask":
        sentence = "A recogniser trained on such faces may see more than this check; a mask leaves nothing to see."
        yield Claim.on([row], sentence, "doubt")
