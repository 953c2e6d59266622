"""What is fitted when the network is trained: where the points lie by HELEN's convention, and when not to answer.

    python -m faceagent_finetune.nets.multitask.finish CHECKPOINT --data DIR --cache DIR --out CHECKPOINT

Points: the mesh that taught them draws its 68 points a little beside those that people set (most of all the jaw). The
median difference over every second photo of HELEN is added to the network's answer; the others measure it.

Usable: two linear outputs on what the frozen network sees of a crop. `face`: crops of faces against crops cut around
places without one. `detail`: how much more alike the recogniser finds the spoilt crop and the untouched one than crops
of two strangers (cosine of the embeddings, 1: the same, 0: as strangers), so that "too blurred" means: too blurred for
what tells a face apart.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from faceagent.media import Photo, Pixels
from faceagent_finetune.nets.loop import to_input
from faceagent_finetune.nets.multitask import crops as cutting
from faceagent_finetune.nets.multitask.data import CropSet
from faceagent_finetune.nets.multitask.evaluate import fitting_half
from faceagent_finetune.nets.multitask.model import Multitask
from faceagent_finetune.nets.multitask.train import averaged
from faceagent_tools import align
from faceagent_tools.detection import FaceDetector
from faceagent_tools.trunk import CHIP_PADDING
from faceagent_tools.trunk import CHIP_SIZE as SIZE

Floats = npt.NDArray[np.float32]

SEED = 7
_FACES = 3000  # crops of faces, each also spoilt once
_PLACES = 10  # crops without a face, a photo
_BACKGROUNDS = ("landmarks/helen68.parquet", "identity/lfw_images.parquet")
_PHOTOS = 250  # of each
_STEPS, _RATE, _DECAY = 1500, 3e-3, 1e-3
_BATCH = 100
_NOTHING = 0.2  # of the detail: less is neither a face nor none


@dataclass(frozen=True)
class Crops:
    """pixels uint8 [N, 150, 150, 3]; face [N]: 1 or 0; detail [N]: 0-1, NaN where there is no face; val [N].

    male [N]: 1 or 0, NaN where there is no face: how often the network is right as the detail goes.
    """

    pixels: Pixels
    face: Floats
    detail: Floats
    male: Floats
    val: npt.NDArray[np.bool_]


def spoilt(crop: Pixels, rng: np.random.Generator) -> Pixels:
    """One of the ways in which photos go bad, at any strength."""
    kind, strength = int(rng.integers(5)), float(rng.uniform(0.05, 1.0))
    if kind == 0:
        return np.asarray(cv2.GaussianBlur(crop, (0, 0), 0.5 + 7.5 * strength), np.uint8)
    if kind == 1:
        small = max(round(SIZE * (1 - strength) * 0.5), 6)
        return np.asarray(
            cv2.resize(cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA), (SIZE, SIZE)), np.uint8
        )
    if kind == 2:
        quality = max(round(30 * (1 - strength)), 1)
        packed = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    if kind == 3:
        light = crop.astype(np.float32) * (1 - 0.95 * strength) + rng.normal(0, 25 * strength, crop.shape)
        return np.clip(light, 0, 255).astype(np.uint8)
    made = np.array(crop)
    side = round(SIZE * (0.2 + 0.6 * strength))
    top, left = rng.integers(0, SIZE - side + 1, 2)
    made[top : top + side, left : left + side] = rng.integers(0, 256, 3)
    return made


def faces(cache: Path, network: Multitask) -> Crops:
    """Crops of four sets, each once as it is and once spoilt."""
    rng = np.random.default_rng(SEED)
    sets = [CropSet.open(cache, name) for name in ("fairface", "utkface", "celeba40", "ferplus")]
    picked = [
        (crops, row) for crops in sets for row in rng.permutation(len(crops.crops))[: _FACES // len(sets)].tolist()
    ]
    whole = np.stack([crops.crops[row] for crops, row in picked])
    bad = np.stack([spoilt(crop, rng) for crop in whole])
    known, spoiled = embedded(network, whole), embedded(network, bad)
    strangers = float((known * np.roll(known, 1, axis=0)).sum(axis=1).mean())
    left = np.clip(((known * spoiled).sum(axis=1) - strangers) / (1 - strangers), 0, 1)
    val = np.array([crops.val[row] for crops, row in picked])
    told = np.array([crops.targets["gender"][row] for crops, row in picked])
    male = np.where(told >= 0, told, np.nan).astype(np.float32)
    return Crops(
        pixels=np.concatenate([whole, bad]),
        # A face that nothing is left of is neither a face nor none.
        face=np.concatenate([np.ones(len(whole)), np.where(left > _NOTHING, 1.0, np.nan)]).astype(np.float32),
        detail=np.concatenate([np.ones(len(whole)), left]).astype(np.float32),
        male=np.concatenate([male, male]),
        val=np.concatenate([val, val]),
    )


def embedded(network: Multitask, pixels: Pixels) -> Floats:
    """What the recogniser makes of crops, length 1 [N, 128]."""
    with torch.inference_mode():
        found = [network.trunk(to_input(pixels[at : at + _BATCH])) for at in range(0, len(pixels), _BATCH)]
        made: Floats = functional.normalize(torch.cat(found)).numpy()
    return made


def places(data: Path) -> Crops:
    """Crops aligned on places without a face, as a false alarm of the detector would be; every fifth photo is val."""
    rng, detector = np.random.default_rng(SEED), FaceDetector("dlib")
    pixels, val = [], []
    for file in _BACKGROUNDS:
        for number, row in enumerate(cutting.read(data / file)[:_PHOTOS]):
            photo = Photo.open(row["image"]["bytes"])
            taken = [face.box for face in detector.detect(photo, "image 1")]
            short = min(photo.width, photo.height)
            for _ in range(_PLACES):
                side = float(rng.uniform(0.1, 0.4) * short)
                at = rng.uniform([side / 2, side / 2], [photo.width - side / 2, photo.height - side / 2]).tolist()
                face = cutting.face_at(at, side)
                # LFW's and HELEN's photos are about a face in the middle, found by the detector or not.
                middle = cutting.face_at((photo.width / 2, photo.height / 2), 0.5 * short).box
                if not any(face.box.intersection(box) > 0 for box in (*taken, middle)):
                    pixels.append(align.face_chip(photo, face, size=SIZE, padding=CHIP_PADDING))
                    val.append(number % 5 == 0)
    none = np.full(len(pixels), np.nan, np.float32)
    return Crops(np.stack(pixels), np.zeros(len(pixels), np.float32), none, none, np.array(val))


def seen(network: Multitask, pixels: Pixels) -> torch.Tensor:
    """What the heads see of crops [N, 1152]."""
    with torch.inference_mode():
        maps = (network.maps(to_input(pixels[at : at + _BATCH])) for at in range(0, len(pixels), _BATCH))
        parts = [network.ends.features(seen)[:2] for seen in maps]
        return torch.cat([torch.cat(pair, dim=1) for pair in parts]).clone()


def fit(network: Multitask, made: Crops) -> None:
    """Train `network.ends.usable` on all crops that are not val."""
    torch.manual_seed(SEED)
    inputs = seen(network, made.pixels)
    targets = torch.from_numpy(np.column_stack([made.face, made.detail]))
    train = torch.from_numpy(~made.val)
    mean, spread = inputs[train].mean(dim=0), inputs[train].std(dim=0) + 1e-3
    layer = torch.nn.Linear(inputs.shape[1], 2)
    optimiser = torch.optim.AdamW(layer.parameters(), lr=_RATE, weight_decay=_DECAY)
    known = torch.isfinite(targets[train]).float()
    wanted, scaled = torch.nan_to_num(targets[train]), (inputs[train] - mean) / spread
    for _ in range(_STEPS):
        apart = functional.binary_cross_entropy_with_logits(layer(scaled), wanted, reduction="none")
        loss = ((apart * known).sum(dim=0) / known.sum(dim=0)).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        network.ends.usable.weight.copy_(layer.weight / spread)
        network.ends.usable.bias.copy_(layer.bias - (layer.weight / spread) @ mean)


def shift(network: Multitask, cache: Path) -> None:
    """Set `network.ends.shift` to the median of what the points are off by, over the fitting half of HELEN."""
    crops = CropSet.open(cache, "helen68")
    rows = np.flatnonzero(fitting_half(len(crops.crops)))
    with torch.inference_mode():
        found = network(to_input(np.array(crops.crops[rows])))["points"].numpy()
    off = crops.targets["points"][rows].reshape(len(rows), -1) - found
    told = np.isfinite(off).all(axis=0)  # HELEN has no irises
    middle = np.zeros(off.shape[1], np.float32)
    middle[told] = np.median(off[:, told], axis=0)
    with torch.no_grad():
        network.ends.shift.copy_(torch.from_numpy(middle))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--cache", type=Path, required=True, help="folder that crops made")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    chosen = parser.parse_args()
    network, state = averaged(chosen.checkpoint)
    shift(network, chosen.cache)
    face, none = faces(chosen.cache, network), places(chosen.data)
    sys.stdout.write(f"{len(face.pixels)} crops of faces, {len(none.pixels)} without\n")
    both = Crops(*(np.concatenate([getattr(made, name) for made in (face, none)]) for name in Crops.__annotations__))
    fit(network, both)
    kept = {name: getattr(both, name)[both.val] for name in ("pixels", "face", "detail", "male")}
    np.savez_compressed(chosen.cache / "usable_val.npz", **kept)
    torch.save({**state, "average": network.ends.state_dict()}, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
