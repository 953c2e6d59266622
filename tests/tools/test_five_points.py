"""The direction of a head from five points: signs and sizes on projected heads and on a real face."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.media import Photo
from faceagent_tools import five_points
from faceagent_tools.detection import FaceDetector


def projected(yaw: float, pitch: float, roll: float, head: np.ndarray = five_points.HEAD) -> np.ndarray:
    """A generic head's five points after turning it, without perspective."""
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    turn_yaw = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    turn_pitch = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    turn_roll = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    return (head @ (turn_roll @ turn_yaw @ turn_pitch).T)[:, :2] * 40 + 100


@given(st.floats(-35, 35), st.floats(-20, 20), st.floats(-25, 25))
@settings(deadline=None, max_examples=60)
def test_a_projected_head_is_read_back(yaw: float, pitch: float, roll: float) -> None:
    read = five_points.raw_angles(projected(yaw, pitch, roll))
    assert read[0] == pytest.approx(yaw, abs=9)
    assert read[1] == pytest.approx(pitch, abs=12)


@given(st.floats(-60, 60), st.floats(-20, 20), st.floats(-80, 80))
@settings(deadline=None, max_examples=60)
def test_nose_tip_and_mouth_carry_turned_heads(yaw: float, pitch: float, roll: float) -> None:
    points = projected(yaw, pitch, roll, five_points.MOUTH_HEAD)
    eyes = points[1] - points[0] + points[4] - points[3]
    read = five_points._fitted(points, five_points.MOUTH_HEAD, math.degrees(math.atan2(eyes[1], eyes[0])))
    # Turning and nodding at once leans the line between the eyes, which the fit takes for roll.
    assert read[0] == pytest.approx(yaw, abs=16)
    assert read[1] == pytest.approx(pitch, abs=22)


@pytest.mark.parametrize(("yaw", "toward"), [(40.0, 1), (-40.0, -1), (0.0, 0)])
def test_a_detector_s_own_points_are_used_where_it_has_them(portrait: Photo, yaw: float, toward: int) -> None:
    (found,) = FaceDetector("dlib").detect(portrait, "image 1")
    x, y = found.box.centre
    marks = tuple((float(u - 100 + x), float(v - 100 + y)) for u, v in projected(yaw, 0, 0, five_points.MOUTH_HEAD))
    face = found.model_copy(update={"landmarks": marks, "landmark_scheme": "eyes-nosetip-mouth"})
    assert five_points.source_of(found) == "dlib"
    assert five_points.source_of(face) == "dlib+yunet"
    moved = five_points.pose_of(portrait, face).yaw - five_points.pose_of(portrait, found).yaw
    assert moved == pytest.approx(toward * 23, abs=8)


@given(st.floats(-60, 60))
@settings(deadline=None, max_examples=30)
def test_leaning_changes_only_the_roll(roll: float) -> None:
    upright, leaning = five_points.raw_angles(projected(20, 5, 0)), five_points.raw_angles(projected(20, 5, roll))
    assert leaning[0] == pytest.approx(upright[0], abs=0.5)
    assert leaning[1] == pytest.approx(upright[1], abs=0.5)
    assert leaning[2] - upright[2] == pytest.approx(roll, abs=0.5)


def test_mirrored_means_the_other_side(portrait: Photo) -> None:
    mirrored = Photo.open(np.ascontiguousarray(portrait.pixels[:, ::-1]))
    straight, other = (
        five_points.pose_of(photo, FaceDetector("dlib").detect(photo, "image 1")[0]) for photo in (portrait, mirrored)
    )
    assert all(abs(angle) < 15 for angle in (straight.yaw, straight.pitch, straight.roll))
    assert other.yaw == pytest.approx(-straight.yaw, abs=8)
    assert other.roll == pytest.approx(-straight.roll, abs=5)


@pytest.mark.parametrize("source", ["dlib", "dlib+yunet"])
def test_the_shipped_tables_keep_the_sides(source: five_points.Source) -> None:
    linear = five_points.weights(source)
    further = (30.0, 0.0) if source == "dlib+yunet" else ()
    assert 15 < five_points.corrected((30.0, 0.0, 0.0, *further), linear).yaw < 40
    assert five_points.corrected((0.0, 20.0, 0.0, *(0.0 for _ in further)), linear).pitch > 5
