"""A face as the forensic signals see it: at the photo's own resolution, never resized, with what lies around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent.types import Box
from faceagent_tools.parsing import oval

Floats = npt.NDArray[np.float64]
Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

REACH = 1.5
"""Size of the cut-out in units of the face's outline: room for hair, neck and background to compare with."""
LARGEST = 300_000
"""Pixels of a cut-out. Of larger faces a stripe about the eyes and the nose is taken, which keeps measuring quick."""
_GAP = 0.06
"""Of the face's width, on both sides of its outline: neither face nor surroundings, as the outline errs a little."""


@dataclass(frozen=True)
class Unmeasured:
    """Why a signal says nothing: "abstained" where it could be wrong, "not_applicable" where it makes no sense here.

    reason: a clause that stands after "because".
    """

    status: Literal["abstained", "not_applicable"]
    reason: str


@dataclass(frozen=True, eq=False)
class FaceView:
    """The cut-out.

    pixels: uint8 RGB [h, w, 3]. points: [78, 2] as `multitask.Reading.points`, in pixels of the cut-out.
    outline: [n, 2] of the face with its forehead. box: where the cut-out lies in the photo (whole pixels).
    """

    pixels: Pixels
    points: Floats
    outline: Floats
    box: Box

    @cached_property
    def width(self) -> float:
        """Of the face, between the ends of the jaw line, in pixels."""
        return float(np.hypot(*(self.points[16] - self.points[0])))

    @cached_property
    def ycc(self) -> tuple[Plane, Plane, Plane]:
        """Luma, Cr and Cb [h, w], 0-255 (ITU-R BT.601)."""
        luma, red, blue = cv2.split(cv2.cvtColor(self.pixels, cv2.COLOR_RGB2YCrCb))
        return luma.astype(np.float32), red.astype(np.float32), blue.astype(np.float32)

    @property
    def luma(self) -> Plane:
        """[h, w], 0-255."""
        return self.ycc[0]

    @cached_property
    def face(self) -> Mask:
        """[h, w]: inside the outline, and not close to it."""
        return self._deeper_than(filled(self.outline, self.pixels.shape))

    @cached_property
    def around(self) -> Mask:
        """[h, w]: outside of the outline, and not close to it."""
        return self._deeper_than(1 - filled(self.outline, self.pixels.shape))

    def _deeper_than(self, inside: npt.NDArray[np.uint8]) -> Mask:
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_3)
        return np.asarray(depth > _GAP * self.width, dtype=np.bool_)


def filled(outline: Floats, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """1 inside an outline [n, 2], else 0."""
    canvas = np.zeros(shape[:2], np.uint8)
    # fillPoly counts in pixel centres, and takes sixteenths here.
    cv2.fillPoly(canvas, [np.rint((outline - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return canvas


def cut(pixels: Pixels, points: Floats) -> FaceView:
    """The cut-out around a face.

    Args:
        pixels: uint8 RGB [H, W, 3], the photo. points: [78, 2] in its pixels, as `multitask.Reading.points`.
    """
    outline = oval(points)
    (left, top), (right, bottom) = outline.min(axis=0).tolist(), outline.max(axis=0).tolist()
    height, width = pixels.shape[:2]
    wanted = Box(x0=left, y0=top, x1=right, y1=bottom).scaled_about_centre(REACH).clipped(width, height)
    x0, y0 = min(int(wanted.x0), width - 1), min(int(wanted.y0), height - 1)
    x1, y1 = max(round(wanted.x1), x0 + 1), max(round(wanted.y1), y0 + 1)
    y0, y1 = _stripe(points, y0, y1, LARGEST // (x1 - x0))
    shift = np.array([x0, y0], dtype=np.float64)
    return FaceView(pixels[y0:y1, x0:x1], points - shift, outline - shift, Box(x0=x0, y0=y0, x1=x1, y1=y1))


def _stripe(points: Floats, top: int, bottom: int, rows: int) -> tuple[int, int]:
    """The part of the rows from top to bottom that is looked at: no more than `rows`."""
    if bottom - top <= rows:
        return top, bottom
    eyes, nose = points[36:48, 1].mean(), points[27:36, 1].mean()
    start = min(max(int((eyes + nose - rows) / 2), top), bottom - rows)
    return start, start + rows
