"""How far a face was enlarged, on a real portrait."""

from __future__ import annotations

import io
import json
from importlib.resources import files

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from faceagent.media import Photo, Pixels
from faceagent.types import Face
from faceagent_tools import align, resolution
from faceagent_tools.detection import FaceDetector

PORTRAIT: Pixels = skimage.data.astronaut()
WAYS = {"cubic": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR, "nearest": cv2.INTER_NEAREST}


@pytest.fixture(scope="module")
def face() -> Face:
    return FaceDetector("faceagent").detect(Photo.open(PORTRAIT), "image 1")[0]


def factor(face: Face, times: float, way: int = cv2.INTER_CUBIC, quality: int | None = 85) -> float:
    """Of the portrait, enlarged and saved."""
    pixels = np.asarray(cv2.resize(PORTRAIT, None, fx=times, fy=times, interpolation=way), np.uint8)
    if quality is not None:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
        pixels = np.asarray(Image.open(buffer))
    centre, side = align.square_of(face)
    found = resolution.factor(pixels, (centre[0] * times, centre[1] * times), side * times)
    assert found is not None
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("times", [2.0, 3.0])
def test_an_enlarged_face_is_seen_and_by_about_how_much(face: Face, times: float, way: str) -> None:
    found = factor(face, times, WAYS[way])
    assert found >= resolution.estimator().line
    assert found == pytest.approx(times, rel=0.35)


@pytest.mark.parametrize("quality", [None, 95, 85, 70])
def test_a_face_as_it_was_taken_is_not(face: Face, quality: int | None) -> None:
    assert factor(face, 1.0, quality=quality) < resolution.estimator().line


def test_a_face_made_smaller_is_not(face: Face) -> None:
    assert factor(face, 0.6, cv2.INTER_AREA) < resolution.estimator().line


def test_of_a_small_face_nothing_is_said() -> None:
    assert resolution.factor(PORTRAIT, (200.0, 100.0), 30.0) is None


def test_a_face_at_the_rim_is_measured_as_far_as_it_is_there() -> None:
    assert resolution.factor(PORTRAIT, (0.0, 0.0), 200.0) is not None
    assert resolution.factor(PORTRAIT, (-400.0, -400.0), 200.0) is None


def test_what_the_file_says_it_is_worth() -> None:
    text = files("faceagent_tools").joinpath("calibration", "resolution.json").read_text(encoding="utf-8")
    measured = json.loads(text)["measured"]
    assert measured["dfdc"]["rank_correlation"] > 0.5  # of faces of which it is known how far they were enlarged
    assert measured["median_error_octaves"] < 0.2
