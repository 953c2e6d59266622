"""The portrait's face."""

from __future__ import annotations

import pytest

from faceagent.media import Photo
from faceagent_tools.detection import FaceDetector
from faceagent_tools.forensics import view
from faceagent_tools.forensics.view import FaceView, Floats
from faceagent_tools.multitask import FaceReader


@pytest.fixture(scope="session")
def points(portrait: Photo) -> Floats:
    """[78, 2] of the portrait."""
    face = min(FaceDetector("dlib").detect(portrait, "image 1"), key=lambda face: face.box.y0)
    return FaceReader().read_photo(portrait, face).points


@pytest.fixture(scope="session")
def untouched(portrait: Photo, points: Floats) -> FaceView:
    return view.cut(portrait.pixels, points)
