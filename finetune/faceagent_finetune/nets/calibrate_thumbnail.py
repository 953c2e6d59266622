"""Measure how much an honest thumbnail differs from its photo, and set the two levels of inspect_provenance by it.

    python -m faceagent_finetune.nets.calibrate_thumbnail --data DIR

DIR holds landmarks/helen68.parquet and identity/vip_one_person.parquet (in smaller photos a thumbnail cannot be
compared). Every photo gets thumbnails made in many ways (six resamplers, three sizes, letterboxing, sharpening, six
JPEG qualities, two subsamplings), and is itself saved again, made smaller or brightened, as happens to honest photos:

- honest:    the thumbnail of the photo itself
- stranger:  the thumbnail of another photo
- eyes, face: the photo's eye region or inner face replaced by a resampled, colour-matched, feathered patch

The local level is the largest score in a thousand of `honest`, the agreement level the lowest correlation in a thousand
of them, and the stranger level the highest correlation in a thousand strangers. Written to thumbnail.json beside the
tool, with the detection rates at these levels, which are thus of the photos that set the levels.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter

from faceagent.errors import MissingExtra
from faceagent.media import Pixels
from faceagent_tools.provenance_records import thumbnail

TABLE = Path(thumbnail.__file__).parents[1] / "calibration" / "thumbnail.json"
SETS = ("landmarks/helen68.parquet", "identity/vip_one_person.parquet")
PER_PHOTO = 24
RARE = 0.001
QUALITIES = (40, 55, 70, 80, 90, 95)
SIZES = ((160, 160), (160, 120), (256, 256))
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Picture:
    pixels: Pixels
    points68: Points | None


def pictures(data: Path) -> Iterator[Picture]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("Reading the data sets", "eval") from error
    for name in SETS:
        for row in pyarrow.parquet.read_table(data / name).to_pylist():
            with Image.open(io.BytesIO(row["image"]["bytes"])) as image:
                points = row.get("points68")
                yield Picture(np.asarray(image.convert("RGB")), None if points is None else np.asarray(points, float))


def made_thumbnail(pixels: Pixels, rng: random.Random) -> tuple[Pixels, list[int]]:
    """A thumbnail as some maker would make it, decoded again, and its luminance quantisation table."""
    width, height = rng.choice(SIZES)
    image = Image.fromarray(pixels)
    factor = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    small = image.resize(size, Image.Resampling(rng.randrange(6)))
    if strength := rng.choice((0, 0, 80, 150)):
        small = small.filter(ImageFilter.UnsharpMask(1, strength, 0))
    if (width, height) == (160, 120):
        canvas = Image.new("RGB", (width, height))
        canvas.paste(small, ((width - size[0]) // 2, (height - size[1]) // 2))
        small = canvas
    with Image.open(jpeg(small, rng.choice(QUALITIES), rng.choice((0, 2)))) as read:
        tables: Any = read
        return np.asarray(read.convert("RGB")), list(tables.quantization[0])


def handled(pixels: Pixels, rng: random.Random) -> Pixels:
    """The photo after honest handling: perhaps made smaller, perhaps brightened, saved again."""
    image = Image.fromarray(pixels)
    shrink = rng.choice((1.0, 1.0, 0.8))
    if shrink < 1:
        image = image.resize((round(image.width * shrink), round(image.height * shrink)), Image.Resampling.LANCZOS)
    if tone := rng.choice((None, None, None, ImageEnhance.Brightness, ImageEnhance.Contrast)):
        image = tone(image).enhance(rng.uniform(0.85, 1.15))
    with Image.open(jpeg(image, rng.choice(QUALITIES[1:]), rng.choice((0, 2)))) as read:
        return np.asarray(read, dtype=np.uint8)


def jpeg(image: Image.Image, quality: int, subsampling: int) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    buffer.seek(0)
    return buffer


def eyes_replaced(picture: Picture, points: Points, rng: random.Random) -> Pixels:
    """Each eye replaced by the mirrored and enlarged other one."""
    right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    apart = float(np.linalg.norm(right - left))
    scale = rng.uniform(1.1, 1.4)
    result = picture.pixels
    for source, target in ((left, right), (right, left)):
        move = np.array([[-scale, 0, target[0] + scale * source[0]], [0, scale, target[1] - scale * source[1]]])
        patch = warped(picture.pixels, move, picture.pixels.shape)
        result = blended(result, patch, ellipse(result.shape, target, (0.45 * apart, 0.33 * apart)), 0.07 * apart)
    return result


def face_replaced(picture: Picture, points: Points, other: Picture, theirs: Points) -> Pixels:
    """The inner face replaced by another person's, laid on by a similarity of the landmarks."""
    move, _ = cv2.estimateAffinePartial2D(theirs[17:].astype(np.float32), points[17:].astype(np.float32))
    patch = warped(other.pixels, np.asarray(move), picture.pixels.shape)
    hull = cv2.convexHull(np.rint(points[17:]).astype(np.int32))
    mask = np.zeros(picture.pixels.shape[:2], dtype=np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    return blended(picture.pixels, patch, mask > 0, 0.03 * float(np.ptp(points[:, 0])))


def warped(pixels: Pixels, move: Points, shape: tuple[int, ...]) -> Pixels:
    moved = cv2.warpAffine(pixels, move, (shape[1], shape[0]), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, dtype=np.uint8)


def ellipse(shape: tuple[int, ...], centre: Points, reach: tuple[float, float]) -> npt.NDArray[np.bool_]:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    inside = ((x - centre[0]) / reach[0]) ** 2 + ((y - centre[1]) / reach[1]) ** 2 <= 1
    return np.asarray(inside, dtype=np.bool_)


def blended(pixels: Pixels, patch: Pixels, inside: npt.NDArray[np.bool_], feather: float) -> Pixels:
    """The patch laid on with its colours matched under the mask and the mask's edge feathered."""
    ours, theirs = patch.astype(np.float64), pixels.astype(np.float64)
    gain = theirs[inside].std(axis=0) / (ours[inside].std(axis=0) + 1e-6)
    matched = (ours - ours[inside].mean(axis=0)) * gain + theirs[inside].mean(axis=0)
    mask = cv2.GaussianBlur(inside.astype(np.float64), (0, 0), max(feather, 0.5))[:, :, None]
    result = np.clip(np.rint(mask * matched + (1 - mask) * theirs), 0, 255)
    return np.asarray(result, dtype=np.uint8)


def measured(before: Pixels, after: Pixels, rng: random.Random) -> list[tuple[float, float]]:
    """[(local score, correlation)] of a thumbnail made of `before` held against `after`; empty where too small."""
    small, tables = made_thumbnail(before, rng)
    photo = handled(after, rng)
    if not thumbnail.comparable(photo, small):
        return []
    lie = thumbnail.overlap(photo, small)
    return [(thumbnail.difference(photo, small, lie, tables, level=1e9).score, lie.correlation)]


def measure(every: list[Picture], rng: random.Random) -> dict[str, list[tuple[float, float]]]:
    with_points = [picture for picture in every if picture.points68 is not None]
    scores: dict[str, list[tuple[float, float]]] = {"honest": [], "stranger": [], "eyes": [], "face": []}
    for picture in every:
        for _ in range(PER_PHOTO):
            scores["honest"] += measured(picture.pixels, picture.pixels, rng)
        for other in rng.sample(every, 3):
            if other is not picture:
                scores["stranger"] += measured(picture.pixels, other.pixels, rng)
        if picture.points68 is None:
            continue
        for donor in rng.sample(with_points, 3):
            scores["eyes"] += measured(picture.pixels, eyes_replaced(picture, picture.points68, rng), rng)
            if donor is not picture and donor.points68 is not None:
                replaced = face_replaced(picture, picture.points68, donor, donor.points68)
                scores["face"] += measured(picture.pixels, replaced, rng)
    return scores


def summary(scores: dict[str, list[tuple[float, float]]], photos: int) -> dict[str, Any]:
    table = {kind: np.asarray(rows) for kind, rows in scores.items()}
    local = float(np.ceil(100 * np.quantile(table["honest"][:, 0], 1 - RARE)) / 100)
    agreement = float(np.floor(1000 * np.quantile(table["honest"][:, 1], RARE)) / 1000)
    stranger = float(np.ceil(1000 * np.quantile(table["stranger"][:, 1], 1 - RARE)) / 1000)
    return {
        "command": "python -m faceagent_finetune.nets.calibrate_thumbnail --data DIR",
        "sets": "HELEN (200 photos), VIPBench sample (105); thumbnails simulated",
        "photos": photos,
        "false_alarm_rate": RARE,
        "local_level": local,
        "agreement_level": agreement,
        "stranger_level": min(stranger, agreement),
        "n": {kind: len(rows) for kind, rows in table.items()},
        "honest_local_quantiles": quantiles(table["honest"][:, 0]),
        "honest_correlation_quantiles": quantiles(table["honest"][:, 1]),
        "stranger_correlation_quantiles": quantiles(table["stranger"][:, 1]),
        "local_score_reached": {kind: share(table[kind][:, 0] >= local) for kind in ("honest", "eyes", "face")},
        "below_agreement": {kind: share(table[kind][:, 1] < agreement) for kind in table},
    }


def quantiles(values: npt.NDArray[np.float64]) -> dict[str, float]:
    return {
        f"{q:g}": round(float(np.quantile(values, q)), 3) for q in (0, 0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999, 1)
    }


def share(hits: npt.NDArray[np.bool_]) -> float:
    return round(float(hits.mean()), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--out", type=Path, default=TABLE, help="where to write the table")
    arguments = parser.parse_args()
    every = list(pictures(arguments.data))
    table = json.dumps(summary(measure(every, random.Random(0)), len(every)), indent=2) + "\n"
    arguments.out.write_text(table, encoding="utf-8")
    sys.stdout.write(table)


if __name__ == "__main__":
    main()
