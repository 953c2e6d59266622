"""A detector as a user declares it: a small ONNX file made on the spot, and the TOML file that names it."""

from __future__ import annotations

import hashlib
from pathlib import Path


def network(folder: Path, *, size: int = 32, layout: str = "NCHW") -> Path:
    """Gives the mean of each channel, [1, 3]."""
    from onnx import TensorProto, helper

    shape = ["n", 3, size, size] if layout == "NCHW" else ["n", size, size, 3]
    axes = helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3] if layout == "NCHW" else [1, 2])
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["face", "axes"], ["means"], keepdims=0)],
        "means",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", 3])],
        [axes],
    )
    path = folder / "means.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def declare(
    folder: Path, *, top: str = "", taken: str = "size = [32, 32]", given: str = 'meaning = "probability"'
) -> Path:
    file = folder / "means.onnx"
    digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "0" * 64
    path = folder / "detectors.toml"
    path.write_text(
        f"""
[[detector]]
name = "means"
version = "1"
file = "means.onnx"
sha256 = "{digest}"
licence = "CC0-1.0"
{top}
[detector.input]
{taken}
[detector.output]
{given}
"""
    )
    return path
