"""The aligned crop is the same whichever detector found the face, however large, turned or cut off it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceagent.media import Photo
from faceagent.types import Box, Face
from faceagent_tools import align
from faceagent_tools.detection import FaceDetector


@pytest.fixture(scope="module")
def face(portrait: Photo) -> Face:
    return FaceDetector("dlib").detect(portrait, "image 1")[0]


def test_five_points_are_on_the_eyes_and_the_nose(portrait: Photo, face: Face) -> None:
    points = align.points5(portrait, face)
    by_eye = np.array([(257, 103), (240, 104), (195, 102), (212, 104), (224, 136)])
    assert np.abs(points - by_eye).max() < 6


def test_both_kinds_of_box_lead_to_the_same_points(portrait: Photo, face: Face) -> None:
    yunet_like = face.model_copy(
        update={"box": Box(x0=177, y0=60, x1=270, y1=177), "landmark_scheme": "eyes-nosetip-mouth", "roll": 0.0}
    )
    assert np.abs(align.points5(portrait, face) - align.points5(portrait, yunet_like)).max() < 4


@pytest.mark.parametrize("factor", [3.0, 6.0])
def test_a_large_photo_gives_the_same_crop(portrait: Photo, face: Face, factor: float) -> None:
    large = Photo.open(cv2.resize(portrait.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC))
    box = Box(x0=face.box.x0 * factor, y0=face.box.y0 * factor, x1=face.box.x1 * factor, y1=face.box.y1 * factor)
    crop = align.face_chip(large, face.model_copy(update={"box": box}))
    assert crop.shape == (150, 150, 3)
    assert np.corrcoef(crop.ravel(), align.face_chip(portrait, face).ravel())[0, 1] > 0.95


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_lying_face_gives_an_upright_crop(portrait: Photo, face: Face, turns: int) -> None:
    lying = Photo.open(np.ascontiguousarray(np.rot90(portrait.pixels, k=turns)))
    (found,) = FaceDetector("dlib").detect(lying, "image 1")
    crop = align.face_chip(lying, found)
    assert np.corrcoef(crop.ravel(), align.face_chip(portrait, face).ravel())[0, 1] > 0.9


def test_beyond_the_frame_is_black(portrait: Photo, face: Face) -> None:
    cut = Photo.open(np.ascontiguousarray(portrait.pixels[100:, 180:]))
    moved = Box(x0=face.box.x0 - 180, y0=face.box.y0 - 100, x1=face.box.x1 - 180, y1=face.box.y1 - 100)
    crop = align.face_chip(cut, face.model_copy(update={"box": moved}))
    assert crop.shape == (150, 150, 3)
    assert not crop[:10].any()
    assert crop.any()


def test_size_and_padding(portrait: Photo, face: Face) -> None:
    assert align.face_chip(portrait, face, size=112, padding=0.4).shape == (112, 112, 3)
