"""Detections before they have an id, and the scaled and rotated copies of a photo in which they are searched."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.geometry import Affine, Point
from faceagent.media import Pixels
from faceagent.types import Box
from faceagent_tools.yunet import Found

_OVERLAP = 0.3  # IoU above which two boxes are one face
_INSIDE = 0.7  # share of the smaller box that lies in the larger above which they are one face


@dataclass(frozen=True)
class Raw:
    """A detection before it has an id: square or box in upright pixels, landmarks, roll in degrees."""

    box: Box
    score: float
    landmarks: tuple[Point, ...]
    scheme: Literal["none", "eyes-nosebase", "eyes-nosetip-mouth"]
    roll: float


Search = Callable[[Pixels], list[Raw]]


class Network(Protocol):
    """A detector with five points: YuNet's, our own, or one of uniface."""

    def detect(self, pixels: Pixels) -> Found:
        """Faces in RGB uint8 [H, W, 3], in its pixels."""


def network_pass(network: Network, view: Pixels) -> list[Raw]:
    """What a network finds in one view."""
    found = network.detect(view)
    raws = []
    for box, score, points in zip(found.boxes, found.scores, found.points, strict=True):
        x0, y0, x1, y1 = (float(value) for value in box)
        marks = tuple((float(x), float(y)) for x, y in points)
        box_ = Box(x0=x0, y0=y0, x1=x1, y1=y1)
        raws.append(Raw(box_, float(score), marks, "eyes-nosetip-mouth", lean(marks[0], marks[1])))
    return raws


def searched(pixels: Pixels, side: int, degrees: float, search: Search) -> list[Raw]:
    """What a search finds in a scaled and rotated copy, in pixels of the photo."""
    view, to_view = turned_view(pixels, side, degrees)
    back = to_view.inverse()
    return [mapped(raw, back, -degrees) for raw in search(view)]


def turned_view(pixels: Pixels, side: int, degrees: float) -> tuple[Pixels, Affine]:
    """A photo scaled down to a longest side and rotated on a canvas that holds all of it, and the map to it."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(width, height))
    small_width, small_height = max(round(width * scale), 1), max(round(height * scale), 1)
    view: npt.NDArray[Any] = pixels
    if (small_width, small_height) != (width, height):
        view = cv2.resize(pixels, (small_width, small_height), interpolation=cv2.INTER_AREA)
    to_view = Affine.scaling(small_width / width, small_height / height)
    if degrees:
        cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
        canvas = (round(small_width * cos + small_height * sin), round(small_width * sin + small_height * cos))
        turn = (
            Affine.translation(-small_width / 2, -small_height / 2)
            .then(Affine.rotation(degrees))
            .then(Affine.translation(canvas[0] / 2, canvas[1] / 2))
        )
        matrix = Affine.translation(0.5, 0.5).then(turn).then(Affine.translation(-0.5, -0.5))
        view = cv2.warpAffine(view, np.array(matrix.rows()), canvas)
        to_view = to_view.then(turn)
    return np.asarray(view, dtype=np.uint8), to_view


def mapped(raw: Raw, back: Affine, degrees: float) -> Raw:
    """A detection in a view, in upright pixels: the box keeps its size and does not grow with the rotation."""
    scale = math.sqrt(abs(back.a * back.e - back.b * back.d))
    x, y = back.point(raw.box.centre)
    half_width, half_height = raw.box.width * scale / 2, raw.box.height * scale / 2
    box = Box(x0=x - half_width, y0=y - half_height, x1=x + half_width, y1=y + half_height)
    roll = (raw.roll + degrees + 180.0) % 360.0 - 180.0
    return Raw(box, raw.score, back.points(raw.landmarks), raw.scheme, roll)


def best(found: Sequence[Raw]) -> float:
    """The highest score; minus infinity for none."""
    return max((raw.score for raw in found), default=-math.inf)


def in_all(found: Sequence[Raw]) -> float:
    """How much a view shows: by the sum, a sharp face in one view does not outweigh a whole group in another."""
    return sum(raw.score for raw in one_per_face(found))


def lean(first_eye: Point, second_eye: Point) -> float:
    """Roll in degrees from the two eyes; positive when the head leans clockwise as seen."""
    return math.degrees(math.atan2(second_eye[1] - first_eye[1], second_eye[0] - first_eye[0]))


def one_per_face(found: Sequence[Raw]) -> list[Raw]:
    """The strongest of detections that overlap or lie inside one another."""
    kept: list[Raw] = []
    for raw in sorted(found, key=lambda item: item.score, reverse=True):
        if not any(_same(raw.box, other.box) for other in kept):
            kept.append(raw)
    return kept


def _same(left: Box, right: Box) -> bool:
    shared = left.intersection(right)
    if not shared:
        return False
    areas = left.area, right.area
    return shared / (sum(areas) - shared) > _OVERLAP or shared / min(areas) > _INSIDE
