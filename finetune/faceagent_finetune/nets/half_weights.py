"""Weights of an ONNX file in 16 bits: half the bytes, while the runtime still computes in 32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_HALF = "_half"


def halve(target: Path, smallest: int = 1024) -> None:
    """Rewrite a file so that its large 32-bit weights are stored in 16 bits and cast up at load.

    Args:
        smallest: values that a tensor must have to be worth it.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(target)
    casts = []
    for tensor in list(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < smallest:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + _HALF))
        casts.append(helper.make_node("Cast", [name + _HALF], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, target)


def stored(file: Path) -> dict[str, npt.NDArray[Any]]:
    """The weights in a file by the names under which they were exported, in 32 bits where `halve` stored 16."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(file).graph
    weights: dict[str, npt.NDArray[Any]] = {}
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        halved = tensor.name.endswith(_HALF)
        weights[tensor.name.removesuffix(_HALF)] = values.astype(np.float32) if halved else values
    for node in graph.node:  # of tensors with the same values the exporter keeps one
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    return weights
