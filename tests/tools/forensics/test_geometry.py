"""What a face shows as a thing: symmetry, highlights, its edge; untouched and changed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from manipulated import inside

from faceagent.media import Photo, Pixels
from faceagent_tools.forensics import geometry, view
from faceagent_tools.forensics.geometry import Geometry
from faceagent_tools.forensics.view import FaceView, Floats, Unmeasured

ENLARGED = 3


def measured(seen: FaceView) -> Geometry:
    found = geometry.measure(seen)
    assert isinstance(found, Geometry)
    return found


@pytest.fixture(scope="module")
def large(portrait: Photo, points: Floats) -> tuple[Pixels, Floats]:
    """The face so large that highlights could be told."""
    (x0, y0), (x1, y1) = points.min(axis=0).astype(int) - 40, points.max(axis=0).astype(int) + 40
    part = portrait.pixels[max(y0, 0) : y1, x0:x1]
    pixels = cv2.resize(part, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    return np.asarray(pixels, np.uint8), (points - [x0, max(y0, 0)]) * ENLARGED


def lit(large: tuple[Pixels, Floats], *places: tuple[float, float]) -> Geometry:
    """With dark irises that have one highlight each, at a place in units of the iris's radius from its middle."""
    pixels, points = large[0].copy(), large[1]
    for iris, (right, down) in zip((68, 73), places, strict=True):
        centre = points[iris]
        radius = float(np.hypot(*(points[iris + 1 : iris + 5] - centre).T).mean())
        cv2.circle(pixels, np.rint(centre).astype(int).tolist(), round(radius), (40, 30, 20), -1)
        spot = np.rint(centre + radius * np.array([right, down])).astype(int).tolist()
        cv2.circle(pixels, spot, round(radius * 0.3), (250, 250, 250), -1)
    return measured(view.cut(pixels, points))


def test_highlights_of_one_light_agree(large: tuple[Pixels, Floats]) -> None:
    assert (lit(large, (0.3, -0.3), (0.3, -0.3)).highlights or 0) > 0.5


def test_highlights_of_two_lights_do_not(large: tuple[Pixels, Floats]) -> None:
    found = lit(large, (0.4, -0.3), (-0.4, 0.3)).highlights
    assert found is not None
    assert found < 0.1


def test_of_small_eyes_no_highlight_is_told(untouched: FaceView) -> None:
    assert measured(untouched).highlights is None


def test_points_without_irises_are_enough(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    without = np.vstack([points[:68], np.full((10, 2), np.nan)])
    assert measured(view.cut(portrait.pixels, without)) == measured(untouched)


def test_a_smoothed_rim_is_seen(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    soft = np.asarray(cv2.GaussianBlur(portrait.pixels, (0, 0), 3), np.uint8)
    middle = points[27:36].mean(axis=0)
    kept = inside(soft, middle + (points - middle) * 0.8, lambda _: portrait.pixels)
    assert measured(view.cut(kept, points)).rim_detail < measured(untouched).rim_detail - 3


def test_a_face_in_a_corner_has_no_edge_to_look_at(portrait: Photo, points: Floats) -> None:
    away = points - points.max(axis=0) + 20
    assert isinstance(geometry.measure(view.cut(portrait.pixels, away)), Unmeasured)


def test_a_small_face_is_not_judged(portrait: Photo, points: Floats) -> None:
    small = cv2.resize(portrait.pixels, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    found = geometry.measure(view.cut(np.asarray(small, np.uint8), points * 0.4))
    assert isinstance(found, Unmeasured)
    assert found.status == "abstained"
