"""Paddings are moved into convolutions, and nothing that is computed changes. Skipped without onnx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

onnx = pytest.importorskip("onnx")
from onnx import helper  # noqa: E402 - after the skip

from faceagent_finetune.nets.fold_padding import fold_padding  # noqa: E402

_UNEVEN = [0, 0, 0, 1, 0, 0, 2, 1]  # batch, channels, rows, columns before; the same after
_PLANES = np.random.default_rng(3).normal(size=(2, 3, 9, 8)).astype(np.float32)


def _written(folder: Path, pads: list[int], channels: int = 3, also_read: bool = False) -> Path:
    """A padding, a strided convolution of it, and on demand a second reader of the padded planes."""
    weights = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Pad", ["planes", "pads"], ["padded"], name="pad"),
        helper.make_node("Conv", ["padded", "weights"], ["out"], pads=[0, 0, 0, 0], strides=[2, 2]),
        *([helper.make_node("Relu", ["padded"], ["other"])] if also_read else []),
    ]
    outputs = ["out", *(["other"] if also_read else [])]
    graph = helper.make_graph(
        nodes,
        "padded",
        [helper.make_tensor_value_info("planes", onnx.TensorProto.FLOAT, ["n", channels, 9, 8])],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", "c", "h", "w"]) for name in outputs],
        [
            onnx.numpy_helper.from_array(np.array(pads, np.int64), "pads"),
            onnx.numpy_helper.from_array(weights, "weights"),
        ],
    )
    file = folder / "padded.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), file)
    return file


def _computed(file: Path) -> list[Any]:
    return list(onnxruntime.InferenceSession(str(file)).run(None, {"planes": _PLANES}))


def _kinds(file: Path) -> list[str]:
    return [node.op_type for node in onnx.load(file).graph.node]


def test_the_sums_stay_and_the_padding_goes(tmp_path: Path) -> None:
    file = _written(tmp_path, _UNEVEN)
    before = _computed(file)
    assert fold_padding(file, {"planes": _PLANES[:1]}) == 1
    assert _kinds(file) == ["Conv"]
    np.testing.assert_array_equal(_computed(file)[0], before[0])


def test_what_others_read_stays(tmp_path: Path) -> None:
    file = _written(tmp_path, _UNEVEN, also_read=True)
    assert fold_padding(file, {"planes": _PLANES}) == 0
    assert "Pad" in _kinds(file)


def test_padding_of_channels_is_refused(tmp_path: Path) -> None:
    # As many channels as the filters see only after the padding: no convolution can add them.
    file = _written(tmp_path, [0, 0, 0, 0, 0, 1, 0, 0], channels=2)
    with pytest.raises(ValueError, match="pads what a convolution cannot"):
        fold_padding(file, {"planes": _PLANES[:, :2]})
