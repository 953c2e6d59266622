"""Forgeries, the pipeline after them, and the windows of faceagent-forensic: what needs no torch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.media import Photo
from faceagent_finetune.nets.forensic import areas, blends, crops, domain, post
from faceagent_finetune.nets.forensic.areas import Face
from faceagent_finetune.nets.forensic.blends import FORGERIES
from faceagent_finetune.nets.forensic.codec import saved
from faceagent_tools.forensics import windows as forensic
from faceagent_tools.forensics.network import ForensicNetwork
from faceagent_tools.forensics.windows import CELLS, DIRECTIONS, KINDS, SIZE

# 68 points of a plain frontal face, about its middle, in units of the width of its jaw.
_JAW = [(-np.cos(t) / 2, 0.75 * np.sin(t)) for t in np.linspace(0, np.pi, 17)]
_BROWS = [(x, -0.18) for x in (-0.4, -0.33, -0.25, -0.17, -0.1, 0.1, 0.17, 0.25, 0.33, 0.4)]
_NOSE = [(0, y) for y in (-0.05, 0.05, 0.13, 0.2)] + [(x, 0.25) for x in (-0.1, -0.05, 0, 0.05, 0.1)]
_LEFT = [(-0.32, 0), (-0.26, -0.03), (-0.2, -0.03), (-0.14, 0), (-0.2, 0.03), (-0.26, 0.03)]
_EYES = [*_LEFT, (0.14, 0), (0.2, -0.03), (0.26, -0.03), (0.32, 0), (0.26, 0.03), (0.2, 0.03)]
_MOUTH = [(0.18 * np.cos(t), 0.45 + 0.07 * np.sin(t)) for t in np.linspace(-np.pi, np.pi, 13)[:12]]
_MOUTH += [(0.1 * np.cos(t), 0.45 + 0.02 * np.sin(t)) for t in np.linspace(-np.pi, np.pi, 9)[:8]]
POINTS = np.array(_JAW + _BROWS + _NOSE + _EYES + _MOUTH, np.float32)


@pytest.fixture(scope="module")
def face(portrait: Photo) -> Face:
    """The astronaut's face, 240 px a side."""
    points = POINTS * 88 + np.array([128, 108], np.float32)
    return Face(np.ascontiguousarray(portrait.pixels[0:240, 96:336]), points.astype(np.float32))


@pytest.fixture(scope="module")
def donor(face: Face) -> Face:
    mirrored = np.ascontiguousarray(face.pixels[:, ::-1])
    order = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31]
    order += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55]
    order += [64, 63, 62, 61, 60, 67, 66, 65]
    return Face(mirrored, (np.array([240, 0]) + face.points[order] * [-1, 1]).astype(np.float32))


@pytest.mark.parametrize("kind", FORGERIES)
@pytest.mark.parametrize("seed", range(12))
def test_a_forgery_changes_the_picture_and_says_how_much(face: Face, donor: Face, kind: str, seed: int) -> None:
    made = FORGERIES[kind](face, lambda: donor, np.random.default_rng(seed))
    assert made.pixels.shape == face.pixels.shape
    assert made.pixels.dtype == np.uint8
    assert made.mask.shape == face.pixels.shape[:2]
    assert made.mask.min() >= 0
    assert made.mask.max() == pytest.approx(1, abs=1e-5)
    assert KINDS[made.kind] == kind
    inside = made.mask > 0.5
    assert (made.pixels[inside] != face.pixels[inside]).any()


@pytest.mark.parametrize("seed", range(20))
def test_an_edit_leaves_all_else_alone(face: Face, donor: Face, seed: int) -> None:
    made = blends.edit(face, lambda: donor, np.random.default_rng(seed))
    untouched = made.mask == 0
    assert (made.pixels[untouched] == face.pixels[untouched]).all()
    assert 0.5 < untouched.mean() < 1


def test_a_synthesis_is_all_of_the_picture(face: Face, donor: Face) -> None:
    for seed in range(8):
        made = blends.synthesis(face, lambda: donor, np.random.default_rng(seed))
        assert (made.mask == 1).all()
        apart = np.abs(made.pixels.astype(int) - face.pixels).mean()
        assert 0.2 < apart < 25  # another texture, the same face


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forgery_can_be_made_again(face: Face, donor: Face, kind: str) -> None:
    one, two, other = (FORGERIES[kind](face, lambda: donor, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert (one.pixels == two.pixels).all()
    assert (one.mask == two.mask).all()
    assert (one.pixels != other.pixels).any()


def test_a_face_fitted_to_its_own_points_stays_where_it_is(face: Face, donor: Face) -> None:
    inner = (slice(70, 160), slice(90, 170))
    same = blends.fitted(face, face)
    assert np.abs(same[inner].astype(int) - face.pixels[inner]).mean() < 1
    moved = Face(np.roll(face.pixels, (6, -9), axis=(0, 1)), face.points + np.array([-9, 6], np.float32))
    assert np.abs(blends.fitted(moved, face)[inner].astype(int) - face.pixels[inner]).mean() < 1


def test_colours_are_drawn_to_the_face(face: Face) -> None:
    tinted = np.clip(face.pixels * np.array([0.6, 0.9, 1.2]), 0, 255).astype(np.uint8)
    inner = (slice(80, 150), slice(100, 160))
    before = np.abs(tinted[inner].mean(axis=(0, 1)) - face.pixels[inner].mean(axis=(0, 1))).max()
    after = np.abs(
        blends.matched(tinted, face, 1.0)[inner].mean(axis=(0, 1)) - face.pixels[inner].mean(axis=(0, 1))
    ).max()
    assert after < 0.3 * before


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    x=st.floats(60, 180),
    y=st.floats(60, 180),
    wide=st.floats(0.1, 0.6),
    grow=st.floats(-0.05, 0.1),
)
def test_masks_stay_near_their_hull(seed: int, x: float, y: float, wide: float, grow: float) -> None:
    """0-1, 1 somewhere or nowhere, and nothing further out than growth, bending and blur can carry it."""
    flat = Face(np.zeros((240, 240, 3), np.uint8), POINTS * 100 + 120)
    outline = (POINTS[:17] * 100 * wide + [x, y]).astype(np.float32)
    mask = areas.mask_of(flat, outline, np.random.default_rng(seed), grow=grow)
    assert mask.min() >= 0
    assert mask.max() <= 1 + 1e-6
    rows, columns = np.nonzero(mask > 0.5)
    low, high = outline.min(axis=0) - 40, outline.max(axis=0) + 40
    assert not rows.size or (columns.min() >= low[0] and columns.max() <= high[0])
    assert not rows.size or (rows.min() >= low[1] and rows.max() <= high[1])


STILL = post.Strength(flip=0, resize=0, colour=0, grey=0, blur=0, sharpen=0, noise=0, as_source=0, unsaved=1, webp=0)


def _mirrored(points: np.ndarray, width: int) -> np.ndarray:
    return np.array([width, 0]) + points * [-1, 1]


@pytest.mark.parametrize("seed", range(8))
def test_the_mask_goes_where_the_pixels_go(seed: int) -> None:
    """A white square on black: what is white in the window is what the cells say."""
    mask = np.zeros((300, 260), np.float32)
    mask[96:176, 80:168] = 1
    pixels = np.repeat((255 * mask).astype(np.uint8)[:, :, None], 3, axis=2)
    strength = post.Strength(
        flip=0.5, resize=1, smallest=0.6, largest=1.4, colour=0, grey=0, blur=0, sharpen=0, noise=0, unsaved=1
    )
    draw = post.drawn(np.random.default_rng(seed), ("none", 100), strength)
    window = post.through(pixels, mask, (124.0, 136.0), 110.0, draw)
    shown = window.pixels[:, :, 0].reshape(CELLS, SIZE // CELLS, CELLS, SIZE // CELLS).mean(axis=(1, 3)) / 255
    assert window.pixels.shape == (SIZE, SIZE, 3)
    assert np.abs(shown - window.cells).max() < 0.2
    assert window.cells.sum() > 20


def test_a_pair_differs_only_in_the_forgery(face: Face, donor: Face) -> None:
    made = blends.edit(face, lambda: donor, np.random.default_rng(1))
    draw = post.drawn(np.random.default_rng(2), ("jpeg", 75), STILL)
    centre, side = crops.square(face.points)
    honest = post.through(face.pixels, np.zeros_like(made.mask), centre, side, draw)
    forged = post.through(made.pixels, made.mask, centre, side, draw)
    apart = (honest.pixels != forged.pixels).any(axis=2).reshape(CELLS, 8, CELLS, 8).any(axis=(1, 3))
    assert apart.any()
    assert not apart[forged.cells == 0].any()


@pytest.mark.parametrize("codec", [("jpeg", 75), ("webp", 80), ("none", 100)])
def test_what_is_saved_again_as_its_set_is_hardly_changed(face: Face, codec: tuple[str, int]) -> None:
    once, _ = saved(face.pixels, codec)
    twice, size = saved(once, codec)
    first = np.abs(once.astype(int) - face.pixels).mean()
    assert np.abs(twice.astype(int) - once).mean() <= 0.6 * first
    assert 1000 < size <= face.pixels.size


def test_the_quality_of_a_file_is_read_from_its_tables(portrait: Photo) -> None:
    import cv2

    for quality in (30, 50, 75, 90):
        file = cv2.imencode(".jpg", portrait.pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        assert abs(crops.quality(file.tobytes()) - quality) <= 1
    assert crops.quality(cv2.imencode(".png", portrait.pixels)[1].tobytes()) == -1


@settings(max_examples=80, deadline=None)
@given(
    width=st.integers(40, 700),
    height=st.integers(40, 700),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    side=st.floats(20, 500),
)
def test_windows_are_pixels_of_the_photo(width: int, height: int, x: float, y: float, side: float) -> None:
    rng = np.random.default_rng(width)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    seen = forensic.windows(pixels, (x * width, y * height), side)
    assert len(seen.pixels) in (1, 2, 4)
    assert seen.pixels.shape[1:] == (SIZE, SIZE, 3)
    if seen.scale == 1.0:
        for (left, top), window in zip(seen.corners.tolist(), seen.pixels, strict=True):
            rows, columns = (
                np.arange(max(top, 0), min(top + SIZE, height)),
                np.arange(max(left, 0), min(left + SIZE, width)),
            )
            there = window[np.ix_(rows - top, columns - left)]
            assert (there == pixels[np.ix_(rows, columns)]).all()
    else:
        assert side * forensic.REACH > 2 * SIZE - 33


def test_windows_are_joined_on_the_photo() -> None:
    pixels = np.zeros((400, 400, 3), np.uint8)
    seen = forensic.windows(pixels, (200.0, 200.0), 200.0)
    assert len(seen.pixels) == 4
    outputs = {
        "score": np.array([[-3.0], [-3.0], [-3.0], [4.0]]),
        "kind": np.array([[4.0, 0, 0, 0]] * 3 + [[0, 4.0, 0, 0]]),
        "map": np.full((4, CELLS, CELLS), -20.0),
        "domain": np.full((4, DIRECTIONS), 1.5),
    }
    outputs["map"][3, -5:, -5:] = 20
    score, kinds, cells, far = forensic.joined(outputs, seen, 400, 400)
    assert far == 1.5
    assert 2 < score < 4
    assert KINDS[int(kinds.argmax())] == "swap"
    assert cells.shape == (50, 50)
    rows, columns = np.nonzero(np.nan_to_num(cells) > 0.5)
    assert rows.min() > 25
    assert columns.min() > 25
    assert np.isnan(cells[0, 0])


def test_a_face_and_its_mirror_image_are_judged_alike(face: Face) -> None:
    window = face.pixels[:SIZE, :SIZE]
    network = ForensicNetwork().outputs
    one, other = (
        forensic.outputs(network, forensic.Windows(pixels[None], np.array([[0, 0]]), 1.0))
        for pixels in (window, np.ascontiguousarray(window[:, ::-1]))
    )
    np.testing.assert_allclose(one["score"], other["score"], atol=1e-3)
    np.testing.assert_allclose(one["map"], other["map"][:, :, ::-1], atol=1e-2)
    assert not np.allclose(network(window[None])["score"], one["score"], atol=1e-3)


def test_the_domain_knows_its_own_and_strangers() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 50))

    def drawn(count: int, spread: float = 1.0) -> np.ndarray:
        return spread * rng.normal(size=(count, 6)) @ mixing + 0.1 * rng.normal(size=(count, 50)) + 7

    found = domain.fitted(drawn(800))

    def far(features: np.ndarray) -> np.ndarray:
        return np.sqrt(np.mean((features @ found.weight.T + found.bias) ** 2, axis=1))

    assert np.mean(far(drawn(400))) == pytest.approx(1, abs=0.1)
    assert np.mean(far(drawn(400, spread=6.0)) > np.quantile(far(drawn(400)), 0.99)) > 0.8
