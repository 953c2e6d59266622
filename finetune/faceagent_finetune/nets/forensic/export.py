"""Export faceagent-forensic: ONNX, a check that both runtimes agree, and all figures.

    python -m faceagent_finetune.nets.forensic.export CHECKPOINT --cache DIR --out DIR

Writes faceagent-forensic.onnx (input `pixels`, float32 RGB [N, 3, 224, 224] of 0-255; outputs as in
`faceagent_tools.forensics.windows.OUTPUTS`) and faceagent-forensic.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from faceagent_finetune.nets.fold_padding import fold_padding
from faceagent_finetune.nets.forensic.evaluate import measure, predictor
from faceagent_finetune.nets.half_weights import halve
from faceagent_finetune.nets.predictor import Predict
from faceagent_tools.forensics.windows import KINDS, OUTPUTS, REACH, SIZE

NAME = "faceagent-forensic"
_TIMED = 60
_MOST_BYTES = 15_000_000  # ships with the package


def write_onnx(checkpoint: Path, target: Path) -> None:
    """The averaged network, weights in 16 bits, each under its own name: a training can begin with the file."""
    import torch

    from faceagent_finetune.nets.forensic.train import averaged

    class Named(torch.nn.Module):
        """Outputs as a tuple: what the exporter can name."""

        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
            out = self.network(pixels)
            return tuple(out[name] for name in OUTPUTS)

    network, _ = averaged(checkpoint)
    with warnings.catch_warnings():
        # The newer exporter needs a further package and gains nothing for a plain network such as this.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)  # of constants that it leaves for the runtime to fold
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # sizes are those of the window, once and for all
        torch.onnx.export(
            Named(network).eval(),
            (torch.zeros(1, 3, SIZE, SIZE),),
            str(target),
            input_names=["pixels"],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in ("pixels", *OUTPUTS)},
            opset_version=17,
            dynamo=False,
            # The runtime folds normalisations into convolutions as it loads; folded here, no training could go on.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    fold_padding(target, {"pixels": np.zeros((1, 3, SIZE, SIZE), np.float32)})
    halve(target)  # the runtime still computes in 32 bits, so that only the rounding of the weights is lost


def disagreement(one: Predict, other: Predict, seed: int = 7) -> dict[str, float]:
    """Largest difference of the two, an output, on random smooth windows."""
    import cv2

    rng = np.random.default_rng(seed)
    noise = [cv2.GaussianBlur(rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8), (0, 0), s) for s in (0.7, 1.5, 3, 6)]
    ours, theirs = one(np.stack(noise)), other(np.stack(noise))
    return {name: float(np.abs(ours[name] - theirs[name]).max()) for name in OUTPUTS}


def milliseconds(predict: Predict, windows: int) -> float:
    """Median of one face that is seen through so many windows."""
    pixels = np.random.default_rng(0).integers(0, 256, (windows, SIZE, SIZE, 3), np.uint8)
    times = []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        predict(pixels)
        times.append(time.perf_counter() - begun)
    return round(1000 * float(np.median(times[_TIMED // 10 :])), 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder that crops made")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1, help="of the runtime, to measure with")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    target = chosen.out / f"{NAME}.onnx"
    write_onnx(chosen.checkpoint, target)
    predict, size = predictor(target), target.stat().st_size
    if size > _MOST_BYTES:
        sys.stderr.write(f"{target} has {size} bytes, more than the {_MOST_BYTES} that may ship\n")
        return 1
    told = {
        "name": NAME,
        "made_by": "python -m faceagent_finetune.nets.forensic.export CHECKPOINT --cache DIR --out DIR",
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "bytes": size,
        "milliseconds_one_thread": {str(count): milliseconds(predict, count) for count in (1, 4)},
        "largest_difference_from_torch": disagreement(predict, predictor(chosen.checkpoint)),
        "windows": {"size": SIZE, "reach": REACH, "cut_by": "faceagent_tools.forensics.windows.windows"},
        "kinds": KINDS,
        "figures": measure(predictor(target, chosen.threads), chosen.cache),
    }
    text = json.dumps(told, indent=1) + "\n"
    (chosen.out / f"{NAME}.json").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
