"""How networks are run: ONNX Runtime on the CPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from faceagent.errors import WeightsCorrupt

OneT = TypeVar("OneT")
OtherT = TypeVar("OtherT")


def allowed(threads: int) -> int:
    """So many threads, but no more than OMP_NUM_THREADS where that is set."""
    most = os.environ.get("OMP_NUM_THREADS", "")
    return min(threads, int(most)) if most.isdecimal() and int(most) else threads


def together(one: Callable[[], OneT], other: Callable[[], OtherT]) -> tuple[OneT, OtherT]:
    """Both results: computed side by side, or one after the other where a single thread is allowed."""
    if allowed(2) < 2:
        return one(), other()
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(one)
        second = other()
        return first.result(), second


def session(model: Path | bytes, threads: int = 1, weights: Mapping[str, npt.NDArray[np.float32]] | None = None) -> Any:
    """An onnxruntime.InferenceSession that keeps its warnings to itself.

    Args:
        threads: at most; no more than OMP_NUM_THREADS where that is set, which ONNX Runtime itself does not heed.
        weights: by name, for a model whose weights are external.

    Raises:
        RuntimeError: it is no model, or the weights are not those of its graph.
    """
    import onnxruntime  # imported where used: it costs a tenth of a second
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = allowed(threads)
    options.log_severity_level = 3
    if weights is not None:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
        options.add_external_initializers(list(weights), values)
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except (errors.Fail, errors.InvalidArgument, errors.InvalidGraph, errors.InvalidProtobuf) as error:
        raise RuntimeError(str(error)) from error  # ONNX Runtime's own have no common root but Exception


def filled(graph: bytes, weights: Mapping[str, npt.NDArray[np.float32]], source: Path, threads: int = 1) -> Any:
    """A graph without weights, filled with those that were read from a published file: as `session`.

    Raises:
        WeightsCorrupt: their names and shapes are not those of the graph.
    """
    try:
        return session(graph, threads, weights)
    except RuntimeError as error:
        raise WeightsCorrupt(
            f"{source.name} does not have the names and shapes of this network", "Get the file from its origin again"
        ) from error
