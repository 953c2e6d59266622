"""What the detector is trained on: labels follow the pixels, and nothing covered or unsure is called a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from detector_photos import ASTRONAUT, BOX, POINTS, photo_set
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.errors import UsageError
from faceagent_finetune.nets.detector import backgrounds, compose, labels
from faceagent_finetune.nets.detector.compose import FACE, IGNORE, Canvas, Composer, Part, Plan
from faceagent_finetune.nets.detector.labels import PhotoSet


def part(score: float = 0.9) -> Part:
    window = np.array([0.0, 0.0, 256.0, 256.0])
    return Part(ASTRONAUT, window, BOX[None], POINTS[None], np.array([score]))


def pasted(seed: int, *, size: float = 80.0, degrees: float = 0.0, score: float = 0.9) -> Canvas:
    canvas = Canvas(np.zeros((320, 320, 3), np.uint8))
    composer = Composer([photo_set()], [1.0], Plan())
    composer._paste(canvas, part(score), BOX, size, degrees, np.random.default_rng(seed), 0.0)
    return canvas


@given(seed=st.integers(0, 50), size=st.floats(20, 200), degrees=st.floats(-50, 50))
@settings(deadline=None, max_examples=25)
def test_points_lie_in_the_box_and_the_box_is_as_large_as_asked(seed: int, size: float, degrees: float) -> None:
    canvas = pasted(seed, size=size, degrees=degrees)
    boxes, points, kinds = canvas.finished()
    assert kinds.tolist() == [FACE]
    assert np.prod(boxes[0, 2:] - boxes[0, :2]) ** 0.5 == pytest.approx(size, rel=0.06)
    assert (points[0] > boxes[0, :2]).all()
    assert (points[0] < boxes[0, 2:]).all()
    # Whichever way it was mirrored, the first eye and the first corner of the mouth are on one side of the nose.
    along = points[0, 1] - points[0, 0]
    assert along @ (points[0, 4] - points[0, 3]) > 0
    assert abs(np.degrees(np.arctan2(along[1], along[0])) - degrees) < 8


def test_pixels_go_where_the_labels_go() -> None:
    canvas = pasted(3, size=float(np.prod(BOX[2:] - BOX[:2]) ** 0.5))
    (box,), (points,), _ = canvas.finished()
    x0, y0 = np.round(box[:2]).astype(int)
    seen = canvas.pixels[y0 : y0 + 115, x0 : x0 + 95].astype(int)
    face = ASTRONAUT[65:180, 75:170].astype(int)
    upright, mirrored = np.abs(seen - face).mean(), np.abs(seen - face[:, ::-1]).mean()
    assert min(upright, mirrored) < 8
    assert (points[0, 0] < points[1, 0]) and (min(upright, mirrored) * 2 < max(upright, mirrored))


@pytest.mark.parametrize(
    ("changed", "kind"),
    [({"score": 0.4}, IGNORE), ({"degrees": 120.0}, IGNORE), ({"size": 6.0}, IGNORE), ({}, FACE)],
)
def test_what_is_unsure_lying_or_tiny_is_neither_face_nor_background(changed: dict[str, float], kind: int) -> None:
    assert pasted(1, **changed).finished()[2].tolist() == [kind]


def test_a_covered_face_counts_less_and_then_no_more() -> None:
    canvas = pasted(1)
    x0, y0, x1, y1 = canvas.boxes[0]
    half = np.full((round((y1 - y0) * 0.55), round(x1 - x0)), 255, np.uint8)
    canvas.cover(half, round(x0), round(y0))
    assert canvas.finished()[2].tolist() == [IGNORE]
    canvas.cover(half, round(x0), round(y0) + len(half))
    assert canvas.finished()[2].tolist() == []


def test_pictures_have_the_shares_that_the_plan_says() -> None:
    rng = np.random.default_rng(0)
    none = Composer([photo_set()], [1.0], Plan(whole=0.0, empty=1.0))
    assert [len(none.picture(rng, 160).finished()[2]) for _ in range(6)] == [0] * 6
    whole = Composer([photo_set()], [1.0], Plan(whole=1.0, empty=0.0))
    made = [whole.picture(rng, 160) for _ in range(6)]
    assert all(len(one.boxes) >= 1 and one.pixels.shape == (160, 160, 3) for one in made)
    assert whole.faces == 2


@pytest.mark.parametrize("seed", range(12))
def test_backgrounds_keep_away_from_faces(seed: int) -> None:
    """The face is painted in a colour that nothing else has: no patch may show it."""
    photos = photo_set()
    marked = np.array(photos.photos)
    marked[:, 65:180, 75:170] = (1, 254, 3)
    made = backgrounds.Backgrounds([PhotoSet(photos.name, marked, *list(vars(photos).values())[2:])])
    patch = made._beside_faces(np.random.default_rng(seed))
    assert not (patch == (1, 254, 3)).all(axis=2).any()
    assert made.canvas(np.random.default_rng(seed), 96).shape == (96, 96, 3)


@given(seed=st.integers(0, 1000), side=st.integers(24, 120))
@settings(deadline=None, max_examples=40)
def test_textures_fill_their_square(seed: int, side: int) -> None:
    made = backgrounds.drawn(np.random.default_rng(seed), side)
    assert made.shape == (side, side, 3)
    assert made.dtype == np.uint8


def test_a_face_with_its_parts_changed_is_changed_everywhere() -> None:
    for seed in range(5):
        tiles = np.arange(36, dtype=np.uint8).reshape(6, 6)[:, :, None].repeat(3, axis=2)
        made = compose._shuffled(tiles, np.random.default_rng(seed))
        assert sorted(made.ravel().tolist()) == sorted(tiles.ravel().tolist())
        assert (made != tiles).all()


def test_people_who_are_put_aside_are_not_trained_on() -> None:
    rows = [{"name": f"Person{k // 3}_000{k % 3}"} for k in range(300)]
    places, parts = labels.chosen(rows, labels.SOURCES["lfw"])
    people = np.array([rows[place]["name"].rpartition("_")[0] for place in places])
    assert set(people[parts == labels.TRAIN]).isdisjoint(people[parts == labels.TUNE])
    assert (parts == labels.TUNE).sum() > 20
    split = [{"split": "val" if k % 4 == 0 else "train"} for k in range(8000)]
    places, parts = labels.chosen(split, labels.SOURCES["fairface"])
    assert len(set(places.tolist())) == len(places) == 4750
    assert all(split[place]["split"] == "train" for place in places)


def test_a_missing_cache_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no labels"):
        PhotoSet.open(tmp_path, "lfw")
