"""What the quality of a face in a photo is measured with: pure functions of pixels and points.

Those that take a chip expect the product's one alignment: uint8 RGB [150, 150, 3] with padding 0.25
(`align.face_chip`), in which the eye centres lie at about (48, 47) and (100, 47). Luminance is
that of ITU-R BT.601, 0-255.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent.types import Box

Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

CHIP_SIZE = 150
CHIP_PADDING = 0.25
CHIP_EYE_DISTANCE = 52.0
"""Pixels between the eye centres in a chip."""

DARK = 25.0
BRIGHT = 247.0
"""Luminance up to which a pixel counts as under-exposed, and from which as over-exposed (ISO/IEC 29794-5:2025)."""

BLOCK = 8
_LARGEST_STEP = 24.0
"""Steps between neighbours count up to this: larger ones are edges of things and not of blocks."""

_BINOMIAL = np.array([0.25, 0.5, 0.25])

LUMA_CELLS = 25
CHROMA_CELLS = 10


def luminance(pixels: Pixels) -> Floats:
    """Float32 [H, W], 0-255, of RGB [H, W, 3]."""
    return pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


@cache
def face_mask() -> Mask:
    """Bool [150, 150]: the ellipse that a face fills in a chip, from the hair line to the chin."""
    y, x = np.mgrid[0:CHIP_SIZE, 0:CHIP_SIZE] + 0.5
    return np.asarray(((x - 74) / 44) ** 2 + ((y - 78) / 62) ** 2 <= 1)


def sharpness(chip_luminance: Floats) -> float:
    """Fine structure in relation to coarse: RMS Laplacian over standard deviation inside the face, 0 and up.

    Brightness and contrast cancel out. The luminance is smoothed first (binomial, sigma 1.4 px) so that noise and
    compression do not pass for detail. A Gaussian blur lowers the value strictly in the continuous limit: it takes
    more from high frequencies than from low ones.
    """
    smooth = _smoothed(chip_luminance.astype(np.float64), rounds=4)
    laplacian = cv2.Laplacian(smooth, -1, borderType=cv2.BORDER_REPLICATE)
    inside = face_mask()
    spread = float(smooth[inside].std())
    return float(np.sqrt((laplacian[inside] ** 2).mean())) / spread if spread > 1e-3 else 0.0


def _smoothed(values: npt.NDArray[np.float64], rounds: int) -> npt.NDArray[np.float64]:
    """Binomial smoothing with [1, 2, 1] / 4 along both axes, so many times (variance 0.5 px² each)."""
    for _ in range(rounds):
        values = np.asarray(cv2.sepFilter2D(values, -1, _BINOMIAL, _BINOMIAL, borderType=cv2.BORDER_REPLICATE))
    return values


def fine_detail(large_luminance: Floats) -> float:
    """How much of the finest structure there is beside the coarser: ln of the ratio of two band energies.

    Args:
        large_luminance: of a chip of twice the size, [300, 300], with eyes 104 px apart; of a face that has at least
            about as many pixels. Enlarging, smoothing and missed focus lower the value; noise raises it.
    """
    steps = [large_luminance[60:240, 80:220].astype(np.float64)]
    for rounds in (1, 1, 2):
        steps.append(_smoothed(steps[-1], rounds))
    inner = np.s_[10:-10, 10:-10]
    finest, coarser = ((steps[at] - steps[at + 1])[inner] for at in (0, 2))
    return float(np.log((finest**2).mean() + 1e-3) - np.log((coarser**2).mean() + 1e-3))


@dataclass(frozen=True)
class Light:
    """Luminance inside the face: mean and contrast (95th less 5th percentile) in 0-255, shares in 0-1."""

    mean: float
    contrast: float
    dark_share: float
    bright_share: float


def light(chip_luminance: Floats) -> Light:
    """Exposure and contrast of the face in a chip."""
    inside = chip_luminance[face_mask()]
    low, high = np.percentile(inside, (5, 95))
    return Light(
        mean=float(inside.mean()),
        contrast=float(high - low),
        dark_share=float((inside <= DARK).mean()),
        bright_share=float((inside >= BRIGHT).mean()),
    )


def noise(crop_luminance: Floats) -> float:
    """Standard deviation of the noise, in luminance levels, of a crop (`face_crop`).

    Immerkær's mask (Fast Noise Variance Estimation, 1996, doi:10.1006/cviu.1996.0060) cancels planes and slopes. The
    median instead of the mean keeps hair and lashes from passing for noise. Crops under 5 px give 0.
    """
    if min(crop_luminance.shape) < 5:
        return 0.0
    y = crop_luminance.astype(np.float64)
    rows = y[:-2] - 2 * y[1:-1] + y[2:]
    answer = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    # The mask's own gain is 6; 0.6745 is the median of |N(0, 1)|.
    return float(np.median(np.abs(answer)) / (6 * 0.6745))


def centre(pixels: Pixels, side: int = 1024) -> Pixels:
    """The middle side x side px, or all of a smaller photo: enough to see a grid of blocks."""
    height, width = pixels.shape[:2]
    y, x = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return pixels[y : y + side, x : x + side]


def face_crop(pixels: Pixels, box: Box, eye_distance: float) -> Pixels:
    """The pixels under a face box, up to the middle 256 x 256 px, not resampled unless the face is larger than a chip.

    A larger one is averaged down to the chip's eye distance, so that noise counts as it will in a chip. Not empty.
    """
    height, width = pixels.shape[:2]
    x, y = box.centre
    half_width, half_height = min(box.width / 2, 128.0), min(box.height / 2, 128.0)
    x0, y0 = (int(min(max(low, 0), top - 1)) for low, top in ((x - half_width, width), (y - half_height, height)))
    crop = pixels[y0 : max(int(y + half_height), y0 + 1), x0 : max(int(x + half_width), x0 + 1)]
    if eye_distance <= CHIP_EYE_DISTANCE:
        return crop
    factor = CHIP_EYE_DISTANCE / eye_distance
    size = max(1, round(crop.shape[1] * factor)), max(1, round(crop.shape[0] * factor))
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def eye_distance(points5: Points) -> float:
    """Pixels between the eye centres. points5: [5, 2] as `align.points5` gives them."""
    first, second = _eyes(points5)
    return float(np.hypot(*(second - first)))


def _eyes(points5: Points) -> tuple[Points, Points]:
    """The eye centres, that nearer the left edge of an upright image first."""
    if points5.shape != (5, 2):
        raise ValueError(f"five points [5, 2] are needed, got shape {points5.shape}")
    return (points5[2] + points5[3]) / 2, (points5[0] + points5[1]) / 2


def blockiness(image_luminance: Floats) -> float:
    """How much steps between pixels grow at every eighth one: the trace of JPEG's blocks, 0 (none) and up.

    Works on any lossless copy and on crops, since all 8 positions of the grid are tried along each axis; resizing
    wipes the trace out. Images under 32 px on a side give 0.
    """
    if min(image_luminance.shape) < 4 * BLOCK:
        return 0.0
    y = image_luminance.astype(np.float32, copy=False)
    across, down = cv2.absdiff(y[:, 1:], y[:, :-1]), cv2.absdiff(y[1:], y[:-1])
    return (_steps_on_grid(across, 0) + _steps_on_grid(down, 1)) / 2


def _steps_on_grid(steps: npt.NDArray[Any], along: int) -> float:
    """Of the steps between neighbours in the direction of one axis; along: the other."""
    across = cv2.reduce(np.minimum(steps, _LARGEST_STEP), along, cv2.REDUCE_AVG).ravel()
    excess = across[1:-1] - (across[:-2] + across[2:]) / 2
    whole = len(excess) // BLOCK * BLOCK
    by_place = excess[:whole].reshape(-1, BLOCK).mean(axis=0)
    place = int(by_place.argmax())
    # Half a level: in flat pictures, rounding alone makes steps.
    return float((by_place[place] - np.median(np.delete(by_place, place))) / (across.mean() + 0.5))


def occlusion_features(chip: Pixels) -> Floats:
    """What the occlusion cue looks at: float32 [825], luminance in 25 x 25 cells and two colours in 10 x 10.

    All are relative to the median of the face itself, so that skin tone and exposure cancel out.
    """
    fine = _cells(luminance(chip), LUMA_CELLS)
    inside = fine[_cells(face_mask().astype(np.float32), LUMA_CELLS) > 0.5]
    middle = float(np.median(inside))
    spread = max(float(np.abs(inside - middle).mean()), 2.0)
    parts = [(fine - middle) / spread]
    coarse = _cells(chip.astype(np.float32), CHROMA_CELLS)
    grey = coarse @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    for channel in (2, 0):
        tint = (coarse[..., channel] - grey) / max(middle, 10.0)
        parts.append(4 * (tint - np.median(tint[1:9, 3:7])))
    return np.concatenate([part.ravel() for part in parts]).clip(-6, 6).astype(np.float32)


def _cells(values: Floats, count: int) -> Floats:
    """Means over a grid of count x count equal cells of [150, 150] or [150, 150, channels]."""
    return np.asarray(cv2.resize(values, (count, count), interpolation=cv2.INTER_AREA), dtype=np.float32)
