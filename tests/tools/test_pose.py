"""The direction of a head: signs and sizes on a real face and on projected heads; abstention where it cannot tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from held import call, sentences, word
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Evidence, Face
from faceagent_tools import pose
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.pose import EstimatePose

TOOLS = [DetectFaces(FaceDetector("dlib")), EstimatePose()]


def projected(yaw: float, pitch: float, roll: float, head: np.ndarray = pose.HEAD) -> np.ndarray:
    """A generic head's five points after turning it, without perspective."""
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    turn_yaw = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    turn_pitch = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    turn_roll = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    return (head @ (turn_roll @ turn_yaw @ turn_pitch).T)[:, :2] * 40 + 100


@given(st.floats(-35, 35), st.floats(-20, 20), st.floats(-25, 25))
@settings(deadline=None, max_examples=60)
def test_a_projected_head_is_read_back(yaw: float, pitch: float, roll: float) -> None:
    read = pose.raw_angles(projected(yaw, pitch, roll))
    assert read[0] == pytest.approx(yaw, abs=9)
    assert read[1] == pytest.approx(pitch, abs=12)


@given(st.floats(-60, 60), st.floats(-20, 20), st.floats(-80, 80))
@settings(deadline=None, max_examples=60)
def test_nose_tip_and_mouth_carry_turned_heads(yaw: float, pitch: float, roll: float) -> None:
    points = projected(yaw, pitch, roll, pose.MOUTH_HEAD)
    eyes = points[1] - points[0] + points[4] - points[3]
    read = pose._fitted(points, pose.MOUTH_HEAD, math.degrees(math.atan2(eyes[1], eyes[0])))
    # Turning and nodding at once leans the line between the eyes, which the fit takes for roll.
    assert read[0] == pytest.approx(yaw, abs=16)
    assert read[1] == pytest.approx(pitch, abs=22)


@pytest.mark.parametrize(("yaw", "toward"), [(40.0, 1), (-40.0, -1), (0.0, 0)])
def test_a_detector_s_own_points_are_used_where_it_has_them(portrait: Photo, yaw: float, toward: int) -> None:
    (found,) = FaceDetector("dlib").detect(portrait, "image 1")
    x, y = found.box.centre
    marks = tuple((float(u - 100 + x), float(v - 100 + y)) for u, v in projected(yaw, 0, 0, pose.MOUTH_HEAD))
    face = found.model_copy(update={"landmarks": marks, "landmark_scheme": "eyes-nosetip-mouth"})
    assert pose.source_of(found) == "dlib"
    assert pose.source_of(face) == "dlib+yunet"
    moved = pose.pose_of(portrait, face).yaw - pose.pose_of(portrait, found).yaw
    assert moved == pytest.approx(toward * 23, abs=8)


@given(st.floats(-60, 60))
@settings(deadline=None, max_examples=30)
def test_leaning_changes_only_the_roll(roll: float) -> None:
    upright, leaning = pose.raw_angles(projected(20, 5, 0)), pose.raw_angles(projected(20, 5, roll))
    assert leaning[0] == pytest.approx(upright[0], abs=0.5)
    assert leaning[1] == pytest.approx(upright[1], abs=0.5)
    assert leaning[2] - upright[2] == pytest.approx(roll, abs=0.5)


def test_the_portrait_looks_at_the_camera(portrait: Photo) -> None:
    (row,), claims, _ = call(TOOLS, [portrait])
    assert all(abs(angle) < 15 for angle in row.value.values())
    assert row.interval is not None
    assert row.interval.low < row.value["yaw"] < row.interval.high
    assert "where the eyes look was not measured" in sentences(claims)


def test_mirrored_means_the_other_side(portrait: Photo) -> None:
    mirrored = Photo.open(np.ascontiguousarray(portrait.pixels[:, ::-1]))
    (straight,), _, _ = call(TOOLS, [portrait])
    (other,), _, _ = call(TOOLS, [mirrored])
    assert other.value["yaw"] == pytest.approx(-straight.value["yaw"], abs=8)
    assert other.value["roll"] == pytest.approx(-straight.value["roll"], abs=5)


def with_pose(yaw: float, pitch: float, roll: float) -> Evidence:
    rounded = {
        f"{name}_about": round(abs(value) / 5) * 5 for name, value in (("yaw", yaw), ("pitch", pitch), ("roll", roll))
    }
    return Evidence(
        tool="estimate_pose",
        subject="face 1.1",
        attribute="pose",
        value={"yaw": yaw, "pitch": pitch, "roll": roll},
        method=pose.METHOD,
        details=dict(rounded),
    )


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
def test_directions_in_words(angles: tuple[float, float, float], wanted: str) -> None:
    session = Session()
    session.add(Photo.open(np.zeros((9, 9, 3), np.uint8)))
    row = session.ledger.record(with_pose(*angles))
    assert wanted in sentences(word(EstimatePose(), [row], session))


def test_too_small_to_tell(portrait: Photo) -> None:
    session = Session()
    session.add(portrait)
    tiny = Face(id="face 1.1", image="image 1", box=Box(x0=200, y0=100, x1=215, y1=115), score=1.0)
    session.set_faces("image 1", [tiny])
    (row,) = EstimatePose().run(session, EstimatePose.arguments())
    assert row.status == "abstained"
    assert "15 pixels" in (row.reason or "")
    claims = word(EstimatePose(), [session.ledger.record(row)], session)
    assert "not judged" in sentences(claims)


def test_faces_left_out_for_one_reason_share_a_sentence(portrait: Photo) -> None:
    session = Session()
    session.add(portrait)
    boxes = [Box(x0=x, y0=100, x1=x + 15, y1=115) for x in (100, 200, 300)]
    session.set_faces(
        "image 1",
        [Face(id=f"face 1.{k}", image="image 1", box=box, score=1.0) for k, box in enumerate(boxes, start=1)],
    )
    rows = [session.ledger.record(row) for row in EstimatePose().run(session, EstimatePose.arguments())]
    (claim,) = word(EstimatePose(), rows, session)
    assert claim.evidence == tuple(row.id for row in rows)
    assert claim.subject == "face 1.1 + face 1.2 + face 1.3"


@pytest.mark.parametrize("source", ["dlib", "dlib+yunet"])
def test_the_shipped_tables_keep_the_sides(source: pose.Source) -> None:
    table = pose.calibration(source)
    assert table.n_val > 1000
    further = (30.0, 0.0) if source == "dlib+yunet" else ()
    assert 15 < pose.corrected((30.0, 0.0, 0.0, *further), table).yaw < 40
    assert pose.corrected((0.0, 20.0, 0.0, *(0.0 for _ in further)), table).pitch > 5
    assert 30 <= table.reach[0] <= 60
