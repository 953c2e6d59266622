"""The cut-out: where it lies, what counts as face and as surroundings, and how large it gets."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.media import Photo
from faceagent_tools.forensics import signals, view
from faceagent_tools.forensics.signals import Signals
from faceagent_tools.forensics.view import FaceView, Floats, Unmeasured


def test_pixels_are_those_of_the_photo(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    box = untouched.box
    part = portrait.pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    assert (untouched.pixels == part).all()
    assert np.allclose(untouched.points + np.array([box.x0, box.y0]), points)


def test_face_and_surroundings_keep_a_distance(untouched: FaceView) -> None:
    face, around = untouched.face, untouched.around
    assert not (face & around).any()
    assert not (~face & ~around).all()
    far = cv2.distanceTransform((~around).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    assert far[face].min() > 0.1 * untouched.width
    nose = untouched.points[30].astype(int)
    assert face[nose[1], nose[0]]


def test_a_large_face_is_seen_through_a_stripe(portrait: Photo, points: Floats) -> None:
    large = np.asarray(cv2.resize(portrait.pixels, None, fx=7, fy=7), np.uint8)
    seen = view.cut(large, points * 7)
    assert seen.pixels.shape[0] * seen.pixels.shape[1] <= view.LARGEST
    found = signals.measure(portrait, seen)
    assert not isinstance(found.spectrum, Unmeasured)
    assert not isinstance(found.noise, Unmeasured)
    assert not isinstance(found.geometry, Unmeasured)


@settings(max_examples=40, deadline=None)
@given(x=st.floats(-700, 700), y=st.floats(-700, 700), scale=st.floats(0.02, 12))
def test_a_face_anywhere_is_measured_or_said_not_to_be(
    x: float, y: float, scale: float, portrait: Photo, points: Floats
) -> None:
    moved = (points - points.mean(axis=0)) * scale + points.mean(axis=0) + [x, y]
    found = signals.measure(portrait, view.cut(portrait.pixels, moved))
    assert isinstance(found, Signals)
    assert all(np.isfinite(value) for value in found.features.values())
