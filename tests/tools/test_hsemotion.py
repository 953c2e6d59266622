"""HSEmotion's files: input, order of the classes and output as its project has them.

The published weights are not tested here: the file is a small network made on the spot, with the same inputs and
outputs. It averages the three channels: red is anger and exciting, green happiness and pleasant, blue sadness.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from held import sentences, word
from readings import Reads

from faceagent.errors import ToolError, WeightsCorrupt, WeightsMissing
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Evidence, Face
from faceagent_tools import hsemotion
from faceagent_tools.emotion import RecognizeEmotion
from faceagent_tools.hsemotion import CLASSES, HSEmotion
from faceagent_tools.multitask import FaceReader

FACE = Face(id="face 1.1", image="image 1", box=Box(x0=50, y0=50, x1=150, y1=150), score=1.0)
COLOURS = {"anger": (255, 0, 0), "happiness": (0, 255, 0), "sadness": (0, 0, 255)}


def network(path: Path, outputs: int = 10, side: int = 224) -> Path:
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper, kind = onnx.helper, onnx.numpy_helper, onnx.TensorProto.FLOAT
    weights = np.zeros((3, 10), np.float32)
    weights[0, CLASSES.index("anger")] = weights[1, CLASSES.index("happiness")] = weights[
        2, CLASSES.index("sadness")
    ] = 1
    weights[1, 8] = weights[0, 9] = 0.2
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["output"]),
        ],
        "made for a test",
        [helper.make_tensor_value_info("input", kind, ["n", 3, side, side])],
        [helper.make_tensor_value_info("output", kind, ["n", outputs])],
        [numpy_helper.from_array(weights[:, :outputs], "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def photo(name: str) -> Photo:
    """The colour where the face is, black elsewhere."""
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[50:150, 50:150] = COLOURS[name]
    return Photo.open(pixels)


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("side", [224, 260])
def test_the_face_is_cut_normalised_and_read_in_the_order_of_the_classes(name: str, side: int, tmp_path: Path) -> None:
    found = HSEmotion(network(tmp_path / "enet_b0_8_va_mtl.onnx", side=side)).read(photo(name), FACE)
    assert max(found.shares, key=found.shares.__getitem__) == name
    means, deviations = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    red, green, blue = ((c / 255 - m) / d for c, m, d in zip(COLOURS[name], means, deviations, strict=True))
    logits = dict.fromkeys(CLASSES, 0.0) | {"anger": red, "happiness": green, "sadness": blue}
    total = sum(np.exp(value) for value in logits.values())
    assert found.shares == pytest.approx({key: np.exp(value) / total for key, value in logits.items()}, abs=1e-3)
    assert found.valence == pytest.approx(0.2 * green, abs=1e-3)
    assert found.arousal == pytest.approx(0.2 * red, abs=1e-3)


def test_a_network_without_valence_and_arousal(tmp_path: Path) -> None:
    found = HSEmotion(network(tmp_path / "enet_b0_8_best_vgaf.onnx", outputs=8)).read(photo("sadness"), FACE)
    assert (found.valence, found.arousal) == (None, None)
    assert sum(found.shares.values()) == pytest.approx(1)


def test_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="not one of HSEmotion's networks"):
        HSEmotion(network(tmp_path / "other.onnx", outputs=7)).read(photo("anger"), FACE)


def test_a_missing_and_a_damaged_file_are_told_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="FACEAGENT_EMOTION_MODEL"):
        HSEmotion(tmp_path / "nowhere.onnx").read(photo("anger"), FACE)
    for data in (b"", b"<html>404</html>"):
        (tmp_path / "broken.onnx").write_bytes(data)
        with pytest.raises(WeightsCorrupt, match="no ONNX network"):
            HSEmotion(tmp_path / "broken.onnx").read(photo("anger"), FACE)


def test_a_face_at_the_edge_is_cut_to_what_is_there() -> None:
    shot = photo("anger")
    assert hsemotion.cut(shot, Box(x0=-20, y0=150, x1=30.4, y1=260)).shape == (50, 30, 3)
    assert hsemotion.cut(shot, Box(x0=400, y0=400, x1=500, y1=500)).shape == (1, 1, 3)


def test_it_takes_the_seat_with_its_hash_and_without_a_probability(tmp_path: Path) -> None:
    path = network(tmp_path / "enet_b0_8_va_mtl.onnx")
    row, said = told(path)
    assert row.value == "happiness"
    assert row.probability is None
    assert row.method.version == "enet_b0_8_va_mtl"
    assert row.method.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert row.method.licence.startswith("Apache-2.0")
    assert "HSEmotion, a published network, reads the expression of the face as happy" in said
    assert "was not measured here" in said
    assert "0.49 from unpleasant to pleasant, and −0.42 from calm to excited" in said
    assert "not what somebody feels" in said


def test_the_environment_names_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [backend.chosen for backend in RecognizeEmotion(FaceReader()).backends()] == [True, False]
    monkeypatch.setenv(hsemotion.VARIABLE, str(network(tmp_path / "enet_b2_8.onnx")))
    own, theirs = RecognizeEmotion(FaceReader()).backends()
    assert (own.chosen, theirs.chosen, theirs.here) == (False, True, True)
    assert hsemotion.URL in (theirs.how or "")


def told(model: Path) -> tuple[Evidence, str]:
    """What the tool measures and says of a green face; that it can be read is up to the embedded network."""
    session = Session("research")
    session.add(photo("happiness"))
    session.set_faces("image 1", [FACE])
    tool = RecognizeEmotion(Reads({}), model)
    (found,) = tool.run(session, tool.arguments())
    row = session.ledger.record(found)
    return row, sentences(word(tool, [row], session))
