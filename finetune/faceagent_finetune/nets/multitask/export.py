"""Export faceagent-multitask: ONNX, its calibration, and a check that both runtimes agree.

    python -m faceagent_finetune.nets.multitask.export CHECKPOINT --cache DIR --out DIR

Writes faceagent-multitask.onnx (inputs: what the recogniser hands on, `trunk.MAPS`; one output a head, see
`multitask.HEADS`) and faceagent-multitask.json: how to cut the crop, what the outputs mean, temperatures and the age
interval, both fitted on one half of the val splits and measured on the other.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent_finetune.nets.half_weights import halve
from faceagent_finetune.nets.multitask.data import CropSet
from faceagent_finetune.nets.multitask.evaluate import Floats, answers, measure, predictor
from faceagent_finetune.nets.predictor import Predict
from faceagent_tools import multitask
from faceagent_tools.multitask import SIZE, softmax
from faceagent_tools.trunk import CHIP_PADDING, MAPS

NAME = "faceagent-multitask"
_TEMPERATURES = np.geomspace(0.4, 4.0, 73)
_COVERED = 0.8  # share of ages that the interval is to hold
_TIMED = 100


def write_onnx(checkpoint: Path, target: Path) -> None:
    """The averaged network, weights in 16 bits."""
    import torch

    from faceagent_finetune.nets.multitask.train import averaged

    class Named(torch.nn.Module):
        """Inputs and outputs one by one, in the order of their tables: what the exporter can name."""

        def __init__(self, ends: torch.nn.Module) -> None:
            super().__init__()
            self.ends = ends

        def forward(self, *maps: torch.Tensor) -> tuple[torch.Tensor, ...]:
            out = self.ends(dict(zip(MAPS, maps, strict=True)))
            return tuple(out[name] for name in multitask.OUTPUTS)

    network, _ = averaged(checkpoint)
    with warnings.catch_warnings():
        # The newer exporter needs a further package and gains nothing for a plain network such as this.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # sizes are those of the crop, once and for all
        torch.onnx.export(
            Named(network.ends).eval(),
            tuple(torch.zeros(1, *shape) for shape in MAPS.values()),
            str(target),
            input_names=list(MAPS),
            output_names=list(multitask.OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in (*MAPS, *multitask.OUTPUTS)},
            opset_version=17,
            dynamo=False,
        )
    halve(target)  # the runtime still computes in 32 bits, so that only the rounding of the weights is lost


def disagreement(one: Predict, other: Predict, seed: int = 7) -> dict[str, float]:
    """Largest difference of the two, a head, on random crops; in the head's own unit."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, SIZE, SIZE, 3), np.uint8)
    ours, theirs = one(pixels), other(pixels)
    return {name: float(np.abs(ours[name] - theirs[name]).max()) for name in multitask.OUTPUTS}


def milliseconds(predict: Predict, views: int) -> float:
    """Median for one face at a time, recogniser included. views: 1 for the crop alone, 2 with its mirror image."""
    pixels = np.random.default_rng(0).integers(0, 256, (views, SIZE, SIZE, 3), np.uint8)
    times = []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        predict(pixels)
        times.append(time.perf_counter() - begun)
    return round(1000 * float(np.median(times[_TIMED // 10 :])), 2)


def calibration(predict: Predict, cache: Path, seed: int) -> dict[str, Any]:
    """Temperatures of the class heads and the half-width of the age interval."""
    told: dict[str, Any] = {}
    fits: list[tuple[str, str, Callable[[CropSet, npt.NDArray[np.int64]], Floats]]] = [
        ("gender", "fairface", lambda crops, rows: _two(crops.targets["gender"][rows])),
        ("race", "fairface", lambda crops, rows: crops.targets["race"][rows].astype(np.float64)),
        ("emotion", "ferplus", lambda crops, rows: crops.targets["emotion"][rows].astype(np.float64)),
    ]
    for head, name, shares in fits:
        crops, fit, held = _halves(cache, name, seed)
        logits, true = (
            answers(predict, crops, np.concatenate([fit, held]))[head],
            shares(crops, np.concatenate([fit, held])),
        )
        if head == "gender":
            logits = np.column_stack([np.zeros(len(logits)), logits])
        known = true.sum(axis=1) > 0
        shared = true / np.maximum(true.sum(axis=1, keepdims=True), 1)
        halves = [known & (np.arange(len(known)) < len(fit)), known & (np.arange(len(known)) >= len(fit))]
        # Measured on each half with the temperature of the other; what ships is fitted on both.
        crossed = [(_temperature(logits[one], shared[one]), other) for one, other in (halves, halves[::-1])]
        told[head] = {
            "set": f"{name} val",
            "temperature": round(_temperature(logits[known], shared[known]), 3),
            "n_fit": int(known.sum()),
            "log_loss_before": round(_loss(logits[known], shared[known]), 4),
            "log_loss_after": round(float(np.mean([_loss(logits[at] / t, shared[at]) for t, at in crossed])), 4),
            "calibration_error_before": round(_gap(softmax(logits[known]), shared[known]), 4),
            "calibration_error_after": round(
                float(np.mean([_gap(softmax(logits[at] / t), shared[at]) for t, at in crossed])), 4
            ),
        }
    told["age"] = _interval(predict, cache, seed)
    return told


def _temperature(logits: Floats, shares: Floats) -> float:
    return float(_TEMPERATURES[int(np.argmin([_loss(logits / t, shares) for t in _TEMPERATURES]))])


def _two(gender: npt.NDArray[Any]) -> Floats:
    return np.column_stack([gender == 0, gender == 1]).astype(np.float64)


def _halves(cache: Path, name: str, seed: int) -> tuple[CropSet, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    crops = CropSet.open(cache, name)
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(crops.val))
    return crops, rows[: len(rows) // 2], rows[len(rows) // 2 :]


def _loss(logits: Floats, shares: Floats) -> float:
    return float(-(shares * np.log(np.maximum(softmax(logits), 1e-9))).sum(axis=1).mean())


def _gap(found: Floats, shares: Floats, bins: int = 10) -> float:
    """Expected calibration error of the leading class; a photo whose votes are divided counts by their share."""
    lead = found.argmax(axis=1)
    sure, right = found.max(axis=1), shares[np.arange(len(found)), lead]
    which = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(sure[which == k].mean() - right[which == k].mean()) * (which == k).mean()
        for k in range(bins)
        if (which == k).any()
    ]
    return float(sum(gaps))


def _interval(predict: Predict, cache: Path, seed: int) -> dict[str, Any]:
    crops, fit, held = _halves(cache, "utkface", seed)
    logits = answers(predict, crops, np.concatenate([fit, held]))["age"]
    true = crops.targets["age"][np.concatenate([fit, held]), 0].astype(np.float64)

    def intervals(at: slice, t: float) -> Floats:
        return np.array([multitask.interval(row / t, _COVERED) for row in logits[at]]).T

    def share(t: float, at: slice) -> float:
        low, high = intervals(at, t)
        return float(((true[at] >= low) & (true[at] <= high)).mean())

    one, two = slice(0, len(fit)), slice(len(fit), None)
    # The narrowest that covers enough: coverage grows with the temperature.
    t = next((float(t) for t in _TEMPERATURES if share(t, one) >= _COVERED), float(_TEMPERATURES[-1]))
    low, high = intervals(two, t)
    return {
        "set": "utkface val",
        "interval": _COVERED,
        "temperature": round(t, 3),
        "n_fit": len(fit),
        "n_measured": len(held),
        "covered_when_measured": round(share(t, two), 3),
        "median_width_years": float(np.median(high - low)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder that crops made")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    target = chosen.out / f"{NAME}.onnx"
    write_onnx(chosen.checkpoint, target)
    predict = predictor(target)
    told = {
        "name": NAME,
        "made_by": "python -m faceagent_finetune.nets.multitask.export CHECKPOINT --cache DIR --out DIR",
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "bytes": target.stat().st_size,
        "milliseconds_one_thread": {
            "crop": milliseconds(predict, 1),
            "crop_and_mirror_image": milliseconds(predict, 2),
        },
        "largest_difference_from_torch": disagreement(predict, predictor(chosen.checkpoint)),
        "crop": {"size": SIZE, "padding": CHIP_PADDING, "alignment": "faceagent_tools.align.face_chip"},
        "classes": {
            "race": multitask.RACES,
            "emotion": multitask.EMOTIONS,
            "attributes": multitask.ATTRIBUTES,
            "pose": multitask.POSE,
            "openings": multitask.OPENINGS,
        },
        "calibration": calibration(predict, chosen.cache, chosen.seed),
        "figures": measure(predict, chosen.cache),
    }
    text = json.dumps(told, indent=1) + "\n"
    (chosen.out / f"{NAME}.json").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
