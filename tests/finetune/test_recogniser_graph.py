"""The shipped graph of dlib's recogniser is the one that the script writes. Skipped without onnx."""

from __future__ import annotations

from importlib.resources import files

import pytest

onnx = pytest.importorskip("onnx")

from faceagent_finetune.nets import recogniser_graph  # noqa: E402 - after the skip
from faceagent_tools import dlib_net, trunk  # noqa: E402


def test_the_shipped_graph_is_the_one_that_is_written() -> None:
    shipped = files("faceagent_tools").joinpath("networks", trunk.GRAPH).read_bytes()
    assert recogniser_graph.graph() == onnx.load_from_string(shipped)


def test_it_names_every_filter_that_dlib_net_reads() -> None:
    from faceagent_tools import weights

    wanted = {name: list(values.shape) for name, values in dlib_net.read(weights.path(trunk.WEIGHTS)).items()}
    external = {
        tensor.name: list(tensor.dims)
        for tensor in recogniser_graph.graph().graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    }
    assert external == wanted
