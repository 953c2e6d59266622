"""parse_face on a real portrait: regions where they belong, the same mirrored, areas that add up; a parser's masks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from held import call, sentences
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from placed import CHOSEN, PLACES, Given, Place, ask, never_met, number_of, placed, some_of
from readings import read_as

from faceagent.ground import fault
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Claim, Evidence, Face, Method
from faceagent_tools import parsing, uniface_backends
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.multitask import FaceReader
from faceagent_tools.parsing import FAR, NEAR, REGIONS, ParseFace

READER = FaceReader()
TOOLS = [DetectFaces(FaceDetector("dlib")), ParseFace(READER)]


def outlines(row: Evidence) -> dict[str, np.ndarray]:
    found = row.details["polygons_xy"]
    assert isinstance(found, dict)
    return {name: np.array(numbers, dtype=np.float32).reshape(-1, 2) for name, numbers in found.items()}


@pytest.fixture(scope="module")
def points(portrait: Photo) -> np.ndarray:
    (face,) = FaceDetector("dlib").detect(portrait, "image 1")
    return READER.read_photo(portrait, face).points


@pytest.fixture(scope="module")
def row(portrait: Photo) -> Evidence:
    return call(TOOLS, [portrait])[0][0]


def test_regions_lie_in_the_face_in_the_order_of_a_face(row: Evidence) -> None:
    found = outlines(row)
    assert row.region is not None
    box = row.region.scaled_about_centre(2)
    for name, outline in found.items():
        assert (outline >= [box.x0, box.y0]).all(), name
        assert (outline <= [box.x1, box.y1]).all(), name
    middle = {name: outline.mean(axis=0) for name, outline in found.items()}
    for side in (NEAR, FAR):
        assert middle[f"brow_{side}"][1] < middle[f"eye_{side}"][1] < middle["nose"][1] < middle["lips"][1]
    assert middle[f"eye_{NEAR}"][0] < middle["nose"][0] < middle[f"eye_{FAR}"][0]
    assert middle[f"brow_{NEAR}"][0] < middle["nose"][0] < middle[f"brow_{FAR}"][0]
    assert found["face"][:, 1].min() < middle[f"brow_{NEAR}"][1] - 10, "the forehead belongs to the face"


def test_outlines_lie_in_the_oval(row: Evidence) -> None:
    found = outlines(row)
    for name in ("nose", "lips", "mouth_opening", f"eye_{NEAR}", f"eye_{FAR}"):
        for x, y in found[name]:
            assert cv2.pointPolygonTest(found["face"], (float(x), float(y)), False) > 0, (name, x, y)


def test_areas_add_up(row: Evidence) -> None:
    share, parts = row.details["share_by_region"], row.details["share_of_the_face"]
    assert isinstance(share, dict)
    assert isinstance(parts, dict)
    assert row.value == list(REGIONS)
    assert set(share) == set(REGIONS)
    assert sum(share.values()) == pytest.approx(1, abs=0.001)
    assert sum(parts.values()) == pytest.approx(1, abs=0.001)
    assert all(0 < value < 1 for value in share.values())
    assert share["skin"] > 0.6
    assert share["lips"] > share[f"eye_{NEAR}"]


def test_mirrored_means_the_other_side(portrait: Photo, row: Evidence) -> None:
    mirrored = Photo.open(np.ascontiguousarray(portrait.pixels[:, ::-1]))
    other = outlines(call(TOOLS, [mirrored])[0][0])
    for name, twin in ((f"eye_{NEAR}", f"eye_{FAR}"), (f"eye_{FAR}", f"eye_{NEAR}"), ("lips", "lips")):
        x, y = outlines(row)[name].mean(axis=0)
        assert other[twin].mean(axis=0) == pytest.approx([portrait.width - x, y], abs=4), name


def test_upside_down_edges_are_still_those_of_the_photo(points: np.ndarray) -> None:
    turned = parsing.polygons(512 - points)
    assert turned[f"eye_{NEAR}"][:, 0].mean() < turned[f"eye_{FAR}"][:, 0].mean()
    assert turned[f"brow_{NEAR}"][:, 0].mean() < turned[f"brow_{FAR}"][:, 0].mean()


def test_the_picture_shows_the_face_with_its_regions_tinted(portrait: Photo) -> None:
    (row,), _, session = call(TOOLS, [portrait])
    data = session.picture(str(row.details["picture"]))
    assert data is not None
    shown = Image.open(io.BytesIO(data))
    assert shown.format == "PNG"
    assert max(shown.size) == parsing.SIDE
    colours = {colour for _, colour in shown.getcolors(2**20) or ()}
    assert {parsing.COLOURS[part] for part in ("eyes", "nose", "mouth", "skin")} <= colours


def test_what_is_said(portrait: Photo) -> None:
    _, claims, _ = call(TOOLS, [portrait])
    assert [claim.role for claim in claims] == ["answer", "reason", "doubt"]
    text = sentences(claims)
    assert "The regions of the face were outlined: eyes, brows, nose, mouth and skin." in text
    assert "hair, hands and glasses are not seen" in text


def test_faces_share_their_sentences(group: Photo) -> None:
    rows, claims, _ = call(TOOLS, [group])
    assert len(rows) == 2
    assert [claim.role for claim in claims] == ["answer", "reason", "reason", "doubt"]
    assert claims[0].subject == "face 1.1 + face 1.2"


def test_too_small_and_outside(portrait: Photo) -> None:
    session = Session()
    session.add(portrait)
    boxes = [Box(x0=200, y0=100, x1=215, y1=115), Box(x0=-90, y0=100, x1=60, y1=250)]
    faces = [Face(id=f"face 1.{k}", image="image 1", box=box, score=1.0) for k, box in enumerate(boxes, 1)]
    session.set_faces("image 1", faces)
    rows = ParseFace(READER).run(session, ParseFace.arguments())
    assert [row.status for row in rows] == ["abstained", "abstained"]
    assert "15 pixels" in str(rows[0].reason)
    assert "less than half" in str(rows[1].reason)


@settings(deadline=None, max_examples=25)
@given(st.floats(-180, 180), st.floats(0.3, 3))
def test_areas_do_not_depend_on_place_turn_and_size(points: np.ndarray, degrees: float, size: float) -> None:
    turn = np.deg2rad(degrees)
    about = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    blank = Photo.open(np.zeros((900, 900, 3), np.uint8))
    centred = points - points.mean(axis=0)
    shares = []
    for moved in (centred + 450, centred @ about * size + 450):
        found = parsing.polygons(moved)
        masks = parsing.filled(found, parsing.cut_out(blank, parsing.around(found["face"])))
        total = sum(mask.sum() for mask in masks.values())
        shares.append([masks[name].sum() / total for name in ("nose", "lips", "skin")])
    assert shares[1] == pytest.approx(shares[0], abs=0.006)


# Whatever is outlined.


class Shows:
    """A parser that finds some regions, each in a row of its own of the face."""

    method = Method(name="painted", version="1", licence="MIT")

    def __init__(self, session: Session, regions: Sequence[Sequence[str]]) -> None:
        self.session, self.regions = session, regions

    def parse(self, photo: Photo, face: Face) -> dict[str, np.ndarray]:
        y = np.mgrid[0 : photo.height, 0 : photo.width][0] - face.box.y0
        each, names = face.box.height / 30, self.regions[number_of(self.session, face)]
        names = sorted(names, key=list(_ALL).index)
        return {name: (y >= each * row) & (y < each * (row + 1 + 9 * (row % 3 == 0))) for row, name in enumerate(names)}


_ALL = dict.fromkeys([*REGIONS, *uniface_backends.CLASSES])
_CLEAR = st.sampled_from((1.0, 1.0, 1.0, 0.0))


@settings(max_examples=50)
@given(
    PLACES,
    st.lists(st.tuples(_CLEAR, _CLEAR, st.sampled_from((0.0, 0.0, 70.0))), min_size=4, max_size=4),
    st.lists(st.lists(st.sampled_from(list(_ALL)), max_size=20, unique=True), min_size=4, max_size=4),
    st.booleans(),
    CHOSEN,
)
def test_whatever_is_outlined_every_sentence_is_carried(
    points: np.ndarray,
    places: list[Place],
    seen: list[tuple[float, float, float]],
    regions: list[list[str]],
    parser: bool,
    chosen: list[bool],
) -> None:
    session = placed(places)
    moved = points - points.min(axis=0) + 10
    readings = [
        replace(read_as({}, yaw=yaw), face=face, detail=detail, points=moved * (number % 2 * 0.8 + 0.2))
        for number, (face, detail, yaw) in enumerate(seen)
    ]
    tool = ParseFace(Given(readings), Shows(session, regions) if parser else None)
    ask(tool, session, subjects=some_of(session, chosen))


def test_what_is_not_outlined_is_not_denied(portrait: Photo) -> None:
    (row,), _, _ = call(TOOLS, [portrait])
    assert row.details["not_told_well_enough"] == [*parsing.WORN]
    seen = row.model_copy(update={"value": ["skin", "glasses"]})
    for sentence, carried in (
        ("The regions of the face were outlined: skin and glasses.", seen),
        ("The regions of the face were outlined: skin and hat.", None),
        ("The face wears no glasses.", None),
        ("The face wears no hat.", None),
    ):
        for one in (row, seen):
            claim = Claim(sentence=sentence, subject="face 1.1", attribute="regions", value=one.value, evidence=("e1",))
            held = fault(claim, {"e1": one}.get) is None
            assert held is (one is carried), (sentence, one.value)


def test_there_are_no_words_for_what_is_never_outlined(portrait: Photo) -> None:
    session = placed([(1, 100.0, False)])
    tool = ParseFace(Given([read_as({})]), Shows(session, [list(_ALL)]))
    assert never_met(ask(tool, session)[0], "regions") == []


class Painted:
    """A parser that finds hair above the middle of the box, skin below it, and a nose."""

    method = Method(name="painted", version="1", licence="MIT")

    def parse(self, photo: Photo, face: Face) -> dict[str, np.ndarray]:
        y, x = np.mgrid[0 : photo.height, 0 : photo.width] + 0.5
        box, (cx, cy) = face.box, face.box.centre
        inside = (x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)
        nose = inside & (abs(x - cx) < box.width / 10) & (y > cy) & (y < cy + box.height / 5)
        return {"hair": inside & (y < cy), "nose": nose, "skin": inside & (y >= cy) & ~nose}


def test_a_parser_s_masks_count(portrait: Photo) -> None:
    tool = ParseFace(READER, Painted())
    (row,), claims, _ = call([TOOLS[0], tool], [portrait])
    assert row.value == ["skin", "nose", "hair"]
    assert row.method.name == "painted"
    share = row.details["share_by_region"]
    assert isinstance(share, dict)
    found, box = outlines(row), row.region
    assert box is not None
    face = Face(id="face 1.1", image="image 1", box=box, score=1.0)
    counted = {name: int(mask.sum()) for name, mask in Painted().parse(portrait, face).items()}
    total = counted["skin"] + counted["nose"]
    assert share["nose"] == pytest.approx(counted["nose"] / total, abs=0.005)
    assert share["hair"] == pytest.approx(counted["hair"] / total, abs=0.005), "in relation to the face"
    assert found["skin"][:, 1].min() == pytest.approx(box.centre[1], abs=1.5)
    assert found["skin"][:, 0].max() == pytest.approx(box.x1, abs=1.5)
    assert "nose, skin and hair" in sentences(claims)
    assert "hair, hands and glasses are not seen" not in sentences(claims)
    assert [(backend.method.name, backend.chosen) for backend in tool.backends()] == [
        ("faceagent-multitask", False),
        ("painted", True),
    ]


def test_the_published_parser_is_named_where_it_is_not_used() -> None:
    own, published = ParseFace(READER).backends()
    assert (own.kind, own.here, own.chosen) == ("embedded", True, True)
    assert (published.kind, published.chosen) == ("published", False)
    assert published.here or published.how
