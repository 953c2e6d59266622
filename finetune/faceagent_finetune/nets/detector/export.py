"""Export faceagent-detector: ONNX, its score thresholds, and a check that both runtimes agree.

    python -m faceagent_finetune.nets.detector.export CHECKPOINT --cache DIR --out DIR

Writes faceagent-detector.onnx (input and outputs as YuNet's: see `faceagent_tools.yunet`) and faceagent-detector.json.
The thresholds come from photos of the train splits that were put aside (`labels.TUNE`), shown as they are and enlarged
to `_SIDE`: the lowest scores at which not more than so many faces are invented. `python -m faceagent_eval run
detection` measures with them, on other photos.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent.types import Box
from faceagent_finetune.nets.detector.labels import FACE, SOURCES, TUNE, PhotoSet
from faceagent_finetune.nets.half_weights import halve
from faceagent_tools.own_detector import FIRST_SCORE, NAME, USUAL_SIDE, looks
from faceagent_tools.yunet import YuNet

_SIDE = USUAL_SIDE
_LOWEST = FIRST_SCORE
_INVENTED = {"score": 1.0, "weak_score": 3.0}
"""Faces invented per 100 pictures at most: at the score from which a face is clear, and at that of a weak one."""
_SURE_SHARE = 0.2
_OVERLAP = 0.3
_TIMED = 30


@dataclass(frozen=True)
class Seen:
    """What the network finds in one picture. known: faces that YuNet is sure of; found: best score on each of them (0:
    none); invented: scores where YuNet sees not even a hint of a face."""

    known: int
    found: tuple[float, ...]
    invented: tuple[float, ...]


def write_onnx(checkpoint: Path, target: Path) -> None:
    """The averaged network, weights in 16 bits, height and width free (multiples of 32)."""
    import torch

    from faceagent_finetune.nets.detector.model import OUTPUTS
    from faceagent_finetune.nets.detector.train import averaged

    network, _ = averaged(checkpoint)
    with warnings.catch_warnings():
        # The newer exporter needs a further package and gains nothing for a plain network such as this.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 64, 96),),
            str(target),
            input_names=["input"],
            output_names=list(OUTPUTS),
            dynamic_axes={"input": {2: "height", 3: "width"}, **{name: {1: "cells"} for name in OUTPUTS}},
            opset_version=17,
            dynamo=False,
        )
    halve(target)  # the runtime still computes in 32 bits, so that only the rounding of the weights is lost


def disagreement(checkpoint: Path, target: Path, seed: int = 7) -> float:
    """Largest difference of any output from torch's, on a random picture."""
    import torch

    from faceagent_finetune.nets.detector.train import averaged, to_input
    from faceagent_tools import runtime

    pixels = to_input(np.random.default_rng(seed).integers(0, 256, (1, 96, 160, 3), np.uint8))
    with torch.inference_mode():
        wanted = averaged(checkpoint)[0](pixels)
    found = runtime.session(target).run(None, {"input": np.ascontiguousarray(pixels.numpy())})
    return max(float(np.abs(one - other.numpy()).max()) for one, other in zip(found, wanted, strict=True))


def milliseconds(network: YuNet, side: int = _SIDE) -> float:
    """Median for a picture of that side, from pixels to boxes."""
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    times = []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        network.detect(pixels)
        times.append(time.perf_counter() - begun)
    return round(1000 * float(np.median(times[3:])), 1)


def pictures(cache: Path) -> Iterator[tuple[Pixels, npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Photos put aside, as they are and enlarged, with YuNet's boxes and scores."""
    for name in SOURCES:
        photos = PhotoSet.open(cache, name)
        for photo in np.flatnonzero(photos.part == TUNE).tolist():
            boxes, _, scores = photos.faces(photo)
            pixels = photos.photos[photo]
            scale = _SIDE / max(pixels.shape[:2])
            yield pixels, boxes, scores
            yield np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale), np.uint8), boxes * scale, scores


def look(network: YuNet, pixels: Pixels, boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]) -> Seen:
    """What the product finds with the network, held against YuNet's faces."""
    found = looks(network, pixels)
    reference = [_box(corners) for corners in boxes]
    best = [
        max((raw.score for raw in found if raw.box.iou(box) > _OVERLAP), default=0.0)
        for box, score in zip(reference, scores, strict=True)
        if score >= FACE
    ]
    invented = [raw.score for raw in found if not any(raw.box.iou(box) > _OVERLAP for box in reference)]
    return Seen(len(best), tuple(best), tuple(invented))


def _box(corners: npt.NDArray[np.float32]) -> Box:
    x0, y0, x1, y1 = (float(value) for value in corners)
    return Box(x0=x0, y0=y0, x1=x1, y1=y1)


def thresholds(seen: Sequence[Seen]) -> dict[str, Any]:
    """Scores from which a face is clear and weak, the one from which no turned copy is searched, and what they give."""
    invented = np.sort([score for one in seen for score in one.invented])[::-1]
    found = np.array([score for one in seen for score in one.found])
    told: dict[str, Any] = {
        "pictures": len(seen),
        "faces": len(found),
        "source": "photos of the train splits put aside",
    }
    for name, most in _INVENTED.items():
        allowed = int(most * len(seen) / 100)
        # Just above the first one too many, in hundredths.
        line = max(_LOWEST, float(invented[allowed])) if allowed < len(invented) else _LOWEST
        at = round(float(np.floor(line * 100) / 100) + 0.01, 2)
        told[name] = at
        told[f"recall_at_{name}"] = round(float((found >= at).mean()), 4)
        told[f"invented_per_100_at_{name}"] = round(100 * float((invented >= at).sum()) / len(seen), 2)
    told["sure_score"] = round(max(told["score"], float(np.quantile(found, _SURE_SHARE))), 2)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder that labels made")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    target = chosen.out / f"{NAME}.onnx"
    write_onnx(chosen.checkpoint, target)
    network = YuNet(target, score=_LOWEST, threads=1)
    seen = [look(network, *picture) for picture in pictures(chosen.cache)]
    told = {
        "name": NAME,
        "made_by": "python -m faceagent_finetune.nets.detector.export CHECKPOINT --cache DIR --out DIR",
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "bytes": target.stat().st_size,
        f"milliseconds_{_SIDE}x{_SIDE}_one_thread": milliseconds(YuNet(target, score=0.6, threads=1)),
        "largest_difference_from_torch": disagreement(chosen.checkpoint, target),
        "thresholds": thresholds(seen),
    }
    text = json.dumps(told, indent=1) + "\n"
    (chosen.out / f"{NAME}.json").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
