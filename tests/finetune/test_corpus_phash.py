"""The perceptual hash: steady under what files go through, different for different photos."""

from __future__ import annotations

import io

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceagent_finetune.corpus.phash import BITS, Hashes, distance, phash

PHOTOS = {
    "astronaut": skimage.data.astronaut()[:300, 50:350],
    "coffee": skimage.data.coffee(),
    "cat": skimage.data.chelsea(),
}


def saved(pixels: np.ndarray, quality: int, scale: float = 1.0) -> np.ndarray:
    photo = Image.fromarray(pixels)
    photo = photo.resize((round(photo.width * scale), round(photo.height * scale)))
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


@pytest.mark.parametrize("name", PHOTOS)
@settings(max_examples=15, deadline=None)
@given(quality=st.integers(40, 98), scale=st.floats(0.5, 1.3))
def test_saving_and_scaling_change_a_few_bits(name: str, quality: int, scale: float) -> None:
    pixels = np.ascontiguousarray(PHOTOS[name])
    assert distance(phash(pixels), phash(saved(pixels, quality, scale))) <= 6


def test_different_photos_differ() -> None:
    values = [phash(np.ascontiguousarray(pixels)) for pixels in PHOTOS.values()]
    assert all(0 <= value < 1 << BITS for value in values)
    assert all(distance(one, other) > 16 for k, one in enumerate(values) for other in values[k + 1 :])


@given(value=st.integers(0, 2**BITS - 1), flips=st.sets(st.integers(0, BITS - 1), max_size=12))
def test_the_index_finds_what_counting_finds(value: int, flips: set[int]) -> None:
    other = value
    for bit in flips:
        other ^= 1 << bit
    hashes = Hashes(6)
    hashes.add(value, "it")
    assert ("it" in set(hashes.near(other))) == (len(flips) <= 6)
