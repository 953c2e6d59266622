"""The graphs with which `faceagent.gallery.scan` compares copies with four bits a number: one MatMulNBits each.

python -m faceagent_finetune.nets.scan_graph faceagent/gallery
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from faceagent.gallery import scan

_BITS = 4


def graph(width: int) -> bytes:
    """An ONNX model: query float32 [1, width] to products float32 [1, BLOCK]. The copies, uint8 [BLOCK, groups, bytes],
    and their scales, float32 [BLOCK * groups], are handed over when it is loaded.

    MatMulNBits is ONNX Runtime's own (com.microsoft). Accuracy level 4: the query is rounded to 8 bits.
    """
    from onnx import TensorProto, helper

    size = min(width, scan.GROUP)
    groups, value = width // size, helper.make_tensor_value_info
    node = helper.make_node(
        "MatMulNBits",
        ["query", "codes", "scales"],
        ["products"],
        domain="com.microsoft",
        K=width,
        N=scan.BLOCK,
        bits=_BITS,
        block_size=size,
        accuracy_level=4,
    )
    model = helper.make_model(
        helper.make_graph(
            [node],
            "scan",
            [value("query", TensorProto.FLOAT, [1, width])],
            [value("products", TensorProto.FLOAT, [1, scan.BLOCK])],
            initializer=[
                _elsewhere("codes", TensorProto.UINT8, [scan.BLOCK, groups, size * _BITS // 8]),
                _elsewhere("scales", TensorProto.FLOAT, [scan.BLOCK * groups]),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)],
        ir_version=9,
    )
    return bytes(model.SerializeToString())


def _elsewhere(name: str, kind: int, shape: list[int]) -> Any:
    from onnx import TensorProto

    tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="handed over")
    return tensor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for width in scan.WIDTHS:
        (folder / f"scan{width}.onnx").write_bytes(graph(width))


if __name__ == "__main__":
    main()
