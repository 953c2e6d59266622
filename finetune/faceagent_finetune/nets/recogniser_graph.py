"""Write the graph of dlib's face recogniser for ONNX Runtime, without its filters.

    python -m faceagent_finetune.nets.recogniser_graph --out FILE

The filters stay in dlib's own file, which `faceagent_tools.dlib_net` reads and `faceagent_tools.trunk` puts into the
graph when it loads it: so nothing is published twice, and a changed file is caught by its hash. The graph is a few
kilobytes. Input `pixels`: float32 RGB [N, 3, 150, 150] of 0-255. Outputs: `embedding` [N, 128], and `trunk.MAPS`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from faceagent_tools import dlib_net
from faceagent_tools.trunk import CHIP_SIZE, FINE, MAPS, SHARED

_OPSET, _IR = 17, 9


class Graph:
    """Nodes in order, and the filters that they name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.filters: dict[str, tuple[int, ...]] = {}
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One node; the name of its output."""
        from onnx import helper

        out = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [out], **attributes))
        return out

    def named(self, made: str, name: str) -> str:
        """The same output by another name."""
        node = next(node for node in self.nodes if made in node.output)
        node.output[:] = [name]
        return name

    def constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def convolution(self, maps: str, name: str, shape: tuple[int, ...], stride: int, pad: int) -> str:
        self.filters |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
        return self.add("Conv", maps, f"{name}.weight", f"{name}.bias", strides=[stride, stride], pads=[pad] * 4)

    def padded(self, maps: str, channels: int, side: int) -> str:
        """More channels of zeros, and more rows below and columns to the right."""
        import numpy as np

        if not channels and not side:
            return maps
        ends = np.array([0, 0, 0, 0, 0, channels, side, side], np.int64)
        return self.add("Pad", maps, self.constant(f"pads_{len(self.nodes)}", ends))


def graph() -> Any:
    """The model: an onnx.ModelProto whose filters are external and empty."""
    import numpy as np
    from onnx import TensorProto, helper

    made = Graph()
    mean = made.constant("mean", np.array(dlib_net.MEAN, np.float32).reshape(1, 3, 1, 1))
    scale = made.constant("scale", np.float32(256.0))
    maps = made.add("Div", made.add("Sub", "pixels", mean), scale)
    maps = made.add("Relu", made.convolution(maps, "stem", (32, 3, 7, 7), 2, 0))
    maps = made.add("MaxPool", maps, kernel_shape=[3, 3], strides=[2, 2])
    side = ((CHIP_SIZE - 7) // 2 + 1 - 3) // 2 + 1
    handed = {FINE: "fine", SHARED: "shared"}
    for number, plan in enumerate(dlib_net.BLOCKS):
        maps, side = _block(made, maps, side, f"blocks.{number}", plan)
        if number + 1 in handed:
            maps = made.named(maps, handed[number + 1])
    maps = made.named(made.add("Flatten", made.add("GlobalAveragePool", maps)), "late")
    made.filters["fc.weight"] = (dlib_net.EMBEDDING, dlib_net.BLOCKS[-1][1])
    made.named(made.add("Gemm", maps, "fc.weight", transB=1), "embedding")

    filters = []
    for name, shape in made.filters.items():
        tensor = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="dlib")
        filters.append(tensor)
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, CHIP_SIZE, CHIP_SIZE])
    shapes = {**MAPS, "embedding": (dlib_net.EMBEDDING,)}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape]) for name, shape in shapes.items()]
    body = helper.make_graph(made.nodes, "dlib-recogniser", [pixels], outputs, [*filters, *made.constants])
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


def _block(made: Graph, maps: str, side: int, name: str, plan: tuple[int, int, bool]) -> tuple[str, int]:
    """One residual block: its maps and their side."""
    before, after, halves = plan
    first = made.convolution(maps, f"{name}.a", (after, before, 3, 3), 2 if halves else 1, 0 if halves else 1)
    body = made.convolution(made.add("Relu", first), f"{name}.b", (after, after, 3, 3), 1, 1)
    if halves:
        convolved, pooled = (side - 3) // 2 + 1, side // 2
        side = max(convolved, pooled)
        body = made.padded(body, 0, side - convolved)
        maps = made.add("AveragePool", maps, kernel_shape=[2, 2], strides=[2, 2])
        maps = made.padded(maps, after - before, side - pooled)
    return made.add("Relu", made.add("Add", maps, body)), side


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    written = graph().SerializeToString()
    chosen.out.write_bytes(written)
    sys.stdout.write(f"{chosen.out}: {len(written)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
