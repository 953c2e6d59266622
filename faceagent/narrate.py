"""Evidence into plain sentences, with no model: reports, and the wording that takes over when a controller's fails.

Each tool words its own evidence (`FaceTool.word`). Here the sentences of several tools become one text: the answer
first, then the reasons, then the doubts, then what could not be established.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pydantic import JsonValue

from faceagent.messages import N_
from faceagent.tool import DETECTOR, Names, Outcome, Toolbox
from faceagent.types import Claim, ClaimRole, Evidence

ROLES: tuple[ClaimRole, ...] = ("answer", "reason", "doubt")
OPEN: tuple[JsonValue, ...] = ("undecided", "inconclusive", "no_sign", [], None)
"""Values of an answer that leaves the question open: nothing was found, which settles less than a finding does."""


@dataclass(frozen=True)
class Narration:
    """What can be said, and what cannot."""

    claims: tuple[Claim, ...]
    not_established: tuple[str, ...]


def narrate(
    outcomes: Sequence[Outcome], asked: Sequence[str], tools: Toolbox, names: Names, *, in_turn: bool = False
) -> Narration:
    """Word what tool calls gave.

    Args:
        outcomes: in the order in which they happened.
        asked: names of the tools that the question is about, most important first. Others were run on the way
            (the detector before everything that needs faces) and are mentioned only where they explain a gap.
        in_turn: the tools' answers in this order, each with its reasons and doubts; else all answers come first.
    """
    by_tool: dict[str, list[Evidence]] = {}
    for outcome in outcomes:
        by_tool.setdefault(outcome.step.tool, []).extend(outcome.evidence)
    claims: list[Claim] = []
    for name in (name for name in asked if name in tools):
        calls = [outcome.evidence for outcome in outcomes if outcome.step.tool == name]
        for rows in calls if in_turn else [by_tool.get(name, [])]:
            said = tools[name].word(rows, names) if rows else []
            claims.extend(in_order(said) if in_turn else said)
    if DETECTOR not in asked and DETECTOR in tools:
        claims = [*_faceless(by_tool.get(DETECTOR, []), tools, names), *claims]
    ordered = {claim.sentence: claim for claim in claims}.values() if in_turn else in_order(claims)
    return Narration(tuple(ordered), tuple(dict.fromkeys(_gaps(outcomes, asked, by_tool))))


def _faceless(detections: Sequence[Evidence], tools: Toolbox, names: Names) -> list[Claim]:
    """The detector's sentences for photos without a face: they are why other tools have nothing to say."""
    empty = {row.subject for row in detections if row.attribute == "face_count" and row.value == 0}
    rows = [row for row in detections if row.subject in empty]
    return list(tools[DETECTOR].word(rows, names)) if rows else []


def _gaps(outcomes: Sequence[Outcome], asked: Sequence[str], by_tool: dict[str, list[Evidence]]) -> Iterable[str]:
    for outcome in outcomes:
        label = LABELS.get(outcome.step.tool, outcome.step.tool)
        if outcome.step.status == "refused" and outcome.step.message:
            yield outcome.step.message  # it says itself what is lacking, and what to do
        elif outcome.step.status != "ok" and outcome.step.message:
            yield f"{label}: not done. {outcome.step.message}"
        elif outcome.step.tool in asked and not by_tool[outcome.step.tool]:
            yield f"{label}: no face was found to measure it on."


def in_order(claims: Iterable[Claim]) -> list[Claim]:
    """Answers, then reasons, then doubts; each sentence once. Of the answers those that leave it open come last."""
    seen: dict[str, Claim] = {}
    for claim in claims:
        seen.setdefault(claim.sentence, claim)
    return sorted(seen.values(), key=lambda claim: (ROLES.index(claim.role), _open(claim)))


def _open(claim: Claim) -> bool:
    return claim.role == "answer" and claim.value in OPEN


_ENDS = tuple(".!?。！？")


def cited(claim: Claim) -> str:
    """The sentence with its evidence ids: "The face is sharp [e3]." """
    body, end = (claim.sentence[:-1], claim.sentence[-1]) if claim.sentence[-1:] in _ENDS else (claim.sentence, "")
    return f"{body} [{', '.join(claim.evidence)}]{end}"


def compose(
    claims: Sequence[Claim],
    not_established: Sequence[str] = (),
    remarks: Sequence[str] = (),
    *,
    heading: str = "Not established:",
    space: str = " ",
) -> str:
    """One text: a paragraph for each run of answers, reasons or doubts, as they come, and one for the gaps.

    Args:
        heading: what the gaps begin with, unless they are all that is said.
        space: what stands between sentences.
    """
    paragraphs = [space.join(remarks)]
    paragraphs += [space.join(map(cited, run)) for _, run in groupby(claims, key=lambda claim: claim.role)]
    if not_established:
        gaps = space.join(not_established)
        paragraphs.append(f"{heading} {gaps}" if any(paragraphs) else gaps)
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


# What each tool of the contract is for, in the words of a reader. Used for what is missing or not offered.
LABELS: dict[str, str] = {
    "detect_faces": N_("Finding faces"),
    "estimate_pose": N_("The direction of the head"),
    "compare_faces": N_("Comparing faces"),
    "identify_person": N_("Finding a person among those enrolled"),
    "verify_protected_identity": N_("Checking a protected person"),
    "estimate_attributes": N_("Estimating age and other attributes"),
    "recognize_emotion": N_("Reading the facial expression"),
    "assess_quality": N_("Judging the quality of the photo"),
    "check_liveness": N_("Telling a live face from a print or a screen"),
    "detect_forgery": N_("Examining the pixels for manipulation"),
    "examine_video": N_("Following faces through a video"),
    "inspect_provenance": N_("Reading the file's records"),
    "describe_face": N_("Describing a face in free words"),
    "parse_face": N_("Outlining the regions of a face"),
    "anonymize_faces": N_("Hiding faces"),
    "enroll_person": N_("Enrolling a person"),
    "forget_person": N_("Erasing an enrolled person"),
}
