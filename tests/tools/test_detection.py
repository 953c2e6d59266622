"""Faces found where they are, in every orientation, by both backends; and none where there are none."""

from __future__ import annotations

import dataclasses
import io
import os

import numpy as np
import pytest
from conftest import as_jpeg
from held import call, sentences, word
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from placed import ask, never_met

from faceagent.errors import UsageError, WeightsCorrupt
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.types import Box, Face
from faceagent_tools import default_tools, weights
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.detection_views import Raw, one_per_face, turned_view
from faceagent_tools.detectors import DETECTORS
from faceagent_tools.own_detector import looks, thresholds
from faceagent_tools.yunet import STRIDES, Found, decode

# The astronaut's face, by eye.
FACE = Box(x0=175, y0=65, x1=270, y1=180)

needs_yunet = pytest.mark.skipif(
    not os.environ.get("FACEAGENT_MIRROR") or weights.find("yunet_n_dynamic") is None,
    reason="YuNet is a published backend: set FACEAGENT_MIRROR to test it",
)
BACKENDS = ["faceagent", "dlib", pytest.param("yunet", marks=needs_yunet)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_face_where_it_is(portrait: Photo, backend: str) -> None:
    (face,) = FaceDetector(backend).detect(portrait, "image 1")
    assert face.id == "face 1.1"
    assert face.box.iou(FACE) > 0.5
    first, second = face.landmarks[:2]
    assert first == pytest.approx((203, 103), abs=6)
    assert second == pytest.approx((247, 104), abs=6)
    assert abs(face.roll) < 8


@pytest.mark.parametrize("backend", BACKENDS)
def test_several_faces_from_left_to_right(group: Photo, backend: str) -> None:
    faces = FaceDetector(backend).detect(group, "image 3")
    assert [face.id for face in faces] == ["face 3.1", "face 3.2"]
    assert faces[0].box.centre[0] < faces[1].box.centre[0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_lying_face_is_found_and_its_lean_is_known(portrait: Photo, backend: str, degrees: int) -> None:
    turned = Photo.open(np.ascontiguousarray(np.rot90(portrait.pixels, k=degrees // 90)))
    (face,) = FaceDetector(backend).detect(turned, "image 1")
    # rot90 turns counter-clockwise, which is a negative lean.
    assert (face.roll + degrees + 180) % 360 - 180 == pytest.approx(0, abs=12)
    assert face.box.width == pytest.approx(FACE.width, rel=0.3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_moves_nothing(portrait: Photo, backend: str, orientation: int) -> None:
    """A photo stored in any orientation shows its face in the same upright place."""
    stored = Image.fromarray(portrait.pixels).transpose(_UNDO[orientation]) if orientation > 1 else None
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    (stored or Image.fromarray(portrait.pixels)).save(buffer, "PNG", exif=exif)
    photo = Photo.open(buffer.getvalue())
    (face,) = FaceDetector(backend).detect(photo, "image 1")
    assert face.box.iou(FACE) > 0.5


_UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@needs_yunet
def test_small_faces_in_a_large_photo_are_found(portrait: Photo) -> None:
    scene = np.full((3000, 3000, 3), 128, np.uint8)
    small = np.asarray(Image.fromarray(portrait.pixels).resize((154, 154), Image.Resampling.LANCZOS))
    for x, y in ((200, 300), (2500, 2400)):
        scene[y : y + 154, x : x + 154] = small
    faces = FaceDetector("yunet").detect(Photo.open(scene), "image 1")
    places = [
        (200 + FACE.centre[0] * 0.3, 300 + FACE.centre[1] * 0.3),
        (2500 + FACE.centre[0] * 0.3, 2400 + FACE.centre[1] * 0.3),
    ]
    assert [face.box.centre for face in faces] == [pytest.approx(place, abs=8) for place in places]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 30)])
def test_tiny_pictures_have_no_face(backend: str, size: tuple[int, int]) -> None:
    assert FaceDetector(backend).detect(Photo.open(np.full((*size, 3), 128, np.uint8)), "image 1") == ()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cup_is_no_face(faceless: Photo, backend: str) -> None:
    assert FaceDetector(backend).detect(faceless, "image 1") == ()


@pytest.mark.parametrize("backend", ["faceagent", "dlib"])
def test_grey_and_recompressed(portrait: Photo, backend: str) -> None:
    grey = Image.open(io.BytesIO(as_jpeg(portrait, quality=40))).convert("L")
    face = max(FaceDetector(backend).detect(Photo.open(grey), "image 1"), key=lambda face: face.score)
    assert face.box.iou(FACE) > 0.5


@pytest.mark.parametrize("side", [48, 144, 1800])
def test_our_network_finds_a_face_that_fills_the_picture(portrait: Photo, side: int) -> None:
    tight = Image.fromarray(portrait.pixels).crop((160, 50, 285, 190)).resize((side, side), Image.Resampling.LANCZOS)
    (face,) = FaceDetector("faceagent").detect(Photo.open(tight), "image 1")
    assert face.box.iou(Box(x0=0.1 * side, y0=0.1 * side, x1=0.9 * side, y1=0.93 * side)) > 0.6


def test_auto_takes_the_best_that_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"yunet_n_dynamic", "faceagent-detector"}
    monkeypatch.setattr(weights, "find", lambda name: "here" if name in here else None)
    chosen = []
    for gone in (None, "yunet_n_dynamic", "faceagent-detector"):
        here.discard(gone or "")
        detector = FaceDetector()
        rows = DetectFaces(detector).backends()
        assert [row.method for row in rows if row.chosen] == [detector.method]
        chosen.append(detector.backend)
    assert chosen == ["yunet", "faceagent", "dlib"]
    assert {row.method.name: row.here for row in rows if not row.method.name.startswith("uniface")} == {
        "dlib-hog": True,
        "faceagent-detector": False,
        "yunet_n_dynamic": False,
    }
    assert all(row.how for row in rows if not row.here)


class SeesEyes:
    """Stands in for a network of uniface: a green mark is the first eye and a blue one the second, if not below it."""

    def __init__(self, name: str, score: float) -> None:
        self.name = name

    def detect(self, pixels: Pixels) -> Found:
        first, second = (np.argwhere(pixels[:, :, channel] > 150).mean(axis=0)[::-1] for channel in (1, 2))
        middle = (first + second) / 2
        found = abs(second[1] - first[1]) < 5 and first[0] < second[0]
        points = np.array([first, second, middle, first, second], np.float32)[None]
        box = np.array([[*(middle - 30), *(middle + 30)]], np.float32)
        return Found(box, np.array([0.9], np.float32), points) if found else Found(box[:0], box[:0, 0], points[:0])


@pytest.mark.parametrize("quarters", range(4))
def test_uniface_is_shown_turned_copies_where_it_finds_nothing(quarters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceagent_tools.detection.UnifaceDetector", SeesEyes)
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[40:60, 60:80, 1] = pixels[40:60, 120:140, 2] = 255
    (face,) = FaceDetector("scrfd").detect(Photo.open(np.ascontiguousarray(np.rot90(pixels, quarters))), "image 1")
    assert (face.roll + 90 * quarters + 180) % 360 - 180 == pytest.approx(0, abs=2)
    assert face.box.width == pytest.approx(60, abs=2)


def test_the_environment_chooses_the_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEAGENT_DETECTOR", "retinaface")
    finder = default_tools()[0]
    assert [row.method.name for row in finder.backends() if row.chosen] == ["uniface-retinaface"]
    assert [row.method.name for row in default_tools("dlib")[0].backends() if row.chosen] == ["dlib-hog"]
    monkeypatch.setenv("FACEAGENT_DETECTOR", "mtcnn")
    with pytest.raises(UsageError, match="dlib, faceagent, yunet, scrfd, retinaface"):
        default_tools()


def test_a_damaged_network_is_named_and_how_to_mend_it(portrait: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    row = weights.row("faceagent-detector")
    table = {**weights.TABLE, row.name: dataclasses.replace(row, sha256="0" * 64)}
    monkeypatch.setattr(weights, "TABLE", table)
    with pytest.raises(WeightsCorrupt, match="SHA-256"):
        FaceDetector("faceagent").detect(portrait, "image 1")


def test_scores_of_our_network_come_with_it() -> None:
    detector = FaceDetector("faceagent")
    assert 0 < detector.floor <= detector.margin <= thresholds()["sure_score"] < 1
    assert FaceDetector("faceagent", margin=0.9, floor=0.8).floor == 0.8


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(UsageError, match="haar"):
        FaceDetector("haar")


def test_what_is_said_of_a_group_and_of_an_empty_photo(group: Photo, faceless: Photo) -> None:
    evidence, claims, session = call([DetectFaces(FaceDetector("dlib"))], [group, faceless])
    text = sentences(claims)
    assert "There are two faces in image 1" in text
    assert "No face was found in image 2" in text
    assert "can miss faces" in text
    assert [row.value for row in evidence if row.attribute == "face_count"] == [2, 0]
    assert session.detected("image 2")


def test_a_weak_face_counts_only_where_there_is_no_better_and_is_said_to_be_weak(portrait: Photo) -> None:
    """No detection of the portrait reaches a margin of 5, so all of them are weak, the face and the badge."""
    detector = FaceDetector("dlib", margin=5.0)
    assert any(face.box.iou(FACE) > 0.5 for face in detector.detect(portrait, "image 1"))
    assert len(FaceDetector("dlib").detect(portrait, "image 1")) == 1
    session = Session()
    session.add(portrait)
    weak = Face(id="face 1.1", image="image 1", box=FACE, score=0.1)
    session.set_faces("image 1", [weak])
    tool = DetectFaces(FaceDetector("dlib"))
    rows = [session.ledger.record(row) for row in tool.run(session, tool.arguments())]
    assert "The face was found only weakly" in sentences(word(tool, rows, session))


_FOUND = st.tuples(st.one_of(st.floats(1, 60), st.floats(20, 28)), st.sampled_from((0.9, 0.9, 0.1)))


@settings(max_examples=80)
@given(
    st.lists(st.lists(_FOUND, max_size=14), min_size=1, max_size=3),
    st.sampled_from(list(DETECTORS)),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_whatever_is_found_every_sentence_is_carried(
    photos: list[list[tuple[float, float]]], backend: str, chosen: list[bool]
) -> None:
    session = Session()
    for number, found in enumerate(photos, 1):
        image = session.add(Photo.open(np.zeros((100, 1000, 3), np.uint8)))
        boxes = [Box(x0=70 * place, y0=0, x1=70 * place + width, y1=width) for place, (width, _) in enumerate(found)]
        faces = [
            Face(id=f"face {number}.{place}", image=image, box=box, score=score)
            for place, (box, (_, score)) in enumerate(zip(boxes, found, strict=True), 1)
        ]
        session.set_faces(image, faces)
    asked = [image for image, wanted in zip(session.images, chosen, strict=False) if wanted]
    ask(DetectFaces(FaceDetector(backend, margin=0.5)), session, images=asked)


def test_there_are_no_words_for_what_is_never_found(portrait: Photo) -> None:
    rows, _, _ = call([DetectFaces(FaceDetector("dlib", margin=5.0))], [portrait])
    assert never_met(rows, "face_count", "face") == []


def test_looking_twice_gives_the_same_ids(group: Photo) -> None:
    tool = DetectFaces(FaceDetector("dlib"))
    _, _, session = call([tool], [group])
    before = session.faces()
    tool.run(session, tool.arguments())
    assert session.faces() == before


def raw(x: float, y: float, size: float, score: float) -> Raw:
    return Raw(Box(x0=x, y0=y, x1=x + size, y1=y + size), score, (), "none", 0.0)


def test_overlapping_and_nested_boxes_are_one_face() -> None:
    strong, shifted, inside, other = (
        raw(0, 0, 100, 0.9),
        raw(10, 10, 100, 0.8),
        raw(40, 40, 30, 0.7),
        raw(300, 0, 50, 0.1),
    )
    assert one_per_face([other, inside, shifted, strong]) == [strong, other]


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    side=st.integers(8, 80),
    degrees=st.sampled_from([0.0, 45.0, 90.0, -90.0, 180.0, 17.0]),
)
@settings(deadline=None)
def test_a_view_holds_the_whole_photo_and_leads_back(width: int, height: int, side: int, degrees: float) -> None:
    view, to_view = turned_view(np.zeros((height, width, 3), np.uint8), side, degrees)
    corners = [(0.0, 0.0), (float(width), 0.0), (0.0, float(height)), (float(width), float(height))]
    for corner, mapped in zip(corners, to_view.points(corners), strict=True):
        assert -1 <= mapped[0] <= view.shape[1] + 1
        assert -1 <= mapped[1] <= view.shape[0] + 1
        assert to_view.inverse().point(mapped) == pytest.approx(corner, abs=1e-6)


def test_yunet_is_decoded_cell_by_cell() -> None:
    """One hot cell at stride 16, row 1, column 2, by hand: centre (2.5, 1.25) cells, one cell wide, e cells high."""
    width, height = 96, 64
    outputs: dict[str, np.ndarray] = {}
    for stride in STRIDES:
        cells = (width // stride) * (height // stride)
        for name, depth in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs[f"{name}_{stride}"] = np.zeros((1, cells, depth), np.float32)
    cell = 1 * (width // 16) + 2
    outputs["cls_16"][0, cell], outputs["obj_16"][0, cell] = 0.81, 1.0
    outputs["bbox_16"][0, cell] = (0.5, 0.25, 0.0, 1.0)
    outputs["kps_16"][0, cell] = np.arange(10) / 10
    found = decode(outputs, width, 0.6)
    assert found.scores == pytest.approx([0.9])
    x, y, tall = 2.5 * 16, 1.25 * 16, np.e * 16
    assert found.boxes[0] == pytest.approx([x - 8, y - tall / 2, x + 8, y + tall / 2])
    assert found.points[0, 0] == pytest.approx([2.0 * 16, 1.1 * 16])
    assert found.points[0, 4] == pytest.approx([2.8 * 16, 1.9 * 16])


class TwoFaces:
    """A strong face at the left and a weak one at the right; looked at again by itself, each scores 0.9."""

    def __init__(self) -> None:
        self.second_looks = 0

    def detect(self, pixels: Pixels) -> Found:
        side = pixels.shape[0]
        if side == 160:
            self.second_looks += 1
            boxes, scores = [[44, 44, 116, 116]], [0.9]
        else:
            boxes, scores = [[0.1, 0.4, 0.3, 0.6], [0.7, 0.4, 0.9, 0.6]], [0.9, 0.32]
            boxes = [[side * share for share in box] for box in boxes]
        points = np.zeros((len(boxes), 5, 2), np.float32)
        return Found(np.array(boxes, np.float32), np.array(scores, np.float32), points)


@pytest.mark.parametrize(("wanted", "faces", "second_looks"), [((0.69, 0.6), 1, 1), ((0.93, 0.6), 2, 2)])
def test_what_cannot_become_clear_is_looked_at_again_only_where_nothing_is(
    wanted: tuple[float, float], faces: int, second_looks: int
) -> None:
    network = TwoFaces()
    found = looks(network, np.zeros((240, 240, 3), np.uint8), wanted)
    assert (len(found), network.second_looks) == (faces, second_looks)
