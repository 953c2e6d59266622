"""MesoNet's two networks as ONNX graphs without weights, into which the product puts the published ones.

    python -m faceagent_finetune.nets.convert_mesonet --graphs tools/faceagent_tools/networks

Rebuilt from classifiers.py of https://github.com/DariusAf/MesoNet (Apache-2.0). Needs the extra `train`. Initialisers
have the names of the arrays in the published files; all are external and empty.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onnx import TensorProto, helper

from faceagent_tools.forensics.mesonet import SIDE

EPSILON = 1e-3  # Keras's default for batch norms
SLOPE = 0.1
_FLAT, _HIDDEN = 1024, 16  # 8 x 8 places of 16 channels; units of the dense layer


class Graph:
    """Nodes and empty weights, in the order in which they are added."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def weight(self, name: str, *shape: int) -> str:
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="published.h5")
        self._weights.append(tensor)
        return name

    def conv(self, x: str, layer: str, before: int, after: int, side: int, dilation: int = 1) -> str:
        kernel = self.weight(f"{layer}/kernel", after, before, side, side)
        padding = [dilation * (side // 2)] * 4
        inputs = [x, kernel, self.weight(f"{layer}/bias", after)]
        y = self.add("Conv", inputs, layer, kernel_shape=[side, side], pads=padding, dilations=[dilation] * 2)
        return self.add("Relu", [y], f"{layer}/relu")

    def norm_and_pool(self, x: str, layer: str, width: int, pool: int) -> str:
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        inputs = [x, *(self.weight(f"{layer}/{name}", width) for name in names)]
        y = self.add("BatchNormalization", inputs, layer, epsilon=EPSILON)
        return self.add("MaxPool", [y], f"{layer}/pool", kernel_shape=[pool, pool], strides=[pool, pool])

    def dense(self, x: str, layer: str, before: int, after: int) -> str:
        return self.add("Gemm", [x, *self._dense_weights(layer, before, after)], layer)

    def _dense_weights(self, layer: str, before: int, after: int) -> tuple[str, str]:
        return self.weight(f"{layer}/kernel", before, after), self.weight(f"{layer}/bias", after)

    def inception(self, x: str, first: int, before: int, widths: Sequence[int]) -> str:
        """Four branches side by side: 1 x 1, and 1 x 1 before 3 x 3 of dilation 1, 2 and 3."""
        branches = [self.conv(x, f"conv2d_{first}", before, widths[0], 1)]
        for number, width in enumerate(widths[1:], start=1):
            narrow = self.conv(x, f"conv2d_{first + 2 * number - 1}", before, width, 1)
            branches.append(self.conv(narrow, f"conv2d_{first + 2 * number}", width, width, 3, dilation=number))
        return self.add("Concat", branches, f"inception_{first}", axis=1)

    def begin(self) -> str:
        return self.add("Transpose", ["pixels"], "channels_first", perm=[0, 3, 1, 2])

    def end(self, x: str, dense: Sequence[str]) -> None:
        # Keras flattens with the channels last.
        y = self.add("Flatten", [self.add("Transpose", [x], "channels_last", perm=[0, 2, 3, 1])], "flat")
        y = self.add("LeakyRelu", [self.dense(y, dense[0], _FLAT, _HIDDEN)], "leaky", alpha=SLOPE)
        self.add("Sigmoid", [self.dense(y, dense[1], _HIDDEN, 1)], "real")

    def model(self, name: str) -> Any:
        pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", SIDE, SIDE, 3])
        real = helper.make_tensor_value_info("real", TensorProto.FLOAT, ["n", 1])
        graph = helper.make_graph(self._nodes, name, [pixels], [real], self._weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def meso4() -> Any:
    """Layers are numbered as in the published files, where this network was the second of its session."""
    graph = Graph()
    x = graph.begin()
    for layer, before, after, side, pool in ((5, 3, 8, 3, 2), (6, 8, 8, 5, 2), (7, 8, 16, 5, 2), (8, 16, 16, 5, 4)):
        x = graph.conv(x, f"conv2d_{layer}", before, after, side)
        x = graph.norm_and_pool(x, f"batch_normalization_{layer}", after, pool)
    graph.end(x, ("dense_3", "dense_4"))
    return graph.model("meso4")


def mesoinception4() -> Any:
    graph = Graph()
    x = graph.norm_and_pool(graph.inception(graph.begin(), 1, 3, (1, 4, 4, 2)), "batch_normalization_1", 11, 2)
    x = graph.norm_and_pool(graph.inception(x, 8, 11, (2, 4, 4, 2)), "batch_normalization_2", 12, 2)
    x = graph.norm_and_pool(graph.conv(x, "conv2d_15", 12, 16, 5), "batch_normalization_3", 16, 2)
    x = graph.norm_and_pool(graph.conv(x, "conv2d_16", 16, 16, 5), "batch_normalization_4", 16, 4)
    graph.end(x, ("dense_1", "dense_2"))
    return graph.model("mesoinception4")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--graphs", type=Path, required=True, help="the package's networks/")
    chosen = parser.parse_args()
    for name, model in (("meso4", meso4()), ("mesoinception4", mesoinception4())):
        target = chosen.graphs / f"{name}.onnx"
        target.write_bytes(model.SerializeToString())
        sys.stdout.write(f"{target}: {target.stat().st_size} bytes, {len(model.graph.node)} nodes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
