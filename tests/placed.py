"""Faces put where a test wants them, what is read of each, and conditions of words.toml that nothing ever meets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from held import word
from hypothesis import strategies as st

from faceagent.ground.wording import core
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import AnyTool, Toolbox
from faceagent.types import Box, Claim, Evidence, Face
from faceagent_tools.multitask import FaceReader, Reading

Place = tuple[int, float, bool]
"""The photo (1 or 2) in which a face is, how wide it is, and whether most of it lies outside."""
STEP = 200

WIDTHS = st.one_of(st.just(100.0), st.just(100.0), st.floats(1, 190), st.floats(15, 30))
PLACES = st.lists(
    st.tuples(st.sampled_from((1, 1, 2)), WIDTHS, st.sampled_from((False, False, False, True))), min_size=1, max_size=4
)


def below(line: float) -> st.SearchStrategy[float]:
    """Lengths in pixels that do not reach a line, many of them nearly: by more than coordinates are rounded."""
    return st.one_of(st.floats(line - 1, line - 1e-6), st.floats(1, line - 1e-6))


class Given(FaceReader):
    """Gives each face the reading that a test made for it."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        super().__init__()
        self.readings = readings

    def read(self, session: Session, face: Face) -> Reading:
        return self.readings[number_of(session, face)]


def number_of(session: Session, face: Face) -> int:
    """The place of a face among all those of a session."""
    return [one.id for one in session.faces()].index(face.id)


def placed(places: Sequence[Place], purpose: str | None = None) -> Session:
    """A session with blank photos, as many as are named, and faces side by side in them."""
    session = Session(purpose)
    for number in range(1, max(image for image, _, _ in places) + 1):
        photo = session.add(Photo.open(np.zeros((STEP, STEP * len(places), 3), np.uint8), name=f"photo {number}.jpg"))
        here = [place for place in places if place[0] == number]
        session.set_faces(photo, [_face(photo, count, width, out) for count, (_, width, out) in enumerate(here, 1)])
    return session


def _face(photo: str, count: int, width: float, out: bool) -> Face:
    left, top = STEP * (count - 1) + 5, -0.7 * width if out else 5
    box = Box(x0=left, y0=top, x1=left + width, y1=top + width)
    return Face(id=f"face {photo.removeprefix('image ')}.{count}", image=photo, box=box, score=1.0)


def ask(tool: AnyTool, session: Session, **arguments: object) -> tuple[list[Evidence], list[Claim]]:
    """What a tool finds, and what it says of that, held by `held.word`."""
    outcome = Toolbox([tool]).call(session, tool.name, arguments)[-1]
    assert outcome.step.status == "ok", outcome.step.message
    return list(outcome.evidence), word(tool, outcome.evidence, session)


def some_of(session: Session, chosen: Sequence[bool]) -> list[str]:
    """Ids of some faces, to be named as subjects; none named means all."""
    return [face.id for face, wanted in zip(session.faces(), chosen, strict=False) if wanted]


CHOSEN = st.one_of(st.just([]), st.lists(st.booleans(), min_size=4, max_size=4))


def never_met(rows: Iterable[Evidence], *attributes: str) -> list[str]:
    """Conditions of words.toml on these attributes, each alternative by itself, that none of these rows meets."""
    found = list(rows)
    return [
        f"{attribute}: {condition}"
        for attribute in attributes
        for condition in _alternatives(attribute)
        if not any(row.attribute == attribute and _met(condition, row) for row in found)
    ]


def _alternatives(attribute: str) -> list[str]:
    return [
        one
        for saying in core().topics[attribute].sayings
        for alternative in saying.condition.removeprefix("every ").split(" or ")
        for one in alternative.split("|")
    ]


def _met(condition: str, row: Evidence) -> bool:
    saying = replace(core().topics[row.attribute].sayings[0], condition=condition)
    return (row.status == "ok" or saying.of_details) and saying.true_of(row)
