"""Where the network looked: regions of a real face by name, a box, a picture; whatever the size of the photo."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from faceagent.media import Photo
from faceagent.types import Box, Face
from faceagent_tools.detection import FaceDetector
from faceagent_tools.forensics import localise
from faceagent_tools.forensics.network import Look
from faceagent_tools.multitask import FaceReader

LOW, HIGH = 0.1, 0.95


@pytest.fixture(scope="module")
def face(portrait: Photo) -> Face:
    return FaceDetector("faceagent").detect(portrait, "image 1")[0]


@pytest.fixture(scope="module")
def points(portrait: Photo, face: Face) -> np.ndarray:
    return FaceReader().read_photo(portrait, face).points


def look(photo: Photo, marked: np.ndarray | None, scale: float = 1.0) -> Look:
    """A look at all of a photo that marks the hull of some points, or nothing."""
    height, width = (-(-round(side * scale) // 8) for side in (photo.height, photo.width))
    cells = np.full((height, width), LOW)
    if marked is not None:
        canvas = np.zeros((height * 8, width * 8), np.float32)
        cv2.fillConvexPoly(canvas, cv2.convexHull((marked * scale).astype(np.int32)), 1.0)
        cells = np.where(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA) > 0.3, HIGH, LOW)
    return Look(3.0, np.array([0.1, 0.7, 0.1, 0.1]), cells, 1.0, scale)


@pytest.mark.parametrize(
    ("rows", "place"), [(slice(48, 60), "lips"), (slice(36, 42), "eye_nearer_left_edge"), (slice(27, 36), "nose")]
)
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_a_marked_part_is_named(portrait: Photo, points: np.ndarray, rows: slice, place: str, scale: float) -> None:
    found = localise.places(look(portrait, points[rows], scale), points)
    assert found.strongest[0] == place
    assert 0 < found.marked < 0.5
    assert found.box is not None
    x, y = points[rows].mean(axis=0)
    assert found.box.x0 < x < found.box.x1
    assert found.box.y0 < y < found.box.y1


def test_nothing_is_named_where_nothing_is_marked(portrait: Photo, points: np.ndarray) -> None:
    found = localise.places(look(portrait, None), points)
    assert (found.strongest, found.marked, found.box) == ((), 0.0, None)
    assert found.strength["nose"] == pytest.approx(LOW, abs=1e-3)


def test_what_was_not_looked_at_counts_nowhere(portrait: Photo, points: np.ndarray) -> None:
    plain = look(portrait, points[48:60])
    cells = plain.cells.copy()
    cells[: int(points[30, 1] // 8)] = np.nan
    half = localise.places(Look(plain.score, plain.kinds, cells, 1.0, 1.0), points)
    assert half.strongest[0] == "lips"
    assert "brow_nearer_left_edge" not in half.strength


def test_the_picture_tints_what_is_marked_and_nothing_else(portrait: Photo, points: np.ndarray, face: Face) -> None:
    def tinted(found: Look) -> np.ndarray:
        picture = np.asarray(Image.open(io.BytesIO(localise.heatmap(portrait, found, face.box))), np.int32)
        assert max(picture.shape) == 320
        return np.asarray(picture[..., 0] - picture[..., 2] > 40)

    assert not tinted(look(portrait, None)).any()
    mouth = tinted(look(portrait, points[48:60]))
    assert 0 < mouth.mean() < 0.2
    assert np.argwhere(mouth)[:, 0].mean() > mouth.shape[0] / 2, "the mouth is in the lower half"


def test_a_face_at_the_edge_has_a_picture(portrait: Photo, points: np.ndarray) -> None:
    corner = Box(x0=-40, y0=-40, x1=30, y1=30)
    assert localise.heatmap(portrait, look(portrait, None), corner)
