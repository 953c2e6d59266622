"""Where a forgery lies: hulls of landmarks as soft masks.

Pixels are uint8 RGB [H, W, 3], masks float32 [H, W] of 0-1, points [68, 2] in pixels, in the order of 300-W.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels

Mask = npt.NDArray[np.float32]
Points = npt.NDArray[np.float32]
Rng = np.random.Generator

_JAW, _BROWS, _NOSE = slice(0, 17), slice(17, 27), slice(27, 36)
_EYES = (slice(36, 42), slice(42, 48))
_MOUTH = slice(48, 68)

_T = TypeVar("_T")


@dataclass(frozen=True)
class Face:
    """An authentic photo with its face."""

    pixels: Pixels
    points: Points

    @property
    def width(self) -> float:
        """Of the jaw, in pixels."""
        return float(np.hypot(*(self.points[16] - self.points[0])))

    def scaled(self, share: float, way: int) -> Face:
        """Smaller or larger. way: OpenCV's interpolation."""
        size = (round(self.pixels.shape[1] * share), round(self.pixels.shape[0] * share))
        return Face(np.asarray(cv2.resize(self.pixels, size, interpolation=way), np.uint8), self.points * share)


def one(options: Sequence[_T], rng: Rng) -> _T:
    """One of them at random."""
    return options[int(rng.integers(len(options)))]


def _raised(points: Points, share: float) -> Points:
    """The brows' points, moved up the forehead by a share of the distance from brows to chin."""
    up = points[_BROWS].mean(axis=0) - points[8]
    return np.asarray(points[_BROWS] + share * up, np.float32)


def _whole(points: Points, rng: Rng) -> Points:
    return np.concatenate([points[_JAW], _raised(points, rng.uniform(0.0, 0.35))])


def _inner(points: Points, rng: Rng) -> Points:
    return np.concatenate([_raised(points, rng.uniform(0.0, 0.1)), points[_NOSE], points[_MOUTH], points[[36, 45]]])


def _cheek_to_cheek(points: Points, rng: Rng) -> Points:
    return np.concatenate([points[1:16], points[[17, 21, 22, 26]]])


def _lower(points: Points, rng: Rng) -> Points:
    return np.concatenate([points[3:14], points[[31, 33, 35]]])


def _upper(points: Points, rng: Rng) -> Points:
    return np.concatenate([points[[0, 1, 15, 16]], _raised(points, rng.uniform(0.05, 0.3)), points[30:36]])


def _eye(points: Points, rng: Rng) -> Points:
    return points[one(_EYES, rng)]


def _both_eyes(points: Points, rng: Rng) -> Points:
    return points[36:48]


def _brow(points: Points, rng: Rng) -> Points:
    start = 17 + 5 * int(rng.integers(2))
    return points[start : start + 5]


def _nose(points: Points, rng: Rng) -> Points:
    return points[_NOSE]


def _mouth(points: Points, rng: Rng) -> Points:
    return points[_MOUTH]


def _chin(points: Points, rng: Rng) -> Points:
    return np.concatenate([points[5:12], points[[55, 57, 59]]])


def _patch(points: Points, rng: Rng) -> Points:
    """A patch of skin somewhere on the face."""
    corners = points[rng.choice(68, 3, replace=False)]
    centre = rng.dirichlet(np.ones(3)) @ corners
    reach = rng.uniform(0.07, 0.18) * np.ptp(points[_JAW], axis=0)
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return np.asarray(centre + reach * np.column_stack([np.cos(turns), np.sin(turns)]), np.float32)


Area = Callable[[Points, Rng], Points]
AREAS: Sequence[Area] = (_whole, _whole, _whole, _inner, _inner, _cheek_to_cheek, _lower, _upper)
PARTS: Sequence[Area] = (_eye, _both_eyes, _both_eyes, _brow, _nose, _mouth, _mouth, _chin, _patch)
"""Of the whole face, and of its parts."""


def mask_of(face: Face, outline: Points, rng: Rng, grow: float = 0.0) -> Mask:
    """The hull of some points, grown, deformed and softened at random: 1 inside, 0 far from it.

    Args:
        grow: by so many face widths.
    """
    height, width = face.pixels.shape[:2]
    hard = np.zeros((height, width), np.float32)
    cv2.fillConvexPoly(hard, cv2.convexHull(np.round(outline).astype(np.int32)), 1.0)
    reach = round(abs(grow) * face.width)
    if reach:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        hard = np.asarray((cv2.dilate if grow > 0 else cv2.erode)(hard, kernel), np.float32)
    bent = _bent(hard, face.width * rng.uniform(0.0, 0.05), rng)
    soft = blurred(bent, face.width * rng.choice([0.008, 0.02, 0.04, 0.07]))
    if rng.random() < 0.5:  # softened inwards only, as masks of swapping programs often are
        soft = np.clip(2 * soft - 1, 0, 1)
    return soft if soft.max() < 0.05 else np.asarray(soft / soft.max(), np.float32)


def _bent(mask: Mask, reach: float, rng: Rng) -> Mask:
    """Moved about by a smooth random field of so many pixels."""
    height, width = mask.shape
    field = cv2.resize(rng.normal(0, 1, (5, 5, 2)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    columns, rows = grid(height, width)
    return np.asarray(
        cv2.remap(mask, columns + reach * field[:, :, 0], rows + reach * field[:, :, 1], cv2.INTER_LINEAR), np.float32
    )


def grid(height: int, width: int) -> tuple[Mask, Mask]:
    """Column and row of every pixel."""
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return columns, rows


def blurred(mask: Mask, sigma: float) -> Mask:
    """By a Gauss of so many pixels."""
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(float(sigma), 0.5)), np.float32)
