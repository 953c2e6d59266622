"""Fit what tells how far a face was enlarged, and measure it.

    python -m faceagent_finetune.nets.calibrate_resolution --crops DIR --out tools/faceagent_tools/calibration

DIR is what `forensic.crops` filled. Authentic photos are made smaller (0.4 to 0.8, so that there is detail in every
pixel), then enlarged by 1 to 4 and saved as photos are. Fitted on the train split, measured on val; and on photos as
they are, and on DFDC's, of which it is known how large the faces were before their set enlarged them.

Writes resolution.json and prints what it is worth.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from faceagent_finetune.nets.forensic.areas import Face
from faceagent_finetune.nets.forensic.codec import saved
from faceagent_finetune.nets.forensic.crops import square
from faceagent_finetune.nets.forensic.data import Photos
from faceagent_tools.resolution import Estimator, amplitudes

COMMAND = "python -m faceagent_finetune.nets.calibrate_resolution --crops DIR --out DIR"
SETS = ("dfdc_faces", "stylegan_ffhq", "lfw_images", "helen68", "fairface")
FACTORS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
FALSE_ALARMS = 0.02
_PHOTOS = {"train": 900, "val": 250}  # of each set
_EACH = 4  # versions of a photo
_HIDDEN, _STEPS, _DECAY = 32, 4000, 1e-3
# DFDC's faces were enlarged by repeating pixels, more or less: that leaves steps and no empty frequencies.
_WAYS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_NEAREST, cv2.INTER_AREA)
_LARGEST = 700  # pixels of an enlarged photo's side

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator


def rows(crops: Path, val: bool) -> Iterator[tuple[Face, str]]:
    """Authentic photos of one side of the split, and their set."""
    rng = np.random.default_rng(5)
    for name in SETS:
        photos = Photos.open(crops, name)
        here = np.flatnonzero((photos.val == val) & (photos.kind == 0))
        for row in rng.permutation(here)[: _PHOTOS["val" if val else "train"]].tolist():
            yield photos.face(row), name


def enlarged(face: Face, factor: float, rng: Rng) -> Floats | None:
    """What is measured of a photo that was made smaller, enlarged and saved; None where the face is too small."""
    face = face.scaled(float(rng.uniform(0.4, 0.8)), cv2.INTER_AREA)
    if factor > 1:
        factor = min(factor, _LARGEST / max(face.pixels.shape[:2]))
        face = face.scaled(factor, int(rng.choice(_WAYS)))
    pixels = face.pixels
    if rng.random() < 0.15:
        pixels = np.asarray(cv2.addWeighted(pixels, 1.5, cv2.GaussianBlur(pixels, (0, 0), 1.0), -0.5, 0), np.uint8)
    if rng.random() < 0.75:
        codec = ("jpeg" if rng.random() < 0.8 else "webp", int(rng.integers(60, 98)))
        pixels, _ = saved(pixels, codec)
    return amplitudes(pixels, *square(face.points))


def samples(crops: Path, val: bool, seed: int) -> tuple[Floats, Floats, list[str]]:
    """Amplitudes [n, 63], factors [n] and sets: a third not enlarged, the others by up to four, evenly in octaves."""
    rng = np.random.default_rng(seed)
    found, factors, names = [], [], []
    for face, name in rows(crops, val):
        for _ in range(_EACH):
            factor = 1.0 if rng.random() < 1 / 3 else float(2 ** rng.uniform(0, 2))
            factor = min(factor, _LARGEST / (0.4 * max(face.pixels.shape[:2])))
            measured = enlarged(face, factor, rng)
            if measured is not None:
                found.append(measured)
                factors.append(factor)
                names.append(name)
    return np.array(found), np.array(factors), names


def fitted(found: Floats, factors: Floats) -> dict[str, Any]:
    """One hidden layer, by Adam on all samples at once; the loss is Huber's on octaves."""
    torch.manual_seed(0)
    mean, scale = found.mean(axis=0), found.std(axis=0)
    x = torch.from_numpy((found - mean) / scale).float()
    y = torch.from_numpy(np.log2(factors)).float()
    network = torch.nn.Sequential(torch.nn.Linear(63, _HIDDEN), torch.nn.ReLU(), torch.nn.Linear(_HIDDEN, 1))
    optimiser = torch.optim.AdamW(network.parameters(), 5e-3, weight_decay=_DECAY)
    pace = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    for _ in range(_STEPS):
        noisy = x + 0.05 * torch.randn_like(x)
        loss = torch.nn.functional.smooth_l1_loss(network(noisy)[:, 0], y, beta=0.25)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        pace.step()
    first, last = network[0], network[2]
    weights = {"w1": first.weight.T, "b1": first.bias, "w2": last.weight[0], "b2": last.bias[0]}
    exact = {name: tensor.detach().double().numpy().round(4).tolist() for name, tensor in weights.items()}
    return {"mean": mean.round(3).tolist(), "scale": scale.round(3).tolist(), **exact}


def estimator(weights: Mapping[str, Any]) -> Estimator:
    arrays = {name: np.array(weights[name]) for name in ("mean", "scale", "w1", "b1", "w2")}
    return Estimator(**arrays, b2=weights["b2"], line=1.0, table={})


def by_factor(estimate: Estimator, crops: Path) -> dict[str, Any]:
    """Of val photos enlarged by each factor: what was estimated (5th, 50th and 95th percentile)."""
    rng, found = np.random.default_rng(9), {}
    photos = list(rows(crops, True))
    for factor in FACTORS:
        measured = [enlarged(face, factor, rng) for face, _ in photos]
        told = [estimate.factor(one) for one in measured if one is not None]
        found[f"{factor:g}"] = {"n": len(told), "told": np.quantile(told, [0.05, 0.5, 0.95]).round(2).tolist()}
    return found


def as_they_are(estimate: Estimator, crops: Path) -> dict[str, dict[str, Any]]:
    """By set: what is estimated of val photos as they are."""
    told: dict[str, list[float]] = {}
    for face, name in rows(crops, True):
        measured = amplitudes(face.pixels, *square(face.points))
        if measured is not None:
            told.setdefault(name, []).append(estimate.factor(measured))
    return {
        name: {"n": len(values), "told": np.quantile(values, [0.05, 0.5, 0.95]).round(2).tolist()}
        for name, values in told.items()
    }


def known(estimate: Estimator, crops: Path) -> dict[str, Any]:
    """DFDC's authentic photos: rank correlation of what is estimated with what its set is known to have done."""
    photos = Photos.open(crops, "dfdc_faces")
    true, told = [], []
    for row in np.flatnonzero(photos.val & (photos.kind == 0) & (photos.native > 0)).tolist():
        face = photos.face(row)
        measured = amplitudes(face.pixels, *square(face.points))
        if measured is not None:
            true.append(max(face.pixels.shape[:2]) / float(photos.native[row]))
            told.append(estimate.factor(measured))
    ranks = [np.argsort(np.argsort(values)) for values in (true, told)]
    large = np.array(true) > 1.3
    return {
        "n": len(true),
        "rank_correlation": round(float(np.corrcoef(ranks[0], ranks[1])[0, 1]), 3),
        "enlarged_by_more_than_1.3": int(large.sum()),
        "told_of_them": np.quantile(np.array(told)[large], [0.05, 0.5, 0.95]).round(2).tolist() if large.any() else [],
        "told_of_the_others": np.quantile(np.array(told)[~large], [0.05, 0.5, 0.95]).round(2).tolist(),
    }


def table(crops: Path) -> dict[str, Any]:
    """resolution.json."""
    found, factors, _ = samples(crops, val=False, seed=3)
    weights = fitted(found, factors)
    estimate = estimator(weights)
    unseen, true, _ = samples(crops, val=True, seed=4)
    told = np.array([estimate.factor(one) for one in unseen])
    line = round(float(np.quantile(told[true == 1.0], 1 - FALSE_ALARMS)), 2)
    return {
        "command": COMMAND,
        "n": len(found),
        "estimator": weights,
        "line": line,
        "measured": {
            "n": len(unseen),
            "median_error_octaves": round(float(np.median(np.abs(np.log2(told / true)))), 3),
            "found_of_those_enlarged_by_1.5_and_more": round(float(np.mean(told[true >= 1.5] > line)), 3),
            "by_factor": by_factor(estimate, crops),
            "as_they_are": as_they_are(estimate, crops),
            "dfdc": known(estimate, crops),
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--crops", type=Path, required=True, help="folder that forensic.crops filled")
    parser.add_argument("--out", type=Path, required=True, help="folder for resolution.json")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    made = table(chosen.crops)
    (chosen.out / "resolution.json").write_text(json.dumps(made) + "\n", encoding="utf-8")
    shown = {name: value for name, value in made.items() if name != "estimator"}
    sys.stdout.write(json.dumps(shown, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
