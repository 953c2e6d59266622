"""Weights of an ONNX file in 16 bits: half the bytes, while the runtime still computes in 32."""

from __future__ import annotations

from pathlib import Path

import numpy as np


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
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, target)
