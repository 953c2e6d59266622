"""What assess_quality says of whatever could be measured: every sentence is carried by its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from held import told_below
from hypothesis import given, settings
from hypothesis import strategies as st
from placed import CHOSEN, PLACES, Given, Place, ask, below, never_met, number_of, placed, some_of
from readings import read_as

from faceagent.session import Session
from faceagent.types import Claim, Evidence, Face
from faceagent_tools import align, pose_table, quality_table, resolution
from faceagent_tools import quality_measures as measures
from faceagent_tools.multitask import Reading
from faceagent_tools.quality import SMALLEST_FACE_PX, AssessQuality
from faceagent_tools.quality_table import CoverScores, Scale

TABLE = quality_table.table()
EYES = pose_table.table().model_copy(
    update={"eye_open": pose_table.table().eye_open.model_copy(update={"value": 0.25})}
)
"""Lines between which eyes are neither open nor closed."""
DOCUMENTS = TABLE.eyes.forensic.value if TABLE.eyes.forensic else 0
LIGHT = measures.Light(mean=120, contrast=90, dark_share=0, bright_share=0)


@dataclass(frozen=True)
class Seen:
    """What the measures give for one face. cover: scores of eyes and mouth."""

    sharpness: float = 0.1
    light: measures.Light = LIGHT
    noise: float = 1
    detail: float = 1
    eyes: float = 60
    factor: float | None = 1
    cover: tuple[float, float] = (0, 0)
    yaw: float = 0
    openings: tuple[float, float, float] = (0.3, 0.3, 0)

    @property
    def reading(self) -> Reading:
        return replace(read_as({}, yaw=self.yaw), openings=self.openings)


class Measures:
    """Stands in for all that is measured on pixels."""

    def __init__(self, session: Session, seen: list[Seen], blocks: list[float]) -> None:
        self.session, self.seen, self.blocks = session, seen, iter(blocks)
        self.now = seen[0]

    def align(self, session: Session, face: Face) -> Measures:
        """In place of `Aligned`: whatever is measured next is measured on this face."""
        self.now = self.seen[number_of(session, face)]
        return self

    points = np.zeros((5, 2))

    def chip(self, size: int, padding: float) -> np.ndarray:
        return np.zeros((8, 8, 3), np.uint8)

    def scores(self, chip: np.ndarray) -> CoverScores:
        return CoverScores(*self.now.cover)

    def put(self, patched: pytest.MonkeyPatch) -> None:
        patched.setattr(align, "of", self.align)
        patched.setattr(pose_table, "table", lambda: EYES)
        patched.setattr(quality_table, "occlusion_net", lambda: self)
        patched.setattr(resolution, "factor", lambda pixels, centre, side: self.now.factor)
        for name, found in (
            ("blockiness", lambda y: next(self.blocks)),
            ("sharpness", lambda y: self.now.sharpness),
            ("light", lambda y: self.now.light),
            ("noise", lambda y: self.now.noise),
            ("fine_detail", lambda y: self.now.detail),
            ("eye_distance", lambda points: self.now.eyes),
        ):
            patched.setattr(measures, name, found)


def around(scale: Scale, low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers on both sides of every line of a scale, and on the lines."""
    lines = sorted({line.value for line in (scale.ordinary, scale.identity, scale.attributes, scale.forensic) if line})
    ends = [low, *lines, high]
    between = [st.floats(a, b) for a, b in pairwise(ends)]
    return st.one_of(*between, *map(st.just, lines), st.floats(lines[-1] if scale.rule == ">=" else low, high))


@st.composite
def seen_(draw: st.DrawFn) -> Seen:
    """Mostly good, with a few faults."""
    plain = Seen()
    light = replace(
        plain.light,
        mean=draw(around(TABLE.brightness, 0, 250)),
        bright_share=draw(around(TABLE.glare, 0, 1)),
        contrast=draw(around(TABLE.contrast, 0, 255)),
    )
    faults = {
        "sharpness": around(TABLE.sharpness, 0, 0.3),
        "light": st.just(light),
        "noise": around(TABLE.noise, 0, 80),
        "detail": around(TABLE.detail, -2, 2),
        "eyes": around(TABLE.eyes, 1, 400),
        "factor": st.one_of(st.none(), st.floats(1, 4)),
        "cover": st.tuples(st.sampled_from((0, 1)), st.sampled_from((0, 1))),
        "yaw": st.floats(-90, 90),
        "openings": st.tuples(*[st.sampled_from((0.0, 0.19, 0.5))] * 3),
    }
    wrong = draw(st.lists(st.sampled_from(list(faults)), max_size=5, unique=True))
    large = replace(plain, eyes=draw(st.sampled_from((60, 95))))
    return replace(large, **{name: draw(faults[name]) for name in wrong})


@settings(max_examples=80)
@given(
    PLACES,
    st.lists(seen_(), min_size=4, max_size=4),
    st.lists(around(TABLE.compression, 0, 3), min_size=2, max_size=2),
    st.lists(st.sampled_from(("document", "sharpest")), max_size=2, unique=True),
    CHOSEN,
)
def test_whatever_is_measured_every_sentence_is_carried(
    places: list[Place], seen: list[Seen], blocks: list[float], about: list[str], chosen: list[bool]
) -> None:
    said(places, seen, blocks, about, chosen)


def said(
    places: list[Place],
    seen: list[Seen],
    blocks: Sequence[float] = (0, 0),
    about: Sequence[str] = (),
    chosen: Sequence[bool] = (),
) -> tuple[list[Evidence], list[Claim]]:
    session = placed(places)
    with pytest.MonkeyPatch.context() as patched:
        Measures(session, seen, blocks).put(patched)
        tool = AssessQuality(Given([one.reading for one in seen]))
        return ask(tool, session, about=about, subjects=some_of(session, chosen))


@settings(max_examples=40)
@given(st.lists(below(SMALLEST_FACE_PX), min_size=1, max_size=3))
def test_a_face_below_the_line_is_not_said_to_be_as_wide_as_the_line(widths: list[float]) -> None:
    rows, claims = said([(1, width, False) for width in widths], [Seen()] * len(widths))
    reasons = {row.reason for row in rows if row.reason is not None}
    assert {told_below(text)[1] for text in (claims[0].sentence, *reasons)} == {SMALLEST_FACE_PX}


@settings(max_examples=40)
@given(st.lists(st.tuples(below(DOCUMENTS), st.sampled_from((1.0, 3.0))), min_size=1, max_size=3))
def test_eyes_below_what_documents_ask_for_are_not_said_to_be_as_far_apart(eyes: list[tuple[float, float]]) -> None:
    """Too near each other, or with too little detail between them."""
    seen = [Seen(eyes=apart * factor, factor=factor) for apart, factor in eyes]
    _, claims = said([(1, 100.0, False)] * len(eyes), seen)
    for claim in claims:
        if "the standard asks for" in claim.sentence:
            assert told_below(claim.sentence)[1] == DOCUMENTS


def test_there_are_no_words_for_what_is_never_measured() -> None:
    dark, bright, flat = replace(LIGHT, mean=1), replace(LIGHT, bright_share=1), replace(LIGHT, contrast=1)
    faults = (
        *({}, {"sharpness": 0.01}, {"sharpness": 0.05}, {"light": dark}, {"light": replace(dark, mean=30)}),
        *({"light": bright}, {"light": replace(bright, bright_share=0.1)}, {"light": flat}),
        *({"light": replace(flat, contrast=30)}, {"noise": 8}, {"noise": 30}, {"eyes": 95}, {"eyes": 95, "detail": -1}),
        *(
            {"eyes": 5},
            {"factor": 3},
            {"eyes": 95, "factor": 3},
            {"yaw": 30},
            {"yaw": 70},
            {"cover": (1, 1)},
            {"openings": (0.0, 0.0, 0.5)},
        ),
        {"openings": (0.19, 0.19, 0.5)},
    )
    rows = [row for fault in faults for row in said([(1, 100.0, False)], [Seen(**fault)])[0]]
    rows += said([(1, 20.0, False)], [Seen()])[0]
    for blocks in (0.5, 2):
        rows += said([(1, 100.0, False)], [Seen()], [blocks])[0]
    kinds = {row.attribute for row in rows}
    assert len(kinds) == 12
    assert never_met(rows, *sorted(kinds)) == []
