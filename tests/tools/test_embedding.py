"""Embeddings on a real portrait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from skimage import data, transform

from faceagent.errors import WeightsError
from faceagent.media import Photo
from faceagent.types import Box, Face
from faceagent_tools import dlib_net, weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import FaceEmbedder, distance, eye_distance, main_face


@pytest.fixture(scope="module")
def embedder():
    return FaceEmbedder()


@pytest.fixture(scope="module")
def detector():
    return FaceDetector("dlib")


def portrait(pixels):
    return Photo.open(np.ascontiguousarray(pixels), name="portrait")


def face_in(photo, detector):
    face = main_face(detector.detect(photo, "image 1"), photo.width, photo.height)
    assert face is not None
    return face


def scaled(pixels, factor):
    return transform.rescale(pixels, factor, channel_axis=2, anti_aliasing=True, preserve_range=True).astype(np.uint8)


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()[:320, 80:400]


@pytest.fixture(scope="module")
def own(astronaut, embedder, detector):
    photo = portrait(astronaut)
    return embedder.embed(photo, face_in(photo, detector))


def test_an_embedding_has_128_numbers_and_length_one(own):
    assert own.shape == (128,)
    assert own.dtype == np.float32
    assert np.linalg.norm(own) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: pixels[:, ::-1],
        lambda pixels: scaled(pixels, 0.6),
        lambda pixels: (pixels * 0.6).astype(np.uint8),
        lambda pixels: np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8),
    ],
    ids=["mirrored", "smaller", "darker", "grey"],
)
def test_the_same_face_in_another_rendering_stays_close(change, astronaut, own, embedder, detector):
    photo = portrait(change(astronaut))
    again = embedder.embed(photo, face_in(photo, detector))
    # Half of what LFW pairs of different people keep between them (1 in 1,000 is nearer than 0.38).
    assert distance(own, again) < 0.19


def test_what_is_no_face_lies_far_away(own, embedder):
    noise = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    assert distance(own, embedder.embed_chip(noise)) > 0.38


def test_a_mirrored_chip_has_the_same_embedding(embedder, astronaut, detector):
    photo = portrait(astronaut)
    chip = embedder.chip(photo, face_in(photo, detector))
    assert chip.shape == (150, 150, 3)
    mirrored = np.ascontiguousarray(chip[:, ::-1])
    assert distance(embedder.embed_chip(chip), embedder.embed_chip(mirrored)) < 1e-3


def test_several_threads_get_what_one_gets(embedder, astronaut, detector):
    photo = portrait(astronaut)
    chip = embedder.chip(photo, face_in(photo, detector))
    chips = [chip, np.ascontiguousarray(chip[::-1]), chip // 2]
    alone = [embedder.embed_chip(one) for one in chips]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(FaceEmbedder().embed_chip, chips))
    np.testing.assert_array_equal(alone, together)


def test_the_eye_distance_is_in_pixels_of_the_photo(astronaut, detector):
    photo, half = portrait(astronaut), portrait(scaled(astronaut, 0.5))
    whole = eye_distance(photo, face_in(photo, detector))
    assert 40 < whole < 60
    assert eye_distance(half, face_in(half, detector)) == pytest.approx(whole / 2, rel=0.1)


def face(name, x, y, width):
    box = Box(x0=x - width / 2, y0=y - width / 2, x1=x + width / 2, y1=y + width / 2)
    return Face(id=name, image="image 1", box=box, score=1.0)


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ([], None),
        ([face("face 1.1", 50, 50, 40)], "face 1.1"),
        # A face in the background, and a small false find in the very middle.
        ([face("face 1.1", 30, 40, 40), face("face 1.2", 130, 120, 110)], "face 1.2"),
        ([face("face 1.1", 125, 125, 15), face("face 1.2", 130, 120, 110)], "face 1.2"),
        ([face("face 1.1", 30, 125, 100), face("face 1.2", 125, 125, 90)], "face 1.2"),
    ],
)
def test_the_main_face_is_large_and_central(faces, expected):
    found = main_face(faces, 250, 250)
    assert (found and found.id) == expected


def test_the_graph_answers_as_dlib_itself(astronaut, own, embedder, detector):
    """The filters read from dlib's file, in ONNX Runtime, against dlib's own network."""
    import dlib

    photo = portrait(astronaut)
    chip = embedder.chip(photo, face_in(photo, detector))
    network = dlib.face_recognition_model_v1(str(weights.path(FaceEmbedder.weights)))
    both = [np.asarray(network.compute_face_descriptor(np.ascontiguousarray(view))) for view in (chip, chip[:, ::-1])]
    mean = np.mean(both, axis=0)
    assert np.abs(own - mean / np.linalg.norm(mean)).max() < 1e-5


def test_another_file_is_not_taken_for_the_recogniser(tmp_path):
    other = tmp_path / "other.dat"
    other.write_bytes(weights.path(FaceEmbedder.weights).read_bytes()[: 1 << 20])
    with pytest.raises(WeightsError, match="not dlib's face recogniser"):
        dlib_net.read(other)
