"""Noise of the portrait's face against its surroundings, untouched and with the face's noise changed."""

from __future__ import annotations

import cv2
import numpy as np
from manipulated import inside

from faceagent.media import Photo, Pixels
from faceagent_tools.forensics import blocks, noise, view
from faceagent_tools.forensics.noise import Noise
from faceagent_tools.forensics.view import FaceView, Floats, Unmeasured


def measured(seen: FaceView) -> Noise:
    found = noise.measure(seen)
    assert isinstance(found, Noise)
    return found


def grainy(pixels: Pixels) -> Floats:
    """The same noise in all channels."""
    return pixels + np.random.default_rng(1).normal(0, 6, (*pixels.shape[:2], 1))


def speckled(pixels: Pixels) -> Floats:
    """Noise of its own in each channel."""
    return pixels + np.random.default_rng(1).normal(0, 6, pixels.shape)


def smooth(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1.5), np.uint8)


def test_added_noise_is_seen_in_the_face(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    forged, own = measured(view.cut(inside(portrait.pixels, points, grainy), points)), measured(untouched)
    assert forged.contrast > own.contrast + 4


def test_a_smoothed_face_is_too_quiet(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    forged, own = measured(view.cut(inside(portrait.pixels, points, smooth), points)), measured(untouched)
    assert forged.contrast < own.contrast - 4


def test_noise_around_the_face_is_the_other_way_round(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    noisy = np.clip(np.rint(grainy(portrait.pixels)), 0, 255).astype(np.uint8)
    face = inside(noisy, points, lambda _: portrait.pixels)
    assert measured(view.cut(face, points)).contrast < measured(untouched).contrast - 4


def test_noise_all_over_is_no_contrast(portrait: Photo, points: Floats) -> None:
    noisy = np.clip(np.rint(grainy(portrait.pixels)), 0, 255).astype(np.uint8)
    assert abs(measured(view.cut(noisy, points)).contrast) < 2


def test_channels_that_do_not_belong_together(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    forged, own = measured(view.cut(inside(portrait.pixels, points, speckled), points)), measured(untouched)
    assert forged.channels < own.channels - 0.2
    assert forged.channels_contrast < own.channels_contrast - 0.2
    assert forged.chroma > own.chroma + 2


def test_the_map_shows_where(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    seen = view.cut(inside(portrait.pixels, points, grainy), points)
    risen = noise.level_map(seen) - noise.level_map(untouched)
    assert np.median(risen[blocks.inside(seen.face)]) > 4
    assert np.abs(risen[blocks.inside(seen.around)]).max() < 1e-6


def test_without_surroundings_nothing_is_compared(portrait: Photo, points: Floats) -> None:
    (left, top), (right, bottom) = points[27:48].min(axis=0).astype(int), points[27:48].max(axis=0).astype(int)
    tight = np.ascontiguousarray(portrait.pixels[top:bottom, left:right])
    found = noise.measure(view.cut(tight, points - [left, top]))
    assert isinstance(found, Unmeasured)
    assert found.status == "abstained"
