"""The graph with which `faceagent.gallery.scan` compares 8-bit vectors: one MatMulInteger.

python -m faceagent_finetune.nets.scan_graph faceagent/gallery/scan.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path


def graph() -> bytes:
    """An ONNX model: query uint8 [1, D] and block int8 [D, N] to products int32 [1, N]."""
    from onnx import TensorProto, checker, helper

    value = helper.make_tensor_value_info
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMulInteger", ["query", "block"], ["products"])],
            "scan",
            [value("query", TensorProto.UINT8, [1, "D"]), value("block", TensorProto.INT8, ["D", "N"])],
            [value("products", TensorProto.INT32, [1, "N"])],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    checker.check_model(model)
    return bytes(model.SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.parse_args().target.write_bytes(graph())


if __name__ == "__main__":
    main()
