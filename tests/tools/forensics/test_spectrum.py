"""The spectrum on a portrait, on the same face up-sampled or compressed, and on noise whose spectrum is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manipulated import inside, jpeg

from faceagent.media import Photo, Pixels
from faceagent.types import Box
from faceagent_tools.forensics import spectrum, view
from faceagent_tools.forensics.spectrum import Spectrum
from faceagent_tools.forensics.view import FaceView, Floats, Unmeasured


def measured(seen: FaceView) -> Spectrum:
    found = spectrum.measure(seen)
    assert isinstance(found, Spectrum)
    return found


def halved_and_doubled(pixels: Pixels) -> Pixels:
    """By a transposed convolution of a uniform kernel that is not quite even: the grid of generators."""
    small = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.float32)
    uneven = np.array([[1.06, 0.98], [0.96, 1.0]], np.float32)
    return (small.repeat(2, axis=0).repeat(2, axis=1) * np.tile(uneven, small.shape[:2])[:, :, None]).astype(np.float32)


def softly_enlarged(pixels: Pixels) -> Pixels:
    small = cv2.resize(pixels, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def test_up_sampling_leaves_its_grid(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    forged = view.cut(inside(portrait.pixels, points, halved_and_doubled), points)
    assert measured(forged).grid > measured(untouched).grid + 6


def test_an_enlarged_face_lacks_its_finest_detail(portrait: Photo, points: Floats, untouched: FaceView) -> None:
    forged, own = measured(view.cut(inside(portrait.pixels, points, softly_enlarged), points)), measured(untouched)
    assert forged.slope < own.slope - 2
    finest = slice(45, 63)
    assert np.mean(forged.luma[finest]) < np.mean(own.luma[finest]) - 6


@pytest.mark.parametrize("quality", [50, 75, 90])
def test_the_grid_of_jpeg_is_not_taken_for_one(
    quality: int, portrait: Photo, points: Floats, untouched: FaceView
) -> None:
    saved = Photo.open(jpeg(portrait.pixels, quality))
    forged = Photo.open(jpeg(inside(portrait.pixels, points, halved_and_doubled), quality))
    grid = measured(view.cut(saved.pixels, points)).grid
    assert grid < measured(untouched).grid + 6
    assert measured(view.cut(forged.pixels, points)).grid > grid + 4


def test_a_small_face_is_not_judged(portrait: Photo, points: Floats) -> None:
    small = cv2.resize(portrait.pixels, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    found = spectrum.measure(view.cut(np.asarray(small, np.uint8), points * 0.3))
    assert isinstance(found, Unmeasured)
    assert found.status == "abstained"


def test_a_face_at_the_rim_is_not_judged(portrait: Photo, points: Floats) -> None:
    away = points - points[27:36].mean(axis=0) - 30  # its nose is outside
    assert isinstance(spectrum.measure(view.cut(portrait.pixels, away)), Unmeasured)


@settings(max_examples=15, deadline=None)
@given(exponent=st.floats(0.6, 1.6), seed=st.integers(0, 2**16))
def test_the_exponent_of_a_power_law_is_found(exponent: float, seed: int, points: Floats) -> None:
    """Amplitude ~ 1 / f^a has a slope of -6.02 a dB per octave."""
    side = 256
    f = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    f[0, 0] = 1
    white = np.fft.fft2(np.random.default_rng(seed).normal(size=(side, side)))
    picture = np.fft.ifft2(white / f**exponent).real
    picture = 128 + picture * 30 / picture.std()
    placed = (points - points.mean(axis=0)) * 150 / np.ptp(points[:17, 0]) + side / 2
    pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)[:, :, None].repeat(3, axis=2)
    seen = FaceView(pixels, placed, view.oval(placed), Box(x0=0, y0=0, x1=side, y1=side))
    assert measured(seen).slope == pytest.approx(-6.02 * exponent, abs=1.5)
