"""Run a tool as the agent does, and hold every sentence that it words against its own evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from languages import assert_said_in_all_languages, assert_shown_in_all_languages, assert_told_in_all_languages

from faceagent.ground import ground, words_of
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import AnyTool, Names, Toolbox
from faceagent.types import Claim, Evidence

OF_OTHERS = "forgery_voice"
"""Detectors that others brought, with titles and lines of their own."""


def call(
    tools: Sequence[AnyTool], photos: Sequence[Photo], **arguments: Any
) -> tuple[list[Evidence], list[Claim], Session]:
    """Call the last of the tools on a fresh session; its evidence, its grounded sentences, the session."""
    session, box, tool = Session(), Toolbox(tools), tools[-1]
    for photo in photos:
        session.add(photo)
    outcome = box.call(session, tool.name, arguments)[-1]
    assert outcome.step.status == "ok", outcome.step.message
    for limit in {limit for row in outcome.evidence for limit in row.limitations}:
        assert_told_in_all_languages(limit)
    for row in outcome.evidence:
        if row.attribute != OF_OTHERS:
            assert_shown_in_all_languages(row)
    claims = word(tool, outcome.evidence, session)
    return list(outcome.evidence), claims, session


def word(tool: AnyTool, evidence: Sequence[Evidence], session: Session) -> list[Claim]:
    names = Names(images=session.images, faces=tuple(face.id for face in session.faces()))
    claims = list(tool.word(evidence, names))
    rejected = ground(claims, session.ledger.get, words=words_of([tool])).rejected
    assert not rejected, [(item.claim.sentence, item.reason) for item in rejected]
    for claim in claims:
        if not _of_others(claim, evidence):
            assert_said_in_all_languages(claim.sentence)
    return claims


def _of_others(claim: Claim, evidence: Sequence[Evidence]) -> bool:
    """Whether it repeats an error, or the title of a detector that is not ours: neither is ours to translate."""
    rows = [row for row in evidence if row.id in claim.evidence]
    return any(row.status == "failed" or row.attribute == OF_OTHERS for row in rows)


def sentences(claims: Sequence[Claim]) -> str:
    return " ".join(claim.sentence for claim in claims)


def roles(claims: Sequence[Claim], role: str) -> str:
    return sentences([claim for claim in claims if claim.role == role])


def told_below(text: str) -> tuple[int, int]:
    """How many pixels something is said to have, and the line below which that is said to be."""
    found = re.search(r"(\d+) pixels\D*(\d+)", text)
    assert found is not None, text
    pixels, line = int(found[1]), int(found[2])
    assert pixels < line, text
    return pixels, line
