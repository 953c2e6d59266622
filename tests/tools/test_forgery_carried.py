"""Whatever the parts of the forgery examination find, its sentences are carried and exist in all languages."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
from held import word
from hypothesis import given, settings
from hypothesis import strategies as st
from languages import assert_said_in_all_languages, assert_shown_in_all_languages, assert_told_in_all_languages
from PIL import Image
from placed import never_met
from readings import read_as

from faceagent.errors import ToolError, WeightsMissing
from faceagent.ground import fault
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Evidence, Face, Pose
from faceagent_tools.forensics import ensemble, signals, voices, witnesses
from faceagent_tools.forensics.declared import Row
from faceagent_tools.forensics.ensemble import Examined, Examiner
from faceagent_tools.forensics.mesonet import GRAPHS
from faceagent_tools.forensics.network import Look
from faceagent_tools.forensics.temporal import Finding
from faceagent_tools.forensics.view import Unmeasured
from faceagent_tools.forensics.windows import KINDS
from faceagent_tools.forgery import DetectForgery
from faceagent_tools.multitask import FaceReader, Reading

SIDE = 300


@dataclass(frozen=True, eq=False)
class Seen:
    """One face: how wide and where it is, how it reads, what the parts find, and what other detectors say of it."""

    width: float
    left: float
    reading: Reading
    look: Look
    signals: Any
    weighed: Any
    clip: float
    blockiness: float
    enlarged: float
    others: tuple[float, ...]
    fails: tuple[bool, ...]

    @property
    def box(self) -> Box:
        return Box(x0=self.left, y0=50, x1=self.left + self.width, y1=150)


class Reads(FaceReader):
    def __init__(self, seen: dict[str, Seen]) -> None:
        super().__init__()
        self.seen = seen

    def read(self, session: Session, face: Face) -> Reading:
        return self.seen[face.id].reading


class Finds(Examiner):
    """Finds what was made up; only how it is joined is the product's."""

    def __init__(self, seen: dict[str, Seen], with_clip: bool) -> None:
        super().__init__()
        self.seen, self.with_clip = seen, with_clip

    @property
    def stack(self) -> ensemble.Stack:
        return ensemble.stack(self.with_clip)

    def examine(self, photo: Photo, face: Face, points: Any) -> Examined:
        one = self.seen[face.id]
        parts = ensemble.parts_of(one.look, one.weighed, one.clip if self.with_clip else None)
        return Examined(
            one.look,
            one.signals,
            one.weighed,
            parts,
            log_odds=self.stack.log_odds(parts),
            synthetic=ensemble.synthetic(one.look),
            blockiness=one.blockiness,
            enlarged=one.enlarged,
        )


def _shares(*names: str) -> st.SearchStrategy[Any]:
    raw = st.lists(st.floats(0.01, 1), min_size=len(names), max_size=len(names))
    return raw.map(lambda found: np.array(found) / sum(found))


def _or_unmeasured(*reasons: tuple[str, str]) -> st.SearchStrategy[Any]:
    unmeasured = st.sampled_from([Unmeasured(status, reason) for status, reason in reasons])  # type: ignore[arg-type]
    return st.one_of(st.none(), st.none(), unmeasured)


_CANNOT_COMPARE = ("abstained", "too little of the face or of its surroundings can be seen to compare them")
_SIGNALS = st.builds(
    lambda features, **families: SimpleNamespace(
        features=features, **{name: SimpleNamespace() if found is None else found for name, found in families.items()}
    ),
    features=st.fixed_dictionaries(
        {}, optional={one.feature: st.floats(-40, 40) | st.sampled_from((0.0, 1e3)) for one in witnesses.APART}
    ),
    spectrum=_or_unmeasured(("abstained", "at less than 48 pixels across a face has too little of a spectrum")),
    noise=_or_unmeasured(_CANNOT_COMPARE),
    geometry=_or_unmeasured(
        ("abstained", "at less than 50 pixels across a face's edge is a few pixels"),
        ("abstained", "the edge of the face lies outside of the photo"),
    ),
    compression=_or_unmeasured(
        ("not_applicable", "traces of JPEG compression are read from JPEG files only"), _CANNOT_COMPARE
    ),
)
_WEIGHED = st.builds(
    lambda kinds, strange: signals.Weighed(
        kinds=dict(zip(signals.KINDS, kinds, strict=True)),
        strange=strange,
        leading={kind: {"noise.contrast": 1.5, "spectrum.luma.12": -0.2} for kind in signals.KINDS},
    ),
    st.lists(st.floats(0, 1), min_size=2, max_size=2),
    st.sampled_from((1.0, 1.0, 1.0, 9.0)),
)
_LOOKS = st.builds(
    lambda score, kinds, marked, far: Look(score, kinds, _cells(marked), far, 1.0),
    st.floats(-15, 15),
    _shares(*KINDS),
    st.tuples(st.integers(0, 38), st.integers(0, 38), st.integers(1, 20), st.floats(0, 1)),
    st.sampled_from((1.0, 1.0, 1.0, 9.0)),
)


def _cells(marked: tuple[int, int, int, float]) -> Any:
    """A map that is high in one square."""
    x, y, side, strength = marked
    cells = np.full((38, 38), 0.05)
    cells[y : y + side, x : x + side] = strength
    return cells


def _points(left: float) -> Any:
    """78 points in a square of 100, where a face has them."""
    angle = np.linspace(0, np.pi, 17)
    jaw = np.stack([50 - 45 * np.cos(angle), 45 + 50 * np.sin(angle)], axis=1)
    rng = np.random.default_rng(0)
    rest = [(20, 22, 5), (60, 22, 5), (50, 35, 4), (50, 55, 5), (25, 35, 6), (65, 35, 6), (50, 75, 20), (50, 0, 10)]
    inner = np.vstack([rng.uniform(-6, 6, (count, 2)) + np.array([x, y]) for x, y, count in rest])
    return np.vstack([jaw, inner])[:78] + np.array([left, 50])


@cache
def _plain() -> Reading:
    return read_as({})


def _reading(left: float, yaw: float, face: float, detail: float) -> Reading:
    return dataclasses.replace(
        _plain(), points=_points(left), pose=Pose(yaw=yaw, pitch=0, roll=0), face=face, detail=detail
    )


_MOSTLY = st.sampled_from((True,) * 6 + (False,))
_FACES = st.builds(
    lambda width, left, whole, look, found, weighed, clip, blocky, enlarged, others, fails: Seen(
        width,
        left,
        _reading(left, 0.0 if whole[0] else 75.0, 1.0 if whole[1] else 0.2, 1.0 if whole[2] else -1.0),
        look,
        found,
        weighed,
        clip,
        blocky,
        enlarged,
        others,
        fails,
    ),
    st.sampled_from((100.0, 100.0, 100.0, 187.4, 60.0, 59.6, 24.0, 1.0)),
    st.sampled_from((10.0, 150.0, 10.0, 150.0, -80.0)),
    st.tuples(_MOSTLY, _MOSTLY, _MOSTLY),
    _LOOKS,
    _SIGNALS,
    _WEIGHED,
    st.floats(-15, 15),
    st.sampled_from((0.1, 0.1, 0.1, 3.0)),
    st.floats(1, 4) | st.just(1.0),
    st.tuples(*[st.floats(0, 1)] * (len(GRAPHS) + 2)),
    st.tuples(*[st.sampled_from((False,) * 9 + (True,))] * (len(GRAPHS) + 2)),
)


def _declared(name: str, line: float | None, calibrated_on: str | None) -> Row:
    given: dict[str, Any] = {
        "name": name,
        "version": "1",
        "file": Path(f"{name}.onnx"),
        "sha256": "0" * 64,
        "licence": "CC0-1.0",
        "source": None,
        "calibrated_on": calibrated_on,
        "input": {"size": (224, 224)},
        "output": {"meaning": "probability", "line": line},
    }
    return Row.model_validate(given)


def _voices(seen: dict[str, Seen], line: float | None) -> list[Any]:
    """MesoNet's networks and two declared detectors, whose networks give the scores that were made up."""
    failures = (
        ToolError(
            "means “2” takes tensor(float) [1, 3] (2 inputs), not one float32 [1, 3, 224, 224]", "Export it again"
        ),
        WeightsMissing("/a/means.onnx, declared as means “2”, does not exist", "Put it there or change the path"),
    )

    def speaks(place: int) -> Any:
        def forged(pixels: Any, where: Any) -> float:
            one = next(
                one
                for one in seen.values()
                if where is one.reading.points or (isinstance(where, Box) and where == one.box)
            )
            if one.fails[place]:
                raise failures[place % 2]
            return one.others[place]

        return SimpleNamespace(forged=forged)

    heard: list[Any] = []
    for place, name in enumerate(GRAPHS):
        voice = voices._MesoNet(name)
        voice._network = speaks(place)
        heard.append(voice)
    for name, its_line, on in (("means “2”", line, "FaceForensics++ “c23”"), ("other", None, None)):
        declared = voices._Declared(_declared(name, its_line, on))
        declared._detector = speaks(len(heard))
        heard.append(declared)
    return heard


@cache
def _photo(jpeg: bool) -> Photo:
    pixels = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    if not jpeg:
        return Photo.open(pixels)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return Photo.open(buffer.getvalue())


def examined(
    photos: Sequence[Sequence[Seen]], *, with_clip: bool, speak: bool, line: float | None, jpeg: bool, **arguments: Any
) -> tuple[list[Evidence], DetectForgery, Session]:
    session, seen = Session(), {}
    for faces in photos:
        image = session.add(_photo(jpeg))
        number = image.removeprefix("image ")
        named = {f"face {number}.{place}": one for place, one in enumerate(faces, start=1)}
        seen |= named
        session.set_faces(image, [Face(id=name, image=image, box=one.box, score=1.0) for name, one in named.items()])
    tool = DetectForgery(Reads(seen), Finds(seen, with_clip))
    tool._voices = tuple(_voices(seen, line)) if speak else ()
    rows = [session.ledger.record(row) for row in tool.run(session, tool.arguments(**arguments))]
    return rows, tool, session


@given(
    st.lists(st.lists(_FACES, max_size=4), min_size=1, max_size=2),
    st.booleans(),
    st.booleans(),
    st.sampled_from((None, 0.0, 0.5, 0.7, 1.0)),
    st.booleans(),
    st.sampled_from(((), ("which",), ("outside",), ("which", "outside"))),
)
@settings(max_examples=25)
def test_whatever_is_found_every_sentence_is_carried(
    photos: list[list[Seen]], with_clip: bool, speak: bool, line: float | None, jpeg: bool, about: tuple[str, ...]
) -> None:
    rows, tool, session = examined(photos, with_clip=with_clip, speak=speak, line=line, jpeg=jpeg, about=about)
    for claim in word(tool, rows, session):
        if "MesoNet" in claim.sentence and "could not be asked" not in claim.sentence:
            assert_said_in_all_languages(claim.sentence)
    for limit in {limit for row in rows for limit in row.limitations}:
        assert_told_in_all_languages(limit)
    shown = {(row.attribute, row.status, row.reason): row for row in rows if row.attribute != voices.ATTRIBUTE}
    for row in shown.values():
        assert_shown_in_all_languages(row)


def _one(score: float, kind: str, feature: float = 0.0, **changed: Any) -> Seen:
    look = Look(score, np.array([0.9 if name == kind else 0.02 for name in KINDS]), _cells((10, 10, 9, 0.9)), 1.0, 1.0)
    found = SimpleNamespace(
        features={one.feature: feature if one.high else -feature for one in witnesses.APART},
        **{name: SimpleNamespace() for name in ("spectrum", "noise", "geometry", "compression")},
    )
    share = 0.5 if abs(score) < 9 else 0.99 if score > 0 else 0.01
    weighed = signals.Weighed(dict.fromkeys(signals.KINDS, share), 1.0, {kind: {} for kind in signals.KINDS})
    voices_say = (share,) * (len(GRAPHS) + 2)
    silent = (False,) * (len(GRAPHS) + 2)
    plain = Seen(100, 10, _reading(10, 0, 1, 1), look, found, weighed, 9 * (share - 0.5), 0.1, 1.0, voices_say, silent)
    return dataclasses.replace(plain, **changed)


def test_every_condition_of_the_table_can_be_met() -> None:
    stack = ensemble.stack(True)
    middle = ((stack.high + stack.low) / 2 - stack.intercept) / stack.weights["network"]
    seen = [_one(15, "swap", 1e3, enlarged=1.5), _one(15, "synthesis"), _one(-15, "none"), _one(middle, "none")]
    rows, _, _ = examined([seen], with_clip=True, speak=True, line=0.5, jpeg=True, about=("which",))
    assert {row.value for row in rows if row.attribute == "forgery"} == {*get_args(Finding)}
    parts = (*witnesses.WEIGHED.values(), *(one.attribute for one in witnesses.APART))
    unmet = never_met(rows, "forgery", voices.ATTRIBUTE, *parts)
    assert unmet == ["forgery: details.above_the_line"], "which is what examine_video finds"


def test_of_the_faces_judged_those_that_were_not_are_not_asked_about() -> None:
    clean = [_one(-15, "none") for _ in range(3)]
    rows, tool, session = examined(
        [[*clean, _one(0, "none", width=20)]], with_clip=False, speak=False, line=None, jpeg=False, about=("which",)
    )
    first, *_ = word(tool, rows, session)
    assert first.sentence == "None of the faces judged stands out."
    left_out = first.model_copy(update={"evidence": first.evidence[:2]})
    assert fault(left_out, session.ledger.get) is not None
