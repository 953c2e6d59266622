"""The words for what enroll_person and forget_person did: a pure function of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent.tool import Names
from faceagent.types import Claim, Evidence

_BOTH_NAMES = (
    "Nothing was written: say so if a second name is meant, or else use the other name or erase its entry first."
)
_INDEX = "An index at another address was written anew as well, but its files there were not searched."


def enrolled(evidence: Sequence[Evidence], names: Names) -> list[Claim]:
    """Whether the person is enrolled and with which photos, what was left out and why, and who is alike."""
    claims: list[Claim] = []
    for row in evidence:
        if row.attribute == "enrolment":
            claims += _enrolment(row, names)
        else:
            sentence = f"{names.start(row.subject)} was left out, because {row.reason}."
            claims.append(Claim.on([row], sentence, "reason"))
            claims += _choice(row, names)
    return claims


def _choice(row: Evidence, names: Names) -> Iterator[Claim]:
    if row.details.get("faces"):
        sentence = f"The faces in {names.of(row.subject)} are counted from left to right: say which of them is meant."
        yield Claim.on([row], sentence, "reason")


def _enrolment(row: Evidence, names: Names) -> Iterator[Claim]:
    who = f"“{row.details['name']}”"
    if row.status != "ok":
        yield Claim.on([row], f"{who} was not enrolled, because {row.reason}.", "answer")
        if row.details.get("under_another_name"):
            yield Claim.on([row], _BOTH_NAMES, "reason")
        return
    count = row.details["photos"]
    photos = "one photo" if count == 1 else f"{count} photos"
    protected = " as a protected person" if row.details["protected"] else ""
    sentence = f"{who} was enrolled{protected} with {photos}, for the purpose “{row.details['purpose']}”."
    yield Claim.on([row], sentence, "answer")
    if row.details["chosen_in"]:
        sentence = "Of several faces in a photo, the one that is like the other photos was taken."
        yield Claim.on([row], sentence, "reason")
    if row.details["until"]:
        yield Claim.on([row], f"The entry is kept until “{row.details['until']}”.", "reason")
    if row.details["also_like"]:
        sentence = (
            f"The photos are also alike enough to be named “{row.details['also_like']}”, who is enrolled: look whether "
            "somebody has another name there."
        )
        yield Claim.on([row], sentence, "doubt")
    if row.details["templates"] == 1:
        sentence = "With a single photo the person may be missed in other light or at another age; more photos help."
        yield Claim.on([row], sentence, "doubt")


def forgotten(evidence: Sequence[Evidence]) -> list[Claim]:
    """What was removed, and whether anything is left."""
    return [claim for row in evidence if row.attribute == "erasure" for claim in _erasure(row)]


def _erasure(row: Evidence) -> Iterator[Claim]:
    who = f"“{row.details['name']}”"
    if row.status != "ok":
        yield Claim.on([row], f"Under the name {who} there is nothing to erase, because {row.reason}.", "answer")
        return
    count, searched = row.details["templates"], row.details["files_searched"]
    what = "one template" if count == 1 else f"{count} templates"
    yield Claim.on([row], f"{who} was erased from the gallery, with {what}.", "answer")
    files = "one file" if searched == 1 else f"{searched} files"
    if row.value == "erased":
        sentence = (
            f"All {row.details['pieces']} stored pieces were then looked for in the gallery's {files}, and none was "
            "found."
        )
        yield Claim.on([row], sentence, "reason")
    else:
        sentence = (
            f"In {row.details['files_with_remains']} of the gallery's {files} something was still found: look into it."
        )
        yield Claim.on([row], sentence, "answer")
    if row.details["index_unsearched"]:
        yield Claim.on([row], _INDEX, "doubt")
    yield Claim.on([row], "Copies of the gallery that others made are not reached.", "doubt")
