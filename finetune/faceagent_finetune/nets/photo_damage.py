"""Known damage to good photos: what quality measures are calibrated with."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from faceagent.media import Pixels

Random = np.random.Generator
Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Damage:
    """One kind at one strength.

    kind: "none", "blur" (sigma as a share of the eye distance), "size" (eye distance in pixels after scaling down),
    "jpeg" (quality), "dark" and "bright" (factor on stored values, clipped), "contrast" (factor about the mean) or
    "noise" (sigma in levels).
    """

    kind: str
    strength: float


def damaged(pixels: Pixels, damage: Damage, eye_distance: float, rng: Random) -> tuple[Pixels, float]:
    """The damaged copy and the factor by which its sides shrank (1 unless the kind is "size")."""
    if damage.kind == "size":
        factor = min(1.0, damage.strength / eye_distance)
        return scaled(pixels, factor), factor
    # Whole numbers would wrap around in uint8.
    values = pixels.astype(np.float64)
    change: dict[str, Callable[[], Pixels]] = {
        "none": lambda: pixels,
        "blur": lambda: blurred(pixels, damage.strength * eye_distance),
        "jpeg": lambda: jpeg(pixels, round(damage.strength)),
        "dark": lambda: levels(values * damage.strength),
        "bright": lambda: levels(values * damage.strength),
        "contrast": lambda: levels(values.mean() + (values - values.mean()) * damage.strength),
        "noise": lambda: levels(values + rng.normal(0, damage.strength, pixels.shape)),
    }
    return change[damage.kind](), 1.0


def levels(values: Floats) -> Pixels:
    """Rounded and clipped to uint8."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.uint8)


def scaled(pixels: Pixels, factor: float) -> Pixels:
    """Area-averaged to `factor` of the sides."""
    height, width = pixels.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Through a JPEG file of that quality (Pillow, IJG scale) and back."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def everyday(chip: Pixels, rng: Random) -> Pixels:
    """Mild damage of a chance kind, as photos have it: soft, small, dim or compressed, or none."""
    choice = rng.random()
    if choice < 0.25:
        chip = blurred(chip, rng.uniform(0.8, 3.0))
    elif choice < 0.4:
        side = chip.shape[1], chip.shape[0]
        chip = np.asarray(cv2.resize(scaled(chip, rng.uniform(0.3, 0.8)), side), dtype=np.uint8)
    elif choice < 0.55:
        chip = levels(chip * rng.uniform(0.3, 1.3))
    return jpeg(chip, int(rng.integers(20, 80))) if rng.random() < 0.4 else chip
