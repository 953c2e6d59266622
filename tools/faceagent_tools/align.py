"""The one alignment of the product: dlib's 5-point model on the box of whichever detector found the face.

Networks are trained on these crops and used on these crops (docs/decisions/0003). The model (CC0) gives the outer and
inner corners of both eyes and the base of the nose. It copes with about 30 degrees of roll; a face that leans more is
turned upright first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.geometry import Affine, Point
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.types import Face
from faceagent_tools import weights

POINTS = "shape_predictor_5_face_landmarks"

# YuNet's box reaches from the forehead to the chin; dlib's is a square from the brows to the chin. Medians over the 312
# faces that both detectors find in 200 LFW and 105 VIPBench photos: `python -m faceagent_finetune.nets.fit_boxes`.
_YUNET_SIDE = 0.951  # of the square root of the box's area
_YUNET_DROP = 0.048  # of the box's height, downwards

_REACH = 2.4  # side of the cut-out in units of dlib's square: room for the aligned crop's padding when turned
_TURN_FROM = 20.0  # degrees of roll
_LARGEST = 256.0  # a square larger than this is scaled down first: the model gains nothing from more pixels
_SMALLEST = 96.0  # a smaller one is scaled up: the model's points are whole pixels, and one of 48 is two per cent

# Where dlib's alignment puts the five points, in shares of the tight face (dlib, image_transforms/interpolation.h).
_TEMPLATE = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)


@dataclass(frozen=True)
class Patch:
    """A cut-out around one upright face.

    pixels: uint8 RGB. to_photo: from its pixels to those of the upright photo. square: dlib's box in it (left, top,
    right, bottom).
    """

    pixels: Pixels
    to_photo: Affine
    square: tuple[int, int, int, int]


def square_of(face: Face) -> tuple[Point, float]:
    """Centre and side of dlib's square for a face, in upright pixels."""
    (x, y), box = face.box.centre, face.box
    if face.landmark_scheme != "eyes-nosetip-mouth":
        return (x, y), (box.width + box.height) / 2
    drop, roll = _YUNET_DROP * box.height, math.radians(face.roll)
    # "Down" is down the face, which may lean.
    return (x - drop * math.sin(roll), y + drop * math.cos(roll)), _YUNET_SIDE * math.sqrt(box.area)


def patch(photo: Photo, face: Face) -> Patch:
    """Cut out a face with room around it; parts beyond the frame are black."""
    (x, y), side = square_of(face)
    side = max(side, 1.0)
    scale = min(max(1.0, _SMALLEST / side), _LARGEST / side)
    size = max(round(side * _REACH * scale), 8)
    turn = -face.roll if abs(face.roll) > _TURN_FROM else 0.0
    to_patch = (
        Affine.translation(-x, -y)
        .then(Affine.rotation(turn))
        .then(Affine.scaling(scale))
        .then(Affine.translation(size / 2, size / 2))
    )
    half = round(side * scale / 2)
    middle = size // 2
    square = (middle - half, middle - half, middle + half, middle + half)
    return Patch(_warp(photo.pixels, to_patch, size, scale), to_patch.inverse(), square)


def _warp(pixels: Pixels, to_patch: Affine, size: int, scale: float) -> Pixels:
    source, mapped = pixels, to_patch
    if scale < 0.75:
        # warpAffine does not average over the pixels that it skips; resize first, and only the part that is needed.
        source, mapped = _reduced(pixels, to_patch, size, scale)
    # OpenCV puts pixel centres at whole numbers, we put them at halves.
    matrix = Affine.translation(0.5, 0.5).then(mapped).then(Affine.translation(-0.5, -0.5))
    warped = cv2.warpAffine(
        source, np.array(matrix.rows()), (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(warped, dtype=np.uint8)


def _reduced(pixels: Pixels, to_patch: Affine, size: int, shrink: float) -> tuple[Pixels, Affine]:
    """The part of a photo that a patch needs, scaled down, and the map from it to the patch."""
    corners = to_patch.inverse().points(((0, 0), (size, 0), (0, size), (size, size)))
    height, width = pixels.shape[:2]
    x0 = min(max(math.floor(min(x for x, _ in corners)), 0), width - 1)
    y0 = min(max(math.floor(min(y for _, y in corners)), 0), height - 1)
    x1 = max(min(math.ceil(max(x for x, _ in corners)), width), x0 + 1)
    y1 = max(min(math.ceil(max(y for _, y in corners)), height), y0 + 1)
    small_width, small_height = max(round((x1 - x0) * shrink), 1), max(round((y1 - y0) * shrink), 1)
    small = cv2.resize(pixels[y0:y1, x0:x1], (small_width, small_height), interpolation=cv2.INTER_AREA)
    back = Affine.scaling((x1 - x0) / small_width, (y1 - y0) / small_height).then(Affine.translation(x0, y0))
    return np.asarray(small, dtype=np.uint8), back.then(to_patch)


@cache
def _predictor() -> Any:
    import dlib

    return dlib.shape_predictor(str(weights.path(POINTS)))


@dataclass(frozen=True, eq=False)
class Aligned:
    """A face whose points are found, for those who want several things of it.

    points: as `points5`.
    """

    points: npt.NDArray[np.float64]
    _cut: Patch
    _shape: Any

    def chip(self, size: int = 150, padding: float = 0.25) -> Pixels:
        """As `face_chip`."""
        import dlib

        return np.asarray(dlib.get_face_chip(self._cut.pixels, self._shape, size=size, padding=padding), dtype=np.uint8)

    def to_chip(self, size: int, padding: float) -> npt.NDArray[np.float64]:
        """The similarity [2, 3] from upright pixels of the photo to pixels of `chip`."""
        return _to_chip(self.points, size, padding)


def aligned(photo: Photo, face: Face) -> Aligned:
    """Find the points of a face.

    Raises:
        WeightsError: the model file is missing or damaged.
    """
    import dlib

    cut = patch(photo, face)
    shape = _predictor()(cut.pixels, dlib.rectangle(*cut.square))
    # dlib's points name pixels, whose centres are half a pixel further on.
    found = [(shape.part(number).x + 0.5, shape.part(number).y + 0.5) for number in range(5)]
    return Aligned(np.array(cut.to_photo.points(found)), cut, shape)


def of(session: Session, face: Face) -> Aligned:
    """The same, once per face of a session.

    Raises:
        WeightsError: the model file is missing or damaged.
    """
    return session.memo(("aligned", face.id, face.box), lambda: aligned(session.photo(face.image), face))


def points5(photo: Photo, face: Face) -> npt.NDArray[np.float64]:
    """The five points in upright pixels, [5, 2].

    Order: outer and inner corner of the eye nearer the right edge of an upright image (the subject's left eye), outer
    and inner corner of the other eye, base of the nose.

    Raises:
        WeightsError: the model file is missing or damaged.
    """
    return aligned(photo, face).points


def face_chip(photo: Photo, face: Face, size: int = 150, padding: float = 0.25) -> Pixels:
    """The aligned crop: uint8 RGB [size, size, 3], eyes level, parts beyond the frame black.

    Args:
        padding: margin around the tight face crop as a share of its side (dlib's `get_face_chip`).

    Raises:
        WeightsError: the model file is missing or damaged.
    """
    return aligned(photo, face).chip(size, padding)


def face_chip_and_map(photo: Photo, face: Face, size: int, padding: float) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """The aligned crop, and the similarity [2, 3] from upright pixels of the photo to pixels of the crop.

    Raises:
        WeightsError: the model file is missing or damaged.
    """
    found = aligned(photo, face)
    return found.chip(size, padding), found.to_chip(size, padding)


def _to_chip(found: npt.NDArray[np.float64], size: int, padding: float) -> npt.NDArray[np.float64]:
    """The similarity that dlib's get_face_chip uses: least squares from the crop to the photo, then inverted."""
    wanted = (padding + _TEMPLATE) / (2 * padding + 1) * size
    middle, target = found.mean(axis=0), wanted.mean(axis=0)
    here, there = found - middle, wanted - target
    spread = float((there**2).sum())
    a, b = float((there * here).sum()) / spread, float((there[:, 0] @ here[:, 1]) - (there[:, 1] @ here[:, 0])) / spread
    turn = np.linalg.inv(np.array([[a, -b], [b, a]]))
    return np.column_stack([turn, target - turn @ middle])
