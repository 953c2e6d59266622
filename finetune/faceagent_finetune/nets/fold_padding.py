"""Padding of an ONNX file moved into the convolutions that read it: the same sums without a copy of every plane.

PyTorch exports uneven padding ("same" of TensorFlow's networks) as a node of its own. ONNX Runtime then leaves its
blocked layout before each and goes back to it afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def fold_padding(target: Path, inputs: Mapping[str, npt.NDArray[Any]]) -> int:
    """Rewrite a file; returns how many paddings were moved.

    Only zeros around the planes that a single convolution without padding of its own reads are moved.

    Args:
        inputs: an example of each by name, to compute the widths of the paddings with, which must not depend on it.

    Raises:
        ValueError: what is padded is not rows and columns, or the convolution pads by itself as well.
    """
    import onnx

    model = onnx.load(target)
    graph = model.graph
    readers = Counter(name for node in graph.node for name in node.input)
    convolutions = {node.input[0]: node for node in graph.node if node.op_type == "Conv"}
    moved = []
    for node in graph.node:
        follows = convolutions.get(node.output[0])
        if node.op_type == "Pad" and follows is not None and readers[node.output[0]] == 1 and _of_zeros(node):
            moved.append((node, follows))
    widths = _values(model, [node.input[1] for node, _ in moved], inputs)
    for node, follows in moved:
        before, after = np.split(widths[node.input[1]], 2)
        pads = next(given for given in follows.attribute if given.name == "pads")
        if before[:2].any() or after[:2].any() or any(pads.ints):
            raise ValueError(f"{node.name} pads what a convolution cannot")
        pads.ints[:] = [*before[2:].tolist(), *after[2:].tolist()]
        follows.input[0] = node.input[0]
        graph.node.remove(node)
    _drop_unread(graph)
    onnx.checker.check_model(model)
    onnx.save(model, target)
    return len(moved)


def _of_zeros(node: Any) -> bool:
    mode = next((given.s for given in node.attribute if given.name == "mode"), b"constant")
    return mode == b"constant" and not any(node.input[2:])


def _values(model: Any, names: list[str], inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """What is computed under these names."""
    import onnx
    import onnxruntime

    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    session = onnxruntime.InferenceSession(probe.SerializeToString())
    return dict(zip(names, session.run(names, dict(inputs)), strict=True)) if names else {}


def _drop_unread(graph: Any) -> None:
    """Nodes whose outputs nobody reads, until there are none."""
    while True:
        read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        unread = [node for node in graph.node if not read.intersection(node.output)]
        if not unread:
            return
        for node in unread:
            graph.node.remove(node)
