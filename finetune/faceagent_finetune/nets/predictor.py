"""A network in a file, whatever made the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError

Predict = Callable[[npt.NDArray[np.uint8]], Mapping[str, npt.NDArray[np.float32]]]
"""uint8 RGB [N, S, S, 3] -> raw outputs by name."""


def predictor(
    model: Path, onnx: Callable[[Path, int], Predict], trained: Callable[[Path], Any], threads: int = 1
) -> Predict:
    """The network in a file: .onnx through ONNX Runtime, a checkpoint through torch.

    Args:
        onnx: opens the first. trained: the torch network in a checkpoint, in evaluation mode.

    Raises:
        UsageError: no such file.
    """
    if not model.is_file():
        raise UsageError(f"{model} does not exist", "Export it, or name a checkpoint of train")
    return onnx(model, threads) if model.suffix == ".onnx" else _torch(trained(model), threads)


def _torch(network: Any, threads: int) -> Predict:
    import torch

    from faceagent_finetune.nets.loop import to_input

    torch.set_num_threads(threads)

    def predict(pixels: npt.NDArray[np.uint8]) -> Mapping[str, npt.NDArray[np.float32]]:
        with torch.inference_mode():
            return {name: value.numpy() for name, value in network(to_input(np.array(pixels))).items()}

    return predict
