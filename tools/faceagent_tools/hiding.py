"""How a face is hidden: the region that is covered, and what is left of it. Pure functions of pixels and boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.geometry import Point
from faceagent.media import Pixels
from faceagent.types import Box, Face
from faceagent_tools import align

Floats = npt.NDArray[np.float64]
HidingMethod = Literal["pixelate", "blur", "mask"]

# In units of the side of dlib's square, which reaches from the brows to the chin. On HELEN this covers all 68 landmarks
# of 200 of 200 faces that YuNet finds, and of 189 of 192 that dlib finds
# (`python -m faceagent_finetune.nets.check_hiding --data DIR`).
HALF_WIDTH = 0.80
HALF_HEIGHT = 1.05
RISE = 0.22
"""The centre of the head lies above that of the square."""
MASK_COLOUR = (128, 128, 128)


@dataclass(frozen=True)
class Region:
    """An ellipse, turned clockwise by `roll` degrees, in upright pixels; may reach beyond the frame."""

    centre: Point
    half_width: float
    half_height: float
    roll: float

    @property
    def box(self) -> Box:
        """The smallest box around it."""
        cos, sin = math.cos(math.radians(self.roll)), math.sin(math.radians(self.roll))
        dx = math.hypot(self.half_width * cos, self.half_height * sin)
        dy = math.hypot(self.half_width * sin, self.half_height * cos)
        x, y = self.centre
        return Box(x0=x - dx, y0=y - dy, x1=x + dx, y1=y + dy)

    def holds(self, x: Floats, y: Floats) -> npt.NDArray[np.bool_]:
        """Which of the points at x and y (arrays of one shape) lie inside."""
        dx, dy = x - self.centre[0], y - self.centre[1]
        cos, sin = math.cos(math.radians(self.roll)), math.sin(math.radians(self.roll))
        across, along = dx * cos + dy * sin, dy * cos - dx * sin
        return np.asarray((across / self.half_width) ** 2 + (along / self.half_height) ** 2 <= 1)

    def mask(self, x0: int, y0: int, x1: int, y1: int) -> npt.NDArray[np.bool_]:
        """Bool [y1 - y0, x1 - x0]: which pixel centres of that part of the photo lie inside."""
        y, x = np.mgrid[y0:y1, x0:x1] + 0.5
        return self.holds(x, y)


def region_of(face: Face) -> Region:
    """From above the hair line to below the chin, whichever detector found the face."""
    (x, y), side = align.square_of(face)
    side = max(side, 4.0)
    roll = math.radians(face.roll)
    # "Up" is up the face, which may lean.
    centre = (x + RISE * side * math.sin(roll), y - RISE * side * math.cos(roll))
    return Region(centre, HALF_WIDTH * side, HALF_HEIGHT * side, face.roll)


def hide(pixels: Pixels, region: Region, method: HidingMethod, cells: int) -> Pixels:
    """A copy with the region hidden; all other pixels are as they were.

    Args:
        cells: how many mean colours are kept across the region ("pixelate", "blur"); "mask" keeps none.
    """
    copy = pixels.copy()
    height, width = pixels.shape[:2]
    box = region.box.clipped(width, height)
    x0, y0, x1, y1 = math.floor(box.x0), math.floor(box.y0), math.ceil(box.x1), math.ceil(box.y1)
    if x1 <= x0 or y1 <= y0:
        return copy
    inside = region.mask(x0, y0, x1, y1)
    part = copy[y0:y1, x0:x1]
    part[inside] = _hidden(part, method, 2 * region.half_width / cells)[inside]
    return copy


def _hidden(part: Pixels, method: HidingMethod, cell: float) -> Pixels:
    height, width = part.shape[:2]
    if method == "mask":
        return np.broadcast_to(np.array(MASK_COLOUR, dtype=np.uint8), part.shape)
    columns, rows = max(1, round(width / cell)), max(1, round(height / cell))
    means = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    if method == "pixelate":
        return np.asarray(cv2.resize(means, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    # Only the means go into the blur, so that no sharpening can bring more back than the mosaic keeps.
    smooth = cv2.resize(means, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(smooth, (0, 0), max(cell / 3, 0.5)), dtype=np.uint8)
