"""What training does to a crop: moves, flips, colours, blurs and covers it, and its labels with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent_tools.multitask import MIRROR

Pixels = npt.NDArray[np.uint8]
_MIRRORED = np.array([-1, 1, -1], np.float32)  # yaw and roll turn round


@dataclass(frozen=True)
class Strength:
    """Chances of each change and how far it goes; `[augment]` of the recipe."""

    flip: float = 0.5
    turn_degrees: float = 12.0
    zoom: float = 0.12
    shift: float = 0.05  # share of the side
    frame: float = 0.5  # chance that black parts beyond the photo are filled
    grey: float = 0.2
    colour: float = 0.7
    low_resolution: float = 0.2
    blur: float = 0.1
    jpeg: float = 0.2
    cover: float = 0.2


def augmented(
    crop: Pixels,
    points: npt.NDArray[np.float32],
    pose: npt.NDArray[np.float32],
    openings: npt.NDArray[np.float32],
    other: Pixels,
    size: int,
    rng: np.random.Generator,
    strength: Strength,
) -> tuple[Pixels, npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """One changed sample: pixels [size, size, 3], points [78, 2] in shares, pose [3], openings [3].

    Args:
        other: another crop, to fill the parts that lie beyond the photo: a network must not read a data set off its
            black borders.
    """
    filled = _filled(crop, other, rng) if rng.random() < strength.frame else crop
    matrix, angle, mirrored = _move(crop.shape[0], size, rng, strength)
    # OpenCV puts pixel centres at whole numbers, we put them at halves.
    centred = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ [0.5, 0.5] - 0.5])
    image = cv2.warpAffine(filled, centred, (size, size), flags=cv2.INTER_LINEAR, borderMode=_border(rng))
    scaled = points * crop.shape[0]
    moved = (scaled @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32) / size
    if mirrored:
        moved = moved[MIRROR]
        pose, openings = pose * _MIRRORED, openings[[1, 0, 2]]
    pose = pose + np.array([0, 0, angle], np.float32)
    return _spoilt(_coloured(np.asarray(image, np.uint8), rng, strength), rng, strength), moved, pose, openings


def _filled(crop: Pixels, other: Pixels, rng: np.random.Generator) -> Pixels:
    beyond = cv2.inRange(crop, (0, 0, 0), (0, 0, 0))
    if rng.random() < 0.5:
        filling = np.ascontiguousarray(other[::-1])
    else:
        filling = np.empty_like(crop)
        filling[:] = rng.integers(0, 256, 3, np.uint8)
    return np.asarray(cv2.copyTo(filling, beyond, np.array(crop)), np.uint8)


def _border(rng: np.random.Generator) -> int:
    return int((cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101)[rng.integers(3)])


def _move(
    side: int, size: int, rng: np.random.Generator, strength: Strength
) -> tuple[npt.NDArray[np.float64], float, bool]:
    """The map from the crop to the sample, the degrees that it turns clockwise, and whether it mirrors."""
    angle = float(
        np.clip(rng.normal(0, strength.turn_degrees / 2), -2 * strength.turn_degrees, 2 * strength.turn_degrees)
    )
    scale = float(np.exp(rng.uniform(-strength.zoom, strength.zoom))) * size / side
    mirrored = bool(rng.random() < strength.flip)
    cos, sin = np.cos(np.radians(angle)) * scale, np.sin(np.radians(angle)) * scale
    turn = np.array([[cos, -sin], [sin, cos]])
    if mirrored:
        turn = turn @ np.diag([-1.0, 1.0])
    middle = size / 2 + rng.uniform(-strength.shift, strength.shift, 2) * size
    return np.column_stack([turn, middle - turn @ np.full(2, side / 2)]), angle, mirrored


def _coloured(image: Pixels, rng: np.random.Generator, strength: Strength) -> Pixels:
    if rng.random() < strength.grey:
        image = np.repeat(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None], 3, axis=2)
    if rng.random() >= strength.colour:
        return image
    ramp = np.linspace(0, 1, 256)
    gamma, contrast, light = np.exp(rng.normal(0, 0.2)), np.exp(rng.normal(0, 0.2)), rng.normal(0, 0.08)
    tint = rng.normal(0, 0.03, 3)
    curve = (ramp[:, None] ** gamma - 0.5) * contrast + 0.5 + light + tint
    table = (np.clip(curve, 0, 1) * 255).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(image, table), np.uint8)


def _spoilt(image: Pixels, rng: np.random.Generator, strength: Strength) -> Pixels:
    """Blur, low resolution, JPEG and covers, each by its own chance."""
    size = image.shape[0]
    made: npt.NDArray[Any] = image
    if rng.random() < strength.low_resolution:
        small = int(rng.uniform(0.2, 0.7) * size)
        made = cv2.resize(cv2.resize(made, (small, small), interpolation=cv2.INTER_AREA), (size, size))
    if rng.random() < strength.blur:
        made = cv2.GaussianBlur(made, (0, 0), float(rng.uniform(0.5, 2.0)))
    if rng.random() < strength.jpeg:
        quality = int(rng.integers(20, 85))
        packed = cv2.imencode(".jpg", made, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        made = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    if rng.random() < strength.cover:
        made = np.array(made)
        high, wide = (rng.uniform(0.1, 0.35, 2) * size).astype(int)
        top, left = int(rng.integers(0, size - high)), int(rng.integers(0, size - wide))
        made[top : top + high, left : left + wide] = rng.integers(0, 256, 3)
    return np.asarray(made, np.uint8)
