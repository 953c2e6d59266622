"""Things drawn over aligned faces: what the occlusion cue is trained and measured with.

All act on chips: uint8 RGB [150, 150, 3], eye centres at about (48, 47) and (100, 47), mouth at about (74, 107).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels

Random = np.random.Generator
Floats = npt.NDArray[Any]
SIDE = 150
EYES = ((48, 47), (100, 47))


def covered(chip: Pixels, kind: str, rng: Random, texture: Pixels) -> tuple[Pixels, float, float]:
    """A copy with a cover drawn on it, the larger covered share of the two eye zones, and that of the mouth zone.

    Args:
        kind: a key of COVERS. texture: another chip, whose pixels clothe some of the things.
    """
    mask, colour = COVERS[kind](chip, rng, texture)
    soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 1.5))[..., None]
    after = np.clip(np.rint(chip * (1 - soft) + colour * soft), 0, 255).astype(np.uint8)
    eyes = max(float(mask[36:58, x - 14 : x + 14].mean()) for x, _ in EYES)
    return after, eyes, float(mask[92:122, 50:98].mean())


def _blank() -> Floats:
    return np.zeros((SIDE, SIDE), dtype=np.float32)


def _brightness(chip: Pixels) -> float:
    return float(chip[20:140, 30:120].mean()) / 125


def _shaded(rng: Random, amount: float) -> Floats:
    """Uneven light: [150, 150, 1] about 1."""
    coarse = rng.normal(0, 1, (6, 6)).astype(np.float32)
    return np.asarray(1 + amount * cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))[..., None]


def sunglasses(chip: Pixels, rng: Random, texture: Pixels) -> tuple[Floats, Floats]:
    mask = _blank()
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    wide, high, drop, corner = rng.uniform(17, 25), rng.uniform(11, 18), rng.uniform(0, 6), rng.uniform(2, 5)
    for cx, cy in EYES:
        mask[(np.abs((x - cx) / wide) ** corner + np.abs((y - cy - drop) / high) ** corner) <= 1] = 1
    bridge = int(44 + drop)
    cv2.line(mask, (int(45 + wide), bridge), (int(103 - wide), bridge), 1.0, int(rng.integers(2, 5)))
    if rng.random() < 0.7:
        cv2.line(mask, (int(48 - wide), bridge), (8, 40), 1.0, 2)
        cv2.line(mask, (int(100 + wide), bridge), (140, 40), 1.0, 2)
    tint = rng.uniform(5, 60, 3) * [1, rng.uniform(0.7, 1.1), rng.uniform(0.6, 1.1)]
    colour = tint * _brightness(chip) * _shaded(rng, 0.15)
    if rng.random() < 0.4:
        shine = np.exp(-(((y - 40) / rng.uniform(4, 9)) ** 2))
        colour = colour + rng.uniform(20, 90) * shine[..., None]
    return mask * np.float32(rng.uniform(0.8, 1.0)), colour


def face_mask(chip: Pixels, rng: Random, texture: Pixels) -> tuple[Floats, Floats]:
    mask = _blank()
    top, side, jaw = rng.uniform(66, 84), rng.uniform(68, 90), 122 + rng.uniform(-6, 6)
    left, right = 28 + rng.uniform(-6, 4), 120 + rng.uniform(-4, 6)
    outline = [[left, side], [74 + rng.uniform(-4, 4), top], [right, side], [right - 4, jaw], [92, 149], [56, 149]]
    cv2.fillPoly(mask, [np.array([*outline, [left + 4, jaw]], dtype=np.int32)], 1.0)
    if rng.random() < 0.6:
        cv2.line(mask, (28, 80), (5, 55), 1.0, 2)
        cv2.line(mask, (120, 80), (143, 55), 1.0, 2)
    cloths = ([150, 190, 215], [225, 225, 225], [30, 30, 35], rng.uniform(20, 230, 3))
    colour = np.array(cloths[int(rng.integers(4))]) * _brightness(chip) * _shaded(rng, 0.12)
    if rng.random() < 0.5:
        y = np.mgrid[0:SIDE, 0:SIDE][0]
        colour = colour * (1 + 0.06 * np.sin(y / rng.uniform(1.5, 4)))[..., None]
    return mask, colour


def hand(chip: Pixels, rng: Random, texture: Pixels) -> tuple[Floats, Floats]:
    mask, edges = _blank(), _blank()
    low = rng.random() < 0.5
    cx, cy = (rng.uniform(55, 95), rng.uniform(105, 130)) if low else (rng.uniform(30, 118), rng.uniform(35, 130))
    turn, fingers, width = rng.uniform(0, 180), int(rng.integers(3, 6)), rng.uniform(6, 11)
    for finger in range(fingers):
        beside = (finger - (fingers - 1) / 2) * width * 1.7
        angle = np.deg2rad(turn + rng.uniform(-8, 8))
        middle = (int(cx - np.sin(angle) * beside), int(cy + np.cos(angle) * beside))
        axes = (int(rng.uniform(25, 48)), int(width))
        cv2.ellipse(mask, middle, axes, float(np.rad2deg(angle)), 0, 360, 1.0, -1)
        cv2.ellipse(edges, middle, axes, float(np.rad2deg(angle)), 0, 360, 1.0, 1)
    skin = chip[60:85, [40, 108]].reshape(-1, 3).mean(axis=0) * rng.uniform(0.75, 1.2) * rng.uniform(0.95, 1.05, 3)
    return mask, skin * _shaded(rng, 0.1) * (1 - 0.35 * cv2.GaussianBlur(edges, (0, 0), 1.0)[..., None])


def thing(chip: Pixels, rng: Random, texture: Pixels) -> tuple[Floats, Floats]:
    """A disc, a card or something on a stick, plain or with a texture."""
    mask = _blank()
    cx, cy, wide, high = rng.uniform(25, 125), rng.uniform(30, 140), rng.uniform(14, 38), rng.uniform(14, 38)
    turn, kind = rng.uniform(0, 180), int(rng.integers(3))
    if kind == 0:
        cv2.ellipse(mask, (int(cx), int(cy)), (int(wide), int(high)), turn, 0, 360, 1.0, -1)
    elif kind == 1:
        cv2.fillPoly(mask, [cv2.boxPoints(((cx, cy), (2 * wide, 2 * high), turn)).astype(np.int32)], 1.0)
    else:
        cv2.ellipse(mask, (int(cx), int(cy)), (int(wide * 0.8), int(high * 0.8)), 0, 0, 360, 1.0, -1)
        cv2.line(mask, (int(cx), int(cy)), (int(cx + rng.uniform(-30, 30)), 190), 1.0, int(wide * 0.6) + 1)
    if rng.random() < 0.5:
        return mask, rng.uniform(10, 240, 3) * _shaded(rng, 0.15)
    moved = np.roll(texture, (int(rng.integers(SIDE)), int(rng.integers(SIDE))), (0, 1))
    return mask, moved * rng.uniform(0.5, 1.2)


COVERS: dict[str, Callable[[Pixels, Random, Pixels], tuple[Floats, Floats]]] = {
    "sunglasses": sunglasses,
    "face mask": face_mask,
    "hand": hand,
    "thing": thing,
}
