"""Crops, labels and augmentation of faceagent-multitask: what needs no torch."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceagent.media import Photo
from faceagent_finetune.nets.multitask import crops, labels
from faceagent_finetune.nets.multitask.augment import Strength, augmented
from faceagent_tools import align, multitask, trunk
from faceagent_tools.detection import FaceDetector

STILL = Strength(
    flip=0, turn_degrees=0, zoom=0, shift=0, frame=0, grey=0, colour=0, low_resolution=0, blur=0, jpeg=0, cover=0
)


def test_the_map_to_the_crop_is_the_one_that_cut_it(portrait: Photo) -> None:
    face = FaceDetector("dlib").detect(portrait, "image 1")[0]
    chip, turn = align.face_chip_and_map(portrait, face, size=trunk.CHIP_SIZE, padding=trunk.CHIP_PADDING)
    # Pixel centres: ours at halves, OpenCV's at whole numbers.
    shifted = np.column_stack([turn[:, :2], turn[:, 2] + turn[:, :2] @ [0.5, 0.5] - 0.5])
    size = (multitask.SIZE, multitask.SIZE)
    blurred = cv2.GaussianBlur(portrait.pixels, (0, 0), 1.0)
    again = cv2.warpAffine(blurred, shifted, size)
    inner = (slice(20, -20), slice(20, -20))
    near = np.abs(again.astype(float) - chip)[inner].mean()
    off = np.abs(np.roll(again, 3, axis=1).astype(float) - chip)[inner].mean()
    assert near < 8
    assert off > 1.5 * near


def test_a_box_from_the_median_is_drawn_to_the_face(portrait: Photo) -> None:
    boxes = crops.Boxes(1)
    found = boxes.detected(portrait)
    assert found is not None
    told = boxes.fit([(portrait, None)])
    assert told["detected"] == 1
    (x, y), side = align.square_of(boxes.median(portrait))
    assert abs(x - found[0]) + abs(y - found[1]) < 0.1 * found[2]
    assert side == pytest.approx(found[2], rel=0.1)


def test_a_flip_twice_is_no_flip() -> None:
    assert (multitask.MIRROR[multitask.MIRROR] == np.arange(multitask.POINTS)).all()


def test_labels_of_the_sets() -> None:
    fair = labels.fairface([{"age_group": "70+", "gender": "female", "race": "Indian"}])
    assert fair["age"].tolist() == [[70, 100]]
    assert fair["gender"].tolist() == [0]
    assert fair["race"][0].nonzero()[0].tolist() == [multitask.RACES.index("Indian")]
    assert (fair["attributes"] == -1).all()
    utk = labels.utkface([{"age": 116, "gender": "male", "race": "Asian"}])
    assert utk["age"].tolist() == [[100, 100]]
    assert utk["race"].sum() == 2
    celeb = labels.celeba([{name: 1 if name == "Male" else -1 for name in multitask.ATTRIBUTES}])
    assert celeb["gender"].tolist() == [1]
    assert celeb["attributes"].sum() == 1
    votes = dict.fromkeys(multitask.EMOTIONS, 0) | {"anger": 7, "fear": 1}
    assert labels.ferplus([votes])["emotion"].sum() == 7


def dotted() -> tuple[np.ndarray, np.ndarray]:
    """A dark crop with one bright dot, which is point 36."""
    crop = np.full((112, 112, 3), 30, np.uint8)
    points = np.full((multitask.POINTS, 2), np.nan, np.float32)
    cv2.circle(crop, (40, 50), 3, (255, 255, 255), -1)
    points[36] = (40.5 / 112, 50.5 / 112)
    return crop, points


@pytest.mark.parametrize("seed", range(8))
def test_points_move_with_the_pixels(seed: int) -> None:
    crop, points = dotted()
    rng = np.random.default_rng(seed)
    strength = Strength(**{**STILL.__dict__, "flip": 0.5, "turn_degrees": 20, "zoom": 0.2, "shift": 0.05})
    pose, openings = np.float32([10, 5, 2]), np.float32([0.1, 0.2, 0.3])
    image, moved, posed, opened = augmented(crop, points, pose, openings, crop, 96, rng, strength)
    known = np.flatnonzero(np.isfinite(moved[:, 0]))
    assert known.tolist() in ([36], [45])
    rows, columns = np.nonzero(image[:, :, 0] > 140)
    assert np.hypot(columns.mean() + 0.5 - moved[known[0], 0] * 96, rows.mean() + 0.5 - moved[known[0], 1] * 96) < 1.0
    flipped = known[0] == 45
    assert posed[0] == (-10 if flipped else 10)
    assert opened[0] == pytest.approx(0.2 if flipped else 0.1)


def test_every_change_keeps_shape_and_kind() -> None:
    crop, points = dotted()
    crop[:, :20] = 0
    all_on = Strength(frame=1, grey=1, colour=1, low_resolution=1, blur=1, jpeg=1, cover=1)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        zeros = np.zeros(3, np.float32)
        image, *_ = augmented(crop, points, zeros, zeros, crop[::-1], 80, rng, all_on)
        assert image.shape == (80, 80, 3)
        assert image.dtype == np.uint8
