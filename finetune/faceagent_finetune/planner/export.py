"""Export the planner: python -m faceagent_finetune.planner.export CHECKPOINT --cache DIR --out DIR

Writes planner.onnx (input `ids`, int64 [N, T], 0 after the end; outputs `logits` and `places`, float32 [N, labels];
weights in 4 bits) and planner.model (sentencepiece). From which confidence a question is acted on is chosen on
questions that training never saw, and goes into the file with the labels.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from faceagent.controllers.planner import Planner, Reading, decided, labels, table, tools
from faceagent_finetune.nets.half_weights import halve
from faceagent_finetune.planner.asked import Asked, asked

NAME = "planner"
_MOST_BYTES = 8_000_000  # of planner.onnx, which ships with the package
_BLOCK = 64  # weights that share a scale
_WRONG = 1.25  # what is misread weighs as much as so many questions back
_CONFIDENCES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)


def write_onnx(checkpoint: Path, target: Path, confidence: float) -> None:
    """The averaged network, its matrices in 4 bits and what else there is in 16."""
    import onnx
    import torch
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    from faceagent_finetune.planner.train import averaged

    with warnings.catch_warnings():
        # The newer exporter needs a further package and gains nothing for a plain network such as this.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # of checks that hold for every length
        torch.onnx.export(
            averaged(checkpoint),
            (torch.ones(2, 7, dtype=torch.long),),
            str(target),
            input_names=["ids"],
            output_names=["logits", "places"],
            dynamic_axes={"ids": {0: "n", 1: "t"}, "logits": {0: "n"}, "places": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
    logging.getLogger("onnxruntime.quantization").setLevel(logging.WARNING)
    quantizer = MatMulNBitsQuantizer(
        onnx.load(target), block_size=_BLOCK, is_symmetric=True, op_types_to_quantize=("MatMul", "Gather")
    )
    quantizer.process()
    model = quantizer.model.model
    onnx.helper.set_model_props(model, {"labels": json.dumps(labels()), "confidence": str(confidence)})
    onnx.save(model, target)
    halve(target)


def chosen_confidence(planner: Planner, questions: Sequence[Asked]) -> float:
    """The confidence that costs least: asked back where something was asked, or acted on where it was misread."""
    read = [planner.scores(question.text) for question in questions]
    costs = [
        sum(_cost(question, decided(*scores, least)) for question, scores in zip(questions, read, strict=True))
        for least in _CONFIDENCES
    ]
    return _CONFIDENCES[costs.index(min(costs))]


def _cost(question: Asked, reading: Reading) -> float:
    wanted = [one for one in table() if one.name in question.labels]
    wanted = [one for one in wanted if not one.alone] or wanted
    if reading.maybe:
        return 1.0 if wanted else 0.0
    return 0.0 if tools(wanted) == tools(reading.intents) else _WRONG


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder with the tokeniser that train made")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    target, pieces = chosen.out / f"{NAME}.onnx", chosen.out / f"{NAME}.model"
    shutil.copyfile(chosen.cache / pieces.name, pieces)
    write_onnx(chosen.checkpoint, target, _CONFIDENCES[0])
    unseen = [question for question in asked() if question.held]
    confidence = chosen_confidence(Planner(target.read_bytes(), pieces.read_bytes()), unseen)
    write_onnx(chosen.checkpoint, target, confidence)
    size = target.stat().st_size
    sys.stdout.write(f"{target}: confidence {confidence}; {size} bytes\n")
    return 0 if size <= _MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
