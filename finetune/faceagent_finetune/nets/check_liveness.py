"""Where the lines of check_liveness lie, and how often it calls ordinary photos an attack.

    FACEAGENT_MIRROR=… python -m faceagent_finetune.nets.check_liveness --data DIR [--upstream DIR]

DIR holds landmarks/helen68.parquet, identity/lfw_images.parquet and identity/vip_one_person.parquet; 100 photos of each
(of the last the authentic ones), the largest face in each. None of them shows an attack as far as is known; photos of
prints and screens are not at hand, so that only false alarms can be measured and no misses. The same photos, scaled
down, tell from which size on the networks can be used. Written to liveness.json beside the tool.

--upstream: resources/detection_model of github.com/minivision-ai/Silent-Face-Anti-Spoofing; measures how the boxes of
that detector lie on ours. Needs an OpenCV below 5, which reads Caffe's files; without it the last figures are kept.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra
from faceagent.media import Photo, Pixels
from faceagent.types import Box
from faceagent_tools import liveness
from faceagent_tools.detection import FaceDetector
from faceagent_tools.minifasnet import MiniFASNet

TABLE = Path(liveness.__file__).parent / "calibration" / "liveness.json"
SETS = {
    "helen": "landmarks/helen68.parquet",
    "lfw": "identity/lfw_images.parquet",
    "vip": "identity/vip_one_person.parquet",
}
AUTHENTIC = ("r_r_i", "r_r_d_i")
CALLED_ATTACK, CALLED_LIVE = 0.05, 0.5  # shares of ordinary photos: the first at most, in each set; the second of all
WIDTHS = (120, 80, 60, 40, 30)  # pixels; 30 is where the crop at 2.7 times the face would be enlarged to 80
TOLERABLE = 0.01
STEPS = np.linspace(0, 1, 21)  # shares of ordinary photos whose scores are on record
BOXES = 40


@dataclass(frozen=True)
class Seen:
    """One ordinary photo: score of its largest face; by width in pixels, the score of the same photo made smaller."""

    live: float
    smaller: dict[int, float]


def photos(data: Path, name: str, most: int, seed: int) -> Iterator[Photo]:
    """A random draw of one set.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtra("Reading the data sets", "eval") from error
    columns = ["image", "relation"] if name == "vip" else ["image"]
    rows = parquet.read_table(data / SETS[name], columns=columns).to_pylist()
    rows = [row for row in rows if row.get("relation") in (None, *AUTHENTIC)]
    for place in np.random.default_rng(seed).permutation(len(rows))[:most]:
        yield Photo.open(rows[place]["image"]["bytes"])


def seen(data: Path, name: str, most: int, seed: int) -> tuple[list[Seen], int]:
    """The photos whose largest face can be judged, and how many others there were."""
    detector, network, found, left = FaceDetector("yunet"), MiniFASNet(), [], 0
    for photo in photos(data, name, most, seed):
        face = max(detector.detect(photo, "image 1"), key=lambda face: face.box.area, default=None)
        if face is None or liveness.unfit(photo, face, smallest=0) is not None:
            left += 1
            continue
        box = liveness.box_of(face)
        smaller = {width: scaled(network, photo.pixels, box, width) for width in WIDTHS if width < box.width}
        found.append(Seen(network.look(photo.pixels, box).live, smaller))
    return found, left


def scaled(network: MiniFASNet, pixels: Pixels, box: Box, width: float) -> float:
    """The score of a photo made so small that the face is `width` pixels wide."""
    factor = width / box.width
    small = np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    corners = {name: value * factor for name, value in box.model_dump().items()}
    return network.look(small, Box(**corners)).live


def table(found: dict[str, tuple[list[Seen], int]]) -> dict[str, Any]:
    """Lines, and what share of each set lies beyond them."""
    scores = {name: np.array([one.live for one in rows]) for name, (rows, _) in found.items()}
    everything = np.concatenate(list(scores.values()))
    attack = min(float(np.quantile(values, CALLED_ATTACK, method="lower")) for values in scores.values())
    live = float(np.quantile(everything, 1 - CALLED_LIVE))
    lines = {"attack": math.floor(attack * 1e4) / 1e4, "live": math.floor(live * 1e3) / 1e3}
    sizes = by_size([one for rows, _ in found.values() for one in rows], lines)
    return {
        "lines": lines,
        "smallest_face_px": smallest(sizes),
        "in_all": shares(everything, lines),
        "ordinary_scores": {
            "shares": STEPS.round(2).tolist(),
            "scores": [round(float(value), 4) for value in np.quantile(everything, STEPS)],
        },
        "sets": {name: {**shares(values, lines), "not_judged": found[name][1]} for name, values in scores.items()},
        "by_size": sizes,
    }


def shares(scores: npt.NDArray[np.float64], lines: dict[str, float]) -> dict[str, Any]:
    """upstream_rule: the share that upstream's own demo would call an attack (another class wins the sum)."""
    return {
        "photos": len(scores),
        "called_attack": round(float((scores <= lines["attack"]).mean()), 4),
        "called_live": round(float((scores >= lines["live"]).mean()), 4),
        "below_half": round(float((scores < 0.5).mean()), 4),
        "percentiles_1_5_25_50": [round(float(value), 4) for value in np.percentile(scores, [1, 5, 25, 50])],
    }


def by_size(found: list[Seen], lines: dict[str, float]) -> list[dict[str, Any]]:
    """For each width, the photos whose face is larger: shares at that width and at full size, of the same photos."""
    rows = []
    for width in WIDTHS:
        pairs = np.array([(one.smaller[width], one.live) for one in found if width in one.smaller])
        small, full = pairs[:, 0], pairs[:, 1]
        rows.append(
            {
                "width_px": width,
                "photos": len(pairs),
                "called_attack": round(float((small <= lines["attack"]).mean()), 4),
                "called_attack_at_full_size": round(float((full <= lines["attack"]).mean()), 4),
                "below_half": round(float((small < 0.5).mean()), 4),
                "below_half_at_full_size": round(float((full < 0.5).mean()), 4),
            }
        )
    return rows


def smallest(sizes: list[dict[str, Any]]) -> int:
    """The least width down to which at most one photo in a hundred more is called an attack than at full size."""
    fit = WIDTHS[0]
    for row in sizes:
        if row["called_attack"] - row["called_attack_at_full_size"] > TOLERABLE:
            break
        fit = row["width_px"]
    return fit


def upstream_boxes(data: Path, folder: Path, seed: int) -> dict[str, Any]:
    """Medians over LFW photos of upstream's box against ours: its sides and how far off it lies, in sides of ours."""
    network = cv2.dnn.readNetFromCaffe(  # type: ignore[attr-defined]
        str(folder / "deploy.prototxt"), str(folder / "Widerface-RetinaFace.caffemodel")
    )
    told: dict[str, Any] = {"set": "lfw"}
    for name in ("yunet", "dlib"):
        detector, rows = FaceDetector(name), []
        for photo in photos(data, "lfw", BOXES, seed):
            theirs = upstream_box(network, photo.pixels)
            for face in detector.detect(photo, "image 1"):
                ours = liveness.box_of(face)
                if ours.iou(theirs) > 0.4:
                    (x, y), (u, v) = theirs.centre, ours.centre
                    sides = (theirs.width / ours.width, theirs.height / ours.height)
                    rows.append((*sides, (x - u) / ours.width, (y - v) / ours.height))
        middle = np.round(np.median(np.array(rows), axis=0), 3).tolist()
        told[name] = {"faces": len(rows), **dict(zip(("width", "height", "right", "down"), middle, strict=True))}
    return told


def upstream_box(network: Any, pixels: Pixels) -> Box:
    """As src/anti_spoof_predict.py finds it: the strongest face at about 192 x 192 pixels."""
    height, width = pixels.shape[:2]
    ratio = math.sqrt(width / height)
    bgr = pixels[:, :, ::-1]
    if width * height >= 192 * 192:
        bgr = np.asarray(cv2.resize(bgr, (int(192 * ratio), int(192 / ratio))), dtype=np.uint8)
    network.setInput(cv2.dnn.blobFromImage(bgr, 1, mean=(104, 117, 123)), "data")
    found = network.forward("detection_out").reshape(-1, 7)
    x0, y0, x1, y1 = (found[found[:, 2].argmax(), 3:] * (width, height, width, height)).tolist()
    return Box(x0=x0, y0=y0, x1=x1, y1=y1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--upstream", type=Path, help="folder with upstream's detector")
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--per-set", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    before = json.loads(chosen.out.read_text(encoding="utf-8")) if chosen.out.is_file() else {}
    told: dict[str, Any] = {
        "made_by": "python -m faceagent_finetune.nets.check_liveness --data DIR --upstream DIR",
        "seed": chosen.seed,
        "detector": "yunet",
        **table({name: seen(chosen.data, name, chosen.per_set, chosen.seed) for name in SETS}),
        "upstream_box": before.get("upstream_box"),
    }
    if chosen.upstream is not None:
        told["upstream_box"] = upstream_boxes(chosen.data, chosen.upstream, chosen.seed)
    text = json.dumps(told, indent=1) + "\n"
    chosen.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
