"""The direction of a head, eyes, mouth and gaze: on a real face, and in words for readings that are given."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import get_args

import numpy as np
import pytest
from held import call, sentences, word
from hypothesis import given, settings
from hypothesis import strategies as st
from placed import CHOSEN, PLACES, Given, Place, ask, never_met, placed, some_of
from readings import read_as

from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Box, Claim, Evidence, Face, Pose
from faceagent_tools import pose_table
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.multitask import FaceReader, Floats, Reading
from faceagent_tools.pose import About, EstimatePose
from faceagent_tools.pose_table import Line

READER = FaceReader()
FINDER = DetectFaces(FaceDetector("dlib"))
TOOLS = [FINDER, EstimatePose(READER)]
LINES = pose_table.table()


class Says(FaceReader):
    """A reader with one answer for every face."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading

    def read(self, session: Session, face: Face) -> Reading:
        return self._reading


def rows_of(photo: Photo) -> dict[str, Evidence]:
    return {row.attribute: row for row in call(TOOLS, [photo])[0]}


@pytest.fixture(scope="module")
def rows(portrait: Photo) -> dict[str, Evidence]:
    return rows_of(portrait)


@pytest.fixture(scope="module")
def mirrored(portrait: Photo) -> dict[str, Evidence]:
    return rows_of(Photo.open(np.ascontiguousarray(portrait.pixels[:, ::-1])))


@pytest.fixture(scope="module")
def reading(portrait: Photo) -> Reading:
    (face,) = FaceDetector("dlib").detect(portrait, "image 1")
    return READER.read_photo(portrait, face)


def points(rows: dict[str, Evidence], key: str = "xy") -> np.ndarray:
    numbers = rows["points68"].details[key]
    assert isinstance(numbers, list)
    return np.array(numbers, dtype=np.float64).reshape(-1, 2)


# On a real face.


def test_the_portrait_looks_at_the_camera(rows: dict[str, Evidence]) -> None:
    row = rows["pose"]
    assert isinstance(row.value, dict)
    assert all(abs(float(str(angle))) < 15 for angle in row.value.values())
    assert row.interval is not None
    assert row.interval.low < row.value["yaw"] < row.interval.high
    assert row.details["error80_of_faces"] == LINES.pose.bands[0].faces


def test_mirrored_means_the_other_side(rows: dict[str, Evidence], mirrored: dict[str, Evidence]) -> None:
    here, there = rows["pose"].value, mirrored["pose"].value
    assert isinstance(here, dict)
    assert isinstance(there, dict)
    assert there["yaw"] == pytest.approx(-here["yaw"], abs=6)
    assert there["pitch"] == pytest.approx(here["pitch"], abs=6)
    assert there["roll"] == pytest.approx(-here["roll"], abs=4)
    # The nose, which has no side.
    assert points(mirrored)[30] == pytest.approx([512 - points(rows)[30][0], points(rows)[30][1]], abs=4)


@pytest.mark.parametrize("degrees", [90, 180])
def test_a_turned_photo_turns_the_roll_and_the_points(portrait: Photo, rows: dict[str, Evidence], degrees: int) -> None:
    # np.rot90 turns anticlockwise, roll is positive clockwise.
    pixels = np.ascontiguousarray(np.rot90(portrait.pixels, -degrees // 90))
    turned = rows_of(Photo.open(pixels))
    here, there = rows["pose"].value, turned["pose"].value
    assert isinstance(here, dict)
    assert isinstance(there, dict)
    assert (there["roll"] - here["roll"] - degrees + 180) % 360 - 180 == pytest.approx(0, abs=8)
    assert there["yaw"] == pytest.approx(here["yaw"], abs=8)
    x, y = points(rows)[30]
    expected = (512 - y, x) if degrees == 90 else (512 - x, 512 - y)
    assert points(turned)[30] == pytest.approx(expected, abs=5)
    assert turned["gaze"].status == "abstained"


def test_points_lie_on_the_face(rows: dict[str, Evidence]) -> None:
    found, box = points(rows), rows["points68"].region
    assert box is not None
    assert found.shape == (68, 2)
    wide = box.scaled_about_centre(1.4)
    assert (found > [wide.x0, wide.y0]).all()
    assert (found < [wide.x1, wide.y1]).all()
    brows, eyes, nose, mouth = (found[part, 1].mean() for part in map(slice, (17, 36, 27, 48), (27, 48, 36, 68)))
    assert brows < eyes < nose < mouth < found[8, 1]
    assert found[36:42, 0].max() < found[30, 0] < found[42:48, 0].min()
    irises = points(rows, "irises_xy")
    for iris, eye in ((irises[0], slice(36, 42)), (irises[5], slice(42, 48))):
        assert found[eye, 0].min() < iris[0] < found[eye, 0].max()


def test_the_portrait_has_open_eyes(rows: dict[str, Evidence], mirrored: dict[str, Evidence]) -> None:
    for found in (rows, mirrored):
        assert found["eyes"].value == {"nearer_left_edge": "open", "nearer_right_edge": "open"}
        assert found["eyes"].details["subject_s_own"] == {
            "nearer_left_edge": "right eye",
            "nearer_right_edge": "left eye",
        }
        assert found["mouth"].value == "open", "it smiles and shows its teeth"


def test_a_face_is_read_once_for_all_tools(portrait: Photo) -> None:
    class Counts(FaceReader):
        crops = 0

        def outputs(self, chip: Pixels) -> dict[str, Floats]:
            Counts.crops += 1
            return super().outputs(chip)

    session, box = Session(), Toolbox([FINDER, EstimatePose(Counts())])
    session.add(portrait)
    box.call(session, "estimate_pose", {})
    box.call(session, "estimate_pose", {})
    assert Counts.crops == 1


# Readings that are given.


def told(portrait: Photo, reading: Reading) -> tuple[dict[str, Evidence], list[Claim]]:
    found, claims, _ = call([FINDER, EstimatePose(Says(reading))], [portrait])
    return {row.attribute: row for row in found}, claims


def posed(reading: Reading, yaw: float = 0, pitch: float = 0, roll: float = 0) -> Reading:
    return replace(reading, pose=Pose(yaw=yaw, pitch=pitch, roll=roll))


def looking(reading: Reading, share: float) -> Reading:
    """Both irises moved from the middle of the eye by a share of its width."""
    moved = reading.points.copy()
    for (left, right), iris in zip(pose_table.CORNERS, pose_table.IRISES, strict=True):
        moved[iris] = (moved[left] + moved[right]) / 2 + share * (moved[right] - moved[left])
    return replace(reading, points=moved)


@pytest.mark.parametrize(
    ("angles", "wanted"),
    [
        ((0, 0, 0), "almost straight at the camera"),
        ((31, 0, 0), "turned about 30° towards the left edge"),
        ((-31, 0, 0), "turned about 30° towards the right edge"),
        ((0, 18, 0), "raised by about 20°"),
        ((0, -18, 0), "lowered by about 20°"),
        ((24, 0, -14), "towards the left edge of the photo and leans about 15° to the left"),
    ],
)
def test_directions_in_words(
    portrait: Photo, reading: Reading, angles: tuple[float, float, float], wanted: str
) -> None:
    _, claims = told(portrait, posed(reading, *angles))
    assert wanted in sentences(claims)


def test_a_profile_and_a_thrown_back_head_are_not_judged(portrait: Photo, reading: Reading) -> None:
    for away, reason in (
        (posed(reading, yaw=65), "turned too far to the side"),
        (posed(reading, pitch=LINES.pitch_reach + 1), "raised or lowered further than was tested"),
    ):
        rows, claims = told(portrait, away)
        assert rows["pose"].status == "abstained"
        assert reason in str(rows["pose"].reason)
        assert f"The direction of the face was not judged, because the head is {reason}" in sentences(claims)


def test_the_error_of_turned_heads_is_that_of_turned_heads() -> None:
    starts = [band.start for band in LINES.pose.bands]
    assert starts == sorted(starts)
    for band in LINES.pose.bands:
        assert LINES.pose.band(band.start + 1) is band
        assert LINES.pose.band(-band.start - 1) is band
    assert LINES.pose.band(89) is LINES.pose.bands[-1]


def test_closed_eyes_are_told(portrait: Photo, reading: Reading) -> None:
    shut, wide = 0.02, 0.5
    rows, claims = told(portrait, replace(reading, openings=(shut, shut, 0.0)))
    assert rows["eyes"].value == {"nearer_left_edge": "closed", "nearer_right_edge": "closed"}
    assert rows["mouth"].value == "closed"
    assert rows["gaze"].status == "abstained"
    text = sentences(claims)
    assert "The eyes are closed, or nearly so." in text
    assert "Where the eyes look was not judged, because the eyes are not both wide open." in text
    rows, claims = told(portrait, replace(reading, openings=(wide, shut, 0.9)))
    assert rows["eyes"].value == {"nearer_left_edge": "open", "nearer_right_edge": "closed"}
    assert rows["mouth"].value == "open"
    assert "The eye nearer the left edge of the photo is open; the other is closed, or nearly so." in sentences(claims)
    _, claims = told(portrait, replace(reading, openings=(wide, wide, 0.0)))
    assert "closed" not in sentences(claims)


def test_what_is_asked_about_is_answered_and_nothing_else(portrait: Photo, reading: Reading) -> None:
    tools = [FINDER, EstimatePose(Says(replace(posed(reading), openings=(0.5, 0.5, 0.9))))]
    for about, answer in (
        ("eyes", "The eyes are open."),
        ("mouth", "The mouth is open."),
        ("head", "The face looks almost straight at the camera."),
    ):
        rows, claims, _ = call(tools, [portrait], about=[about])
        assert [row.attribute for row in rows] == ["pose" if about == "head" else about]
        assert [(claim.sentence, claim.role) for claim in claims] == [(answer, "answer")]
    _, claims, _ = call(tools, [portrait], about=["head", "eyes"])
    assert {claim.sentence for claim in claims if claim.role == "answer"} == {
        "The eyes are open.",
        "The face looks almost straight at the camera.",
    }
    (row,), claims, _ = call(tools, [portrait], about=["gaze"])
    assert [(row.attribute, claim.role) for claim in claims] == [("gaze", "answer")]
    (row,), claims, _ = call(tools, [portrait], about=["points"])
    assert (row.attribute, row.value, claims) == ("points68", 68, [])


def test_eyes_asked_about_in_a_group_and_out_of_sight(
    portrait: Photo, group: Photo, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, wide = (Line(value=value, kept=1, found=1, measured=9, source="test") for value in (0.1, 0.2))
    table = LINES.model_copy(update={"eye_closed": shut, "eye_open": wide})
    monkeypatch.setattr(pose_table, "table", lambda: table)
    half = replace(posed(reading), openings=(0.15, 0.5, 0.0))
    _, claims, _ = call([FINDER, EstimatePose(Says(half))], [group], about=["eyes", "mouth"])
    assert "The mouths of face 1.1 and face 1.2 are closed." in sentences(claims)
    assert "of face 1.1 and face 1.2 nearer the left edge of the photo is neither clearly open" in sentences(claims)
    away = posed(reading, yaw=pose_table.EYES_YAW + 5)
    _, claims, _ = call([FINDER, EstimatePose(Says(away))], [portrait], about=["eyes"])
    assert sentences(claims) == (
        "The state of the eyes of the face was not judged, because the head is turned too far to see both eyes well."
    )


def test_upside_down_the_other_eye_is_nearer_the_left_edge(portrait: Photo, reading: Reading) -> None:
    over = replace(reading, points=512 - reading.points, openings=(0.02, 0.5, 0.0), pose=Pose(yaw=0, pitch=0, roll=180))
    rows, _ = told(portrait, over)
    assert rows["eyes"].value == {"nearer_left_edge": "open", "nearer_right_edge": "closed"}
    assert rows["eyes"].details["subject_s_own"] == {"nearer_right_edge": "right eye", "nearer_left_edge": "left eye"}


@pytest.fixture
def follows_irises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with a line for the gaze, whatever the shipped one found."""
    line = Line(value=0.1, kept=0.9, found=0.5, measured=100, source="test")
    table = LINES.model_copy(update={"gaze_aside": line})
    monkeypatch.setattr(pose_table, "table", lambda: table)


@pytest.mark.usefixtures("follows_irises")
@pytest.mark.parametrize(
    ("share", "yaw", "value", "wanted"),
    [
        (0.0, 0, "straight", "the eyes look the way the head points."),
        (-0.2, 0, "left_edge", "the eyes are turned towards the left edge of the photo."),
        (0.2, 0, "right_edge", "the eyes are turned towards the right edge of the photo."),
        (0.2, 25, "right_edge", "right edge of the photo, against the turn of the head and so nearer to the camera."),
        (0.2, -25, "right_edge", "the eyes are turned towards the right edge of the photo."),
    ],
)
def test_where_the_eyes_look(
    portrait: Photo, reading: Reading, share: float, yaw: float, value: str, wanted: str
) -> None:
    opened = replace(posed(reading, yaw=yaw), openings=(0.5, 0.5, 0.0))
    rows, claims = told(portrait, looking(opened, share))
    assert rows["gaze"].value == value
    assert f"As far as the irises show, {wanted}" in sentences(claims) or wanted in sentences(claims)
    assert rows["gaze"].details["iris_from_the_middle_in_eye_widths"] == pytest.approx(share, abs=0.006)


@pytest.mark.usefixtures("follows_irises")
def test_no_gaze_where_it_cannot_be_told(portrait: Photo, reading: Reading) -> None:
    opened = replace(reading, openings=(0.5, 0.5, 0.0))
    for unfit in (
        posed(opened, yaw=35),
        posed(opened, roll=60),
        replace(opened, openings=(0.5, 0.02, 0.0)),
    ):
        rows, _ = told(portrait, unfit)
        assert rows["gaze"].status == "abstained"
    small = Photo.open(np.ascontiguousarray(portrait.pixels[::2, ::2]))
    session = Session()
    session.add(small)
    session.set_faces(
        "image 1", [Face(id="face 1.1", image="image 1", box=Box(x0=87, y0=38, x1=133, y1=84), score=1.0)]
    )
    rows = {row.attribute: row for row in EstimatePose(Says(opened)).run(session, EstimatePose.arguments())}
    assert rows["pose"].status == "ok"
    assert "too small" in str(rows["gaze"].reason)


def test_a_network_that_does_not_follow_irises_says_nothing_of_them(
    portrait: Photo, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(value=None, kept=0, found=0, measured=100, source="test")
    table = LINES.model_copy(update={"gaze_aside": line})
    monkeypatch.setattr(pose_table, "table", lambda: table)
    rows, _ = told(portrait, replace(posed(reading), openings=(0.5, 0.5, 0.0)))
    assert "does not follow irises" in str(rows["gaze"].reason)


# Whatever is read.

_ANGLES = st.one_of(st.floats(-15, 15), st.floats(-70, 70))
_OPENINGS = st.sampled_from((0.0, 0.02, 0.15, 0.3, 0.9))


@st.composite
def _readings(draw: st.DrawFn) -> Reading:
    """Any direction, eyes, mouth and gaze; upside down or not; hardly a face, or one of which little is seen."""
    plain = read_as({})
    face = np.random.default_rng(0).uniform(0, 100, (78, 2))
    face[36:48, 0] = np.repeat((20, 60), 6) + face[36:48, 0] / 10
    over = draw(st.sampled_from((1, 1, -1)))
    clear = st.sampled_from((1.0, 1.0, 1.0, 0.0))
    return looking(
        replace(
            plain,
            points=face * over,
            pose=Pose(yaw=draw(_ANGLES), pitch=draw(_ANGLES), roll=draw(st.one_of(_ANGLES, st.floats(-540, 540)))),
            openings=(draw(_OPENINGS), draw(_OPENINGS), draw(_OPENINGS)),
            face=draw(clear),
            detail=draw(clear),
        ),
        draw(st.floats(-0.4, 0.4)),
    )


def _tables() -> list[pose_table.Table]:
    """The one that ships, one with eyes between open and closed, and one of a network that does not follow irises."""
    none, opened = (LINES.gaze_aside.model_copy(update={"value": value}) for value in (None, 0.25))
    return [LINES, LINES.model_copy(update={"eye_open": opened}), LINES.model_copy(update={"gaze_aside": none})]


@settings(max_examples=150)
@given(
    PLACES,
    st.lists(_readings(), min_size=4, max_size=4),
    st.lists(st.sampled_from(get_args(About)), max_size=2, unique=True),
    CHOSEN,
    st.sampled_from(_tables()),
)
def test_whatever_is_read_every_sentence_is_carried(
    places: list[Place], readings: list[Reading], about: list[str], chosen: list[bool], table: pose_table.Table
) -> None:
    session = placed(places)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pose_table, "table", lambda: table)
        ask(EstimatePose(Given(readings)), session, about=about, subjects=some_of(session, chosen))


def test_there_are_no_words_for_what_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pose_table, "table", lambda: _tables()[1])
    plain, rows = read_as({}), []
    for angles, openings, share in product(
        ((0, 0, 0), (50, 15, 15), (-50, -15, -15)),
        ((0.9,) * 3, (0.2,) * 3, (0.0,) * 3, (0.2, 0, 0), (0, 0.9, 0)),
        (0, -0.3, 0.3),
    ):
        reading = replace(posed(plain, *angles), openings=openings, points=np.arange(156.0).reshape(78, 2))
        for turned in (reading, replace(reading, openings=(*openings[1::-1], 0.0))):
            rows += ask(EstimatePose(Given([looking(turned, share)])), placed([(1, 100.0, False)]))[0]
    assert never_met(rows, "pose", "gaze", "eyes", "mouth") == ["pose: yaw>60", "pose: yaw<-60"]


# What cannot be read.


def faces(*boxes: Box) -> list[Face]:
    return [Face(id=f"face 1.{k}", image="image 1", box=box, score=1.0) for k, box in enumerate(boxes, start=1)]


def test_too_small_to_tell(portrait: Photo) -> None:
    session = Session()
    session.add(portrait)
    session.set_faces("image 1", faces(Box(x0=200, y0=100, x1=215, y1=115)))
    (row,) = EstimatePose(READER).run(session, EstimatePose.arguments())
    assert row.status == "abstained"
    assert "15 pixels" in (row.reason or "")
    claims = word(EstimatePose(READER), [session.ledger.record(row)], session)
    assert "not judged" in sentences(claims)


def test_half_outside_the_photo(portrait: Photo) -> None:
    session = Session()
    session.add(portrait)
    session.set_faces("image 1", faces(Box(x0=-60, y0=100, x1=40, y1=200)))
    (row,) = EstimatePose(READER).run(session, EstimatePose.arguments())
    assert row.status == "abstained"
    assert "less than half" in (row.reason or "")


def test_faces_left_out_for_one_reason_share_a_sentence(portrait: Photo) -> None:
    session = Session()
    session.add(portrait)
    session.set_faces("image 1", faces(*(Box(x0=x, y0=100, x1=x + 15, y1=115) for x in (100, 200, 300))))
    tool = EstimatePose(READER)
    rows = [session.ledger.record(row) for row in tool.run(session, tool.arguments())]
    (claim,) = word(tool, rows, session)
    assert claim.evidence == tuple(row.id for row in rows)
    assert claim.subject == "face 1.1 + face 1.2 + face 1.3"


# The shipped table.


def test_the_shipped_table_is_of_the_shipped_network_and_better_than_five_points() -> None:
    assert LINES.network == READER.method.sha256
    assert LINES.pose.mean.yaw < LINES.five_points.mean.yaw
    assert LINES.pose.mean.pitch < LINES.five_points.mean.pitch
    assert LINES.pitch_reach >= 10
    assert LINES.ordinary_yaw.value < 45
    assert LINES.mouth_open.value is not None
    assert LINES.mouth_open.found > 0.7
    closed, opened = LINES.eye_closed.value, LINES.eye_open.value
    assert opened is not None
    assert closed is None or 0 < closed <= opened
