"""The seam to uniface: real uniface code on small ONNX files with the published inputs and outputs; its weights are not
here. Everything that needs uniface or onnx is skipped without them; what must hold without them is tested always."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceagent.errors import MissingExtra, ToolError, UsageError, WeightsCorrupt, WeightsMissing
from faceagent.media import Photo
from faceagent.types import Box, Face
from faceagent_tools import uniface_backends as backends
from faceagent_tools.detection import DetectFaces, FaceDetector

BOX = Box(x0=20, y0=20, x1=70, y1=70)
POINTS = ((37.0, 40.0), (53.0, 40.0), (45.0, 49.0), (39.0, 57.0), (51.0, 57.0))
FACE = Face(id="face 1.1", image="image 1", box=BOX, score=0.9, landmarks=POINTS, landmark_scheme="eyes-nosetip-mouth")
GREY, RED = (128, 128, 128), (255, 0, 0)


def plain(colour: tuple[int, int, int]) -> Photo:
    return Photo.open(np.full((90, 90, 3), colour, np.uint8))


# Without uniface


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("uniface", "uniface.constants", "uniface.model_store"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(backends, "_version", lambda: None)


def test_missing_names_the_extra(absent: None) -> None:
    with pytest.raises(MissingExtra, match=r"faceagent\[uniface\]"):
        backends.UnifaceParser().parse(plain(GREY), FACE)


def test_it_is_listed_where_it_is_not_installed(absent: None) -> None:
    told = backends.backend("uniface-bisenet", "parse_face")
    assert not told.here
    assert "faceagent[uniface]" in (told.how or "")
    assert told.fetch is None


@pytest.mark.parametrize("name", ["scrfd", "retinaface"])
def test_a_chosen_detector_that_is_not_here_names_the_extra_and_finds_nothing_in_silence(
    name: str, absent: None
) -> None:
    detector = FaceDetector(name)
    with pytest.raises(MissingExtra, match=r"faceagent\[uniface\]"):
        detector.detect(plain(GREY), "image 1")
    (told,) = [row for row in DetectFaces(detector).backends() if row.chosen]
    assert told.method.name == f"uniface-{name}"
    assert "faceagent[uniface]" in (told.how or "")


def test_licences_that_forbid_commerce_say_so() -> None:
    for name in ("uniface-arcface", "uniface-edgeface", "uniface-scrfd"):
        assert "non-commercial" in backends.method(name).licence


def test_unknown_networks_are_refused() -> None:
    with pytest.raises(UsageError, match="uniface-gaze"):
        backends.row("uniface-gase")
    with pytest.raises(UsageError, match="uniface-adaface"):
        backends.UnifaceEmbedder("uniface-gaze")


def test_a_recogniser_needs_nose_tip_and_mouth() -> None:
    face = FACE.model_copy(update={"landmarks": POINTS[:3], "landmark_scheme": "eyes-nosebase"})
    with pytest.raises(ToolError, match="YuNet"):
        backends.UnifaceEmbedder("uniface-arcface").embed(plain(GREY), face)


def test_sides_are_those_of_the_photo() -> None:
    near, far, none = np.zeros((4, 9), bool), np.zeros((4, 9), bool), np.zeros((4, 9), bool)
    near[1, 1:3], far[1, 6:8] = True, True
    for pair in ((near, far), (far, near)):
        told = backends.by_side("eye", pair, 4.5)
        assert (told["eye_nearer_left_edge"] == near).all()
        assert (told["eye_nearer_right_edge"] == far).all()
    single = backends.by_side("eye", (far, none), 4.5)
    assert not single["eye_nearer_left_edge"].any()
    assert (single["eye_nearer_right_edge"] == far).all()


def test_a_crop_keeps_to_the_photo_and_is_bgr() -> None:
    (rows, columns), crop = backends.cut(plain(RED), Box(x0=-10, y0=60.5, x1=20, y1=120))
    assert (rows, columns) == (slice(60, 90), slice(0, 20))
    assert crop.shape == (30, 20, 3)
    assert crop[0, 0].tolist() == [0, 0, 255]
    with pytest.raises(ToolError, match="outside"):
        backends.cut(plain(RED), Box(x0=200, y0=0, x1=220, y1=20))


# With uniface, on networks made here

Put = Callable[[str, bytes], Path]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put a network's file into an empty cache and publish its hash."""
    pytest.importorskip("onnx")
    constants = pytest.importorskip("uniface.constants")
    monkeypatch.setenv("UNIFACE_CACHE_DIR", str(tmp_path))

    def put_there(name: str, data: bytes) -> Path:
        member = backends._member(name)
        place = tmp_path / f"{member.value}.onnx"
        place.write_bytes(data)
        info = constants.ModelInfo(url=constants.MODEL_REGISTRY[member].url, sha256=hashlib.sha256(data).hexdigest())
        monkeypatch.setitem(constants.MODEL_REGISTRY, member, info)
        return place

    return put_there


def network(side: int, outputs: dict[str, list[int]], nodes: list[Any], constants: dict[str, np.ndarray]) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "made for a test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def told_always(side: int, outputs: dict[str, np.ndarray]) -> bytes:
    """A network that says the same of every picture."""
    from onnx import helper

    nodes = [helper.make_node("Identity", [f"{name}_value"], [name]) for name in outputs]
    shapes = {name: list(values.shape) for name, values in outputs.items()}
    return network(side, shapes, nodes, {f"{name}_value": values for name, values in outputs.items()})


def segments(layout: np.ndarray) -> bytes:
    """BiSeNet's shapes: classes as laid out [8, 8]; what is more red than blue is a hat."""
    from onnx import helper

    scores = (layout[None, None] == np.arange(19)[None, :, None, None]).astype(np.float32)
    weights = np.zeros((19, 3, 1, 1), np.float32)
    weights[18, :, 0, 0] = 5, 0, -5
    nodes = [
        helper.make_node("Resize", ["layout", "", "scales"], ["large"], mode="nearest"),
        helper.make_node("Conv", ["input", "weights"], ["colour"]),
        helper.make_node("Add", ["large", "colour"], ["output"]),
    ]
    constants = {"layout": scores, "scales": np.array([1, 1, 64, 64], np.float32), "weights": weights}
    return network(512, {"output": [1, 19, 512, 512]}, nodes, constants)


def embeds() -> bytes:
    """A recogniser's shapes: red, green and blue become the first three of 512 values."""
    from onnx import helper

    spread = np.eye(3, 512, dtype=np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "spread"], ["output"]),
    ]
    return network(112, {"output": [1, 512]}, nodes, {"spread": spread})


LAYOUT = np.full((8, 8), 1)
LAYOUT[0] = 17  # hair
LAYOUT[2, 1:3], LAYOUT[2, 5:7] = 3, 2  # brows and eyes with their names the other way round
LAYOUT[3, 1:3], LAYOUT[3, 5:7] = 5, 4
LAYOUT[4, 3:5] = 10
LAYOUT[6, 2:4], LAYOUT[6, 4:6] = 12, 13


def scrfd() -> dict[str, np.ndarray]:
    """SCRFD's outputs for 640 x 640, two anchors a cell: one face at the cell (20, 10) of stride 16."""
    cells = {stride: 2 * (640 // stride) ** 2 for stride in (8, 16, 32)}
    scores = {stride: np.zeros((count, 1), np.float32) for stride, count in cells.items()}
    boxes = {stride: np.zeros((count, 4), np.float32) for stride, count in cells.items()}
    points = {stride: np.zeros((count, 10), np.float32) for stride, count in cells.items()}
    at = 2 * (10 * 40 + 20)
    scores[16][at], boxes[16][at] = 0.9, (2, 3, 4, 5)
    points[16][at] = (-1, -1, 1, -1, 0, 0, -1, 1, 1, 1)
    named = {f"score_{k}": v for k, v in scores.items()} | {f"bbox_{k}": v for k, v in boxes.items()}
    return named | {f"kps_{k}": v for k, v in points.items()}


def test_a_detector_gives_boxes_and_points_in_pixels(put: Put) -> None:
    put("uniface-scrfd", told_always(640, scrfd()))
    found = backends.UnifaceDetector("uniface-scrfd").detect(np.zeros((320, 320, 3), np.uint8))
    assert found.scores.tolist() == pytest.approx([0.9])
    # The cell's corner lies at (320, 160) of 640, and the picture is half as large.
    assert found.boxes[0].tolist() == pytest.approx([144, 56, 192, 120], abs=1)
    assert found.points[0].tolist()[0] == pytest.approx([152, 72], abs=1)
    with pytest.raises(UsageError, match="uniface-retinaface"):
        backends.UnifaceDetector("uniface-gaze")


def retinaface() -> dict[str, np.ndarray]:
    """RetinaFace's outputs for 640 x 640: one face at a prior of 64 pixels about (328, 168), points at its middle."""
    count = 2 * (80**2 + 40**2 + 20**2)
    sure, at = np.tile(np.array([1, 0], np.float32), (count, 1)), 2 * 80**2 + 2 * (10 * 40 + 20)
    sure[at] = 0.1, 0.9
    points = np.zeros((count, 10), np.float32)
    points[at] = (-2, -2, 2, -2, 0, 0, -2, 2, 2, 2)  # tenths of the prior's side
    return {"loc": np.zeros((1, count, 4), np.float32), "conf": sure[None], "points": points[None]}


@pytest.mark.parametrize(
    ("name", "outputs", "box"),
    [("scrfd", scrfd, (144, 56, 192, 120)), ("retinaface", retinaface, (148, 68, 180, 100))],
)
def test_it_finds_the_faces_of_detect_faces(name: str, outputs: Callable[[], Any], box: Any, put: Put) -> None:
    put(f"uniface-{name}", told_always(640, outputs()))
    detector = FaceDetector(name)
    # Twice as large as what the network is shown.
    (face,) = detector.detect(Photo.open(np.zeros((1280, 1280, 3), np.uint8)), "image 1")
    assert (face.box.x0, face.box.y0, face.box.x1, face.box.y1) == pytest.approx([4 * edge for edge in box], abs=4)
    assert face.landmark_scheme == "eyes-nosetip-mouth"
    (left, eyes), (right, _), _, (_, mouth), _ = face.landmarks
    assert left < right
    assert eyes < mouth
    assert (face.score, face.roll) == pytest.approx((0.9, 0))
    assert FaceDetector(name, floor=0.95).detect(plain(GREY), "image 1") == ()
    (told,) = [row for row in DetectFaces(detector).backends() if row.chosen]
    assert told.here
    assert told.method == detector.method


def test_parsing(put: Put) -> None:
    put("uniface-bisenet", segments(LAYOUT))
    masks = backends.UnifaceParser().parse(plain(GREY), FACE)
    assert all(mask.shape == (90, 90) for mask in masks.values())
    assert np.sum(list(masks.values()), axis=0).max() == 1  # they do not overlap
    rows, columns = np.nonzero(masks["hair"])
    # The crop is 1.6 times the box about its centre: 5 to 85, and hair its first eighth.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 14, 5, 84)
    assert np.nonzero(masks["eye_nearer_left_edge"])[1].max() < 45 < np.nonzero(masks["eye_nearer_right_edge"])[1].min()
    assert np.nonzero(masks["brow_nearer_left_edge"])[1].max() < 45
    assert masks["lips"].sum() == 40 * 10
    assert not masks["hat"].any()
    assert not masks["mouth_opening"].any()


def test_parsing_sees_colours_as_they_are(put: Put) -> None:
    put("uniface-bisenet", segments(LAYOUT))
    masks = backends.UnifaceParser().parse(plain(RED), FACE)
    assert masks["hat"].sum() == 80 * 80


def test_head_pose_in_our_signs(put: Put) -> None:
    import cv2
    from uniface.draw import draw_head_pose_axis

    def turn(axis: int, degrees: float) -> np.ndarray:
        vector = np.zeros(3)
        vector[axis] = np.radians(degrees)
        return np.asarray(cv2.Rodrigues(vector)[0])

    rotation = turn(2, 5) @ turn(1, 20) @ turn(0, 10)
    put("uniface-headpose", told_always(224, {"rotation": rotation[None].astype(np.float32)}))
    pose = backends.UnifaceHeadPose().pose(plain(GREY), FACE)
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((20, 10, 5), abs=0.01)
    # What we call yaw > 0 and pitch > 0, uniface draws to the left and upwards (its blue axis leaves the face).
    canvas = np.zeros((200, 200, 3), np.uint8)
    draw_head_pose_axis(canvas, [0, 0, 200, 200], pitch=pose.pitch, yaw=pose.yaw, roll=0)
    rows, columns = np.nonzero((canvas[..., 0] > 100) & (canvas[..., 1] < 50) & (canvas[..., 2] < 50))
    assert columns.min() < 75
    assert rows.min() < 90
    assert columns.max() < 105


def test_gaze_in_degrees(put: Put) -> None:
    yaw, pitch = np.full((1, 90), -50, np.float32), np.full((1, 90), -50, np.float32)
    yaw[0, 50], pitch[0, 43] = 50, 50  # bins of 4 degrees from -180
    put("uniface-gaze", told_always(448, {"yaw": yaw, "pitch": pitch}))
    gaze = backends.UnifaceGaze().gaze(plain(GREY), FACE)
    assert (gaze.yaw, gaze.pitch) == pytest.approx((20, -8), abs=0.01)


def test_fairface_labels(put: Put) -> None:
    race, gender, age = (np.eye(size, dtype=np.float32)[[at]] for size, at in ((7, 3), (2, 1), (9, 8)))
    put("uniface-fairface", told_always(224, {"race": race, "gender": gender, "age": age}))
    told = backends.UnifaceFairFace().read(plain(GREY), FACE)
    assert told == backends.Demography(gender="female", age_group="70+", race="East Asian")


@pytest.mark.parametrize("name", backends.RECOGNISERS)
def test_embeddings(put: Put, name: str) -> None:
    put(name, embeds())
    vector = backends.UnifaceEmbedder(name).embed(plain(RED), FACE)
    assert vector.shape == (512,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    # All but AdaFace were trained on RGB; uniface feeds that one BGR.
    assert int(vector.argmax()) == (2 if name == "uniface-adaface" else 0)


def test_nothing_is_downloaded_unasked(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    import uniface.model_store

    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.setattr(uniface.model_store, "download_file", refuse)
    with pytest.raises(WeightsMissing, match=r"python -m faceagent_tools\.uniface_backends uniface-gaze"):
        backends.UnifaceGaze().gaze(plain(GREY), FACE)
    put("uniface-gaze", b"the file").write_bytes(b"another file")
    with pytest.raises(WeightsCorrupt, match="uniface-gaze"):
        backends.UnifaceGaze().gaze(plain(GREY), FACE)


def test_the_published_hash_is_on_record(put: Put) -> None:
    place = put("uniface-bisenet", segments(LAYOUT))
    told = backends.method("uniface-bisenet")
    assert told.sha256 == hashlib.sha256(place.read_bytes()).hexdigest()
    assert told.version.startswith("4.")
    listed = backends.backend("uniface-bisenet", "parse_face", chosen=True)
    assert listed.here
    assert listed.chosen


def test_the_list_for_people(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    put("uniface-bisenet", segments(LAYOUT))
    assert backends.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(backends.NETWORKS)
    assert lines[0].startswith("uniface-bisenet · here ·")
    assert lines[1].startswith("uniface-headpose · not here ·")
    assert backends.main(["nothing"]) == 1
