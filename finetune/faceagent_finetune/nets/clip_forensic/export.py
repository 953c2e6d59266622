"""Export a tuned CLIP: ONNX, the TOML file that declares it, and a check that it answers as torch does.

    python -m faceagent_finetune.nets.clip_forensic.export CHECKPOINT --out DIR

Writes clip-forensic.onnx (input `pixels`, float32 RGB [1, 3, 224, 224] of 0-255; output `score`, logit of forged
[1, 1]; 1.2 GB for ViT-L/14) and clip-forensic.toml, for `faceagent_tools.forensics.declared`. It declares no
calibration set: until somebody calibrates the network on photos that it was not trained on, its answer is a score.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceagent.types import Box
from faceagent_finetune.nets.clip_forensic.model import ClipForensic
from faceagent_finetune.nets.clip_forensic.train import averaged
from faceagent_tools.forensics import declared
from faceagent_tools.forensics.windows import SIZE

NAME = "clip-forensic"
_SOURCE = "LN-tuned CLIP after Yermakov et al. 2025, arXiv:2508.06248"
# Training sees windows of 1.1 to 2.4 dlib squares, 1.6 in the middle: so much is a box of YuNet's with this around it.
_MARGIN = 0.2
_LARGEST_DIFFERENCE = 1e-4  # of the score, 0-1

_ROW = """\
[[detector]]
name = "{name}"
version = {version}
file = "{name}.onnx"
sha256 = "{sha256}"
licence = {licence}
source = "{source}"

[detector.input]
size = [{size}, {size}]
layout = "NCHW"
colours = "RGB"
scale = 1.0 # the network takes 0-255 and applies CLIP's mean and deviation itself
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
margin = {margin}

[detector.output]
meaning = "logit"
"""


def write_onnx(network: ClipForensic, target: Path) -> None:
    """The network for one face at a time, in 32 bits."""
    with warnings.catch_warnings():
        # The newer exporter needs a further package and gains nothing for a plain network such as this.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)  # of constants that it leaves for the runtime to fold
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # sizes are those of the window, once and for all
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, SIZE, SIZE),),
            str(target),
            input_names=["pixels"],
            output_names=["score"],
            opset_version=17,
            dynamo=False,
        )


def write_row(recipe: Mapping[str, Any], step: int, network: Path) -> Path:
    """Declare an exported network in a TOML file beside it; the path."""
    with network.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    version = f"{recipe['model']}, {Path(recipe['pretrained']).name}, step {step}"
    row = _ROW.format(
        name=NAME,
        version=json.dumps(version),  # a JSON string is a TOML string
        sha256=sha256,
        licence=json.dumps(recipe["licence"]),
        source=_SOURCE,
        size=SIZE,
        margin=_MARGIN,
    )
    file = network.with_suffix(".toml")
    file.write_text(row, encoding="utf-8")
    return file


def disagreement(network: ClipForensic, row: Path, faces: int = 4) -> float:
    """Largest difference of the scores, 0-1, of torch and of the declared detector, on random pictures."""
    (found,) = declared.read(row)
    detector, rng = declared.DeclaredDetector(found), np.random.default_rng(7)
    apart, box = [], Box(x0=60, y0=50, x1=240, y1=270)
    for _ in range(faces):
        pixels = rng.integers(0, 256, (320, 300, 3), np.uint8)
        with torch.inference_mode():
            logit = network(torch.from_numpy(declared.prepared(found.input, pixels, box)))
        apart.append(abs(detector.forged(pixels, box) - float(torch.sigmoid(logit))))
    return max(apart)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    network, state = averaged(chosen.checkpoint)
    target = chosen.out / f"{NAME}.onnx"
    write_onnx(network, target)
    row = write_row(state["recipe"], state["step"], target)
    apart = disagreement(network, row)
    sys.stdout.write(f"{target}, declared in {row}; largest difference from torch {apart:.1g}\n")
    return 0 if apart <= _LARGEST_DIFFERENCE else 1


if __name__ == "__main__":
    sys.exit(main())
