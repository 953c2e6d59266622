"""Measure faceagent-forensic on photos that it was not trained on.

    python -m faceagent_finetune.nets.forensic.evaluate MODEL --cache DIR --out FILE

MODEL is the exported .onnx file or a checkpoint of train. Writes a JSON with every figure and the number of photos
behind it. Faces are seen as the product sees them: windows of the photo
(`faceagent_tools.forensics.windows`), joined.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent_finetune.nets.forensic.areas import Face, Rng
from faceagent_finetune.nets.forensic.blends import FORGERIES
from faceagent_finetune.nets.forensic.codec import saved
from faceagent_finetune.nets.forensic.crops import SOURCES, square
from faceagent_finetune.nets.forensic.data import Photos, Pool
from faceagent_finetune.nets.predictor import Predict
from faceagent_finetune.nets.predictor import predictor as of_file
from faceagent_tools.forensics import windows as forensic
from faceagent_tools.forensics.network import ForensicNetwork
from faceagent_tools.forensics.windows import KINDS

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_QUIET = 0.95  # share of authentic photos below the threshold
AUTHENTIC = ("lfw_images", "helen68", "fairface")  # sets whose photos must not be accused
_BLENDED = (*AUTHENTIC, "stylegan_ffhq")
_EACH = 120  # photos of each set that are forged to be measured
_CHANGED = 150  # photos of each set that are changed
_SEED = 7
_BINS = 5  # of the file size, within which forgeries are told from authentic photos


def predictor(model: Path, threads: int = 1) -> Predict:
    """The network in a file.

    Raises:
        UsageError: no such file.
    """
    return of_file(model, _onnx, _trained, threads)


def _onnx(model: Path, threads: int) -> Predict:
    return ForensicNetwork(model, threads).outputs


def _trained(checkpoint: Path) -> Any:
    from faceagent_finetune.nets.forensic.train import averaged

    return averaged(checkpoint)[0]


def look(predict: Predict, face: Face) -> forensic.Joined:
    """One face as the product sees it."""
    height, width = face.pixels.shape[:2]
    seen = forensic.windows(face.pixels, *square(face.points))
    return forensic.joined(forensic.outputs(predict, seen), seen, width, height)


def auc(scores: Floats, forged: Bools) -> float | None:
    """Chance that a forgery scores higher than an authentic photo, ties halved; None where one of them is missing."""
    high, low = scores[forged], np.sort(scores[~forged])
    if not (high.size and low.size):
        return None
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return round(float(below.mean() / (2 * low.size)), 4)


@dataclass(frozen=True)
class Seen:
    """The val photos of one set: rows of the set, logit of forged, found kind, whether forged."""

    photos: Photos
    rows: npt.NDArray[np.int64]
    scores: Floats
    kinds: npt.NDArray[np.int64]
    forged: Bools


def seen(
    predict: Predict, photos: Photos, change: Callable[[Face], Face] = lambda face: face, most: int | None = None
) -> Seen:
    """The val photos of a set, at most so many, each changed before it is looked at."""
    rows = np.random.default_rng(_SEED).permutation(np.flatnonzero(photos.val))[:most]
    looks = [look(predict, change(photos.face(row))) for row in rows.tolist()]
    scores = np.array([found.score for found in looks])
    kinds = np.array([int(found.kinds.argmax()) for found in looks])
    return Seen(photos, rows, scores, kinds, photos.kind[rows] > 0)


def by_kind(found: Seen) -> dict[str, Any]:
    """AUC of each kind of forgery of a set against its authentic photos."""
    true = found.photos.kind[found.rows]
    told: dict[str, Any] = {"photos": len(true), "authentic": int((true == 0).sum())}
    for kind in np.unique(true[true > 0]).tolist():
        at = (true == 0) | (true == kind)
        told[KINDS[kind]] = {
            "photos": int((true == kind).sum()),
            "auc": auc(found.scores[at], true[at] == kind),
            "kind_found": _share(found.kinds[true == kind] == kind),
        }
    return told


def confounds(found: Seen) -> dict[str, Any]:
    """How well what is not the forgery tells forgeries apart, and how well the score does among files of like size."""
    photos, rows = found.photos, found.rows
    facts: dict[str, list[float]] = {}
    for row in rows.tolist():
        pixels = photos.pixels(row)
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        values = {
            "bytes": float(photos.sizes[row]),
            "bytes_per_pixel": float(photos.sizes[row] / grey.size),
            "resolution": float(grey.size),
            "face_side": float(photos.native[row]),
            "jpeg_quality": float(photos.quality[row]),
            "sharpness": float(cv2.Laplacian(grey, cv2.CV_64F).var()),
            **dict(zip(("red", "green", "blue"), pixels.mean(axis=(0, 1)).tolist(), strict=True)),
        }
        for name, value in values.items():
            facts.setdefault(name, []).append(value)
    alone = {name: auc(np.array(values), found.forged) for name, values in facts.items()}
    return {"auc_alone": alone, "auc_of_score_at_like_size": _within(found, np.array(facts["bytes"]))}


def _within(found: Seen, size: Floats) -> float | None:
    """Mean AUC within bins of the file size, weighted by the pairs in them."""
    edges = np.quantile(size, np.linspace(0, 1, _BINS + 1)[1:-1])
    which = np.searchsorted(edges, size)
    total, weight = 0.0, 0
    for place in range(_BINS):
        scores, forged = found.scores[which == place], found.forged[which == place]
        value, count = auc(scores, forged), int(forged.sum()) * int((~forged).sum())
        total, weight = total + (value or 0.0) * count, weight + count
    return round(total / weight, 4) if weight else None


@dataclass(frozen=True)
class Pair:
    """An authentic photo and what was made of it, saved alike; mask [H, W] of what was changed; group: see `Photos`."""

    group: str
    honest: Face
    forged: Face
    mask: npt.NDArray[np.float32]


def pairs(cache: Path, kind: str, sets: Sequence[str] = _BLENDED, seed: int = _SEED, each: int = _EACH) -> list[Pair]:
    """Val photos of authentic faces, `each` of a set, forged. kind: a name of `FORGERIES`."""
    made = []
    for name in sets:
        pool, rng = Pool(Photos.open(cache, name), val=True), np.random.default_rng(seed)
        rows = rng.permutation(pool.authentic)[:each].tolist()
        made += [_pair(pool, row, kind, rng) for row in rows]
    return made


def _pair(pool: Pool, row: int, kind: str, rng: Rng) -> Pair:
    face, codec = pool.photos.face(row), SOURCES[pool.photos.name].codec
    forgery = FORGERIES[kind](face, lambda: pool.donor(row, rng), rng)
    honest, forged = (saved(pixels, codec)[0] for pixels in (face.pixels, forgery.pixels))
    group = str(pool.photos.group[row])
    return Pair(group, Face(honest, face.points), Face(forged, face.points), forgery.mask)


def blends(predict: Predict, made: Sequence[Pair], kind: str) -> dict[str, Any]:
    """AUC over the pairs, and where the forged ones were found to be forged: IoU at a probability of one half."""
    honest = np.array([look(predict, pair.honest).score for pair in made])
    looks = [look(predict, pair.forged) for pair in made]
    scores = np.array([found.score for found in looks])
    return {
        "photos": len(made),
        "auc": auc(np.concatenate([honest, scores]), np.repeat([False, True], len(made))),
        "higher_than_its_partner": _share(scores > honest),
        "kind_found": _share(np.array([found.kinds.argmax() for found in looks]) == KINDS.index(kind)),
        "iou": round(
            float(np.mean([overlap(found.cells, pair.mask) for found, pair in zip(looks, made, strict=True)])), 4
        ),
    }


def overlap(cells: Floats, mask: npt.NDArray[np.float32]) -> float:
    """Intersection over union of what was found and what was changed, over the cells that were looked at."""
    true = cv2.resize(mask, cells.shape[::-1], interpolation=cv2.INTER_AREA) > 0.5
    known = np.isfinite(cells)
    found = np.nan_to_num(cells) > 0.5
    either = int((known & (true | found)).sum())
    return float((known & true & found).sum() / either) if either else 1.0


def false_alarms(found: Mapping[str, Seen]) -> dict[str, Any]:
    """The score that no more than 1 in 20 authentic photos of any set exceeds: fitted on every second photo of
    `AUTHENTIC`, measured on the others and on all other sets, with the share of forgeries that exceed it."""
    halves = {name: found[name].scores[~found[name].forged] for name in AUTHENTIC if name in found}
    threshold = max(float(np.quantile(scores[::2], _QUIET)) for scores in halves.values())
    told: dict[str, Any] = {"threshold_logit": round(threshold, 4), "false_alarms": {}, "found": {}}
    for name, row in found.items():
        honest = halves[name][1::2] if name in halves else row.scores[~row.forged]
        told["false_alarms"][name] = {"photos": len(honest), "share": _share(honest > threshold)}
        if row.forged.any():
            hit = _share(row.scores[row.forged] > threshold)
            told["found"][name] = {"photos": int(row.forged.sum()), "share": hit}
    return told


def _share(values: Bools) -> float | None:
    return round(float(values.mean()), 4) if values.size else None


def resized(share: float) -> Callable[[Face], Face]:
    return lambda face: face.scaled(share, cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC)


def resaved(name: str, quality: int) -> Callable[[Face], Face]:
    return lambda face: Face(saved(face.pixels, (name, quality))[0], face.points)


def _blurred(face: Face) -> Face:
    return Face(np.asarray(cv2.GaussianBlur(face.pixels, (0, 0), 1.0), np.uint8), face.points)


def _screenshot(face: Face) -> Face:
    larger = np.asarray(cv2.resize(face.pixels, None, fx=1.33, fy=1.33, interpolation=cv2.INTER_LINEAR), np.uint8)
    return Face(saved(larger, ("jpeg", 85))[0], face.points * np.float32(1.33))


CHANGES: Mapping[str, Callable[[Face], Face]] = {
    "as it is": lambda face: face,
    **{f"JPEG {quality}": resaved("jpeg", quality) for quality in (90, 70, 50, 30)},
    "WebP 60": resaved("webp", 60),
    **{f"resized to {share:g}": resized(share) for share in (0.75, 0.5, 0.35)},
    "blur of 1 px": _blurred,
    "screenshot": _screenshot,
    **{f"enlarged to {share:g}": resized(share) for share in (1.5, 2.5)},
}


def robustness(predict: Predict, cache: Path, made: Sequence[Pair]) -> dict[str, dict[str, float | None]]:
    """AUC by change, of `_CHANGED` photos of DFDC, of StyleGAN, and of the pairs given."""
    sets = {name: Photos.open(cache, name) for name in ("dfdc_faces", "stylegan_ffhq")}
    told: dict[str, dict[str, float | None]] = {}
    for label, change in CHANGES.items():
        row: dict[str, float | None] = {}
        for name, photos in sets.items():
            found = seen(predict, photos, change, _CHANGED)
            row[name] = auc(found.scores, found.forged)
        both = [look(predict, change(face)).score for pair in made for face in (pair.honest, pair.forged)]
        row["blends"] = auc(np.array(both), np.tile([False, True], len(made)))
        told[label] = row
    return told


def measure(predict: Predict, cache: Path) -> dict[str, Any]:
    """All figures."""
    cv2.setNumThreads(1)
    found = {name: seen(predict, Photos.open(cache, name)) for name in SOURCES}
    made = {kind: pairs(cache, kind) for kind in FORGERIES}
    return {
        "sets": {name: by_kind(row) for name, row in found.items() if row.forged.any()},
        "blends": {kind: blends(predict, made[kind], kind) for kind in FORGERIES},
        "threshold": false_alarms(found),
        "robustness": robustness(predict, cache, made["swap"][::4]),
        "confounds": {name: confounds(row) for name, row in found.items() if row.forged.any()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder that crops made")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    told = measure(predictor(chosen.model, chosen.threads), chosen.cache)
    chosen.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
