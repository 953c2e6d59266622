"""Parts of an aligned face: where they are in the recogniser's crop, and how alike two faces are in each.

The parts are those that forensic examiners describe a face by (FISWG, Facial Image Comparison Feature List for
Morphological Analysis, 2018). They are compared by what the recogniser's maps halfway hold there, and not by distances
between points: photo-anthropometry is not fit for it (FISWG, Facial Comparison Overview, 2019).
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent.types import Face
from faceagent_tools import align, parsing, trunk
from faceagent_tools.similarity import Floats
from faceagent_tools.trunk import Views

PARTS = ("outline", "eyes", "nose", "mouth", "skin")
OVERALL = "overall"
REGIONS = (*PARTS, OVERALL)
MAP = "shared"
"""Which of the recogniser's maps the parts are read from."""
_OUTLINE = 0.14  # of the face's width: thickness of the band along its outline
_AROUND = 7  # pixels by which eyes and mouth are widened: what tells them apart lies around them
_LEAST = 0.5  # cells of the map that a part must cover

Mask = npt.NDArray[np.uint8]


def in_crop(photo: Photo, face: Face, points: Floats) -> Floats:
    """Points of the photo [N, 2] in pixels of the recogniser's crop."""
    _, across = align.face_chip_and_map(photo, face, trunk.CHIP_SIZE, trunk.CHIP_PADDING)
    return np.asarray(points @ across[:, :2].T + across[:, 2])


def masks(points: Floats) -> dict[str, Mask]:
    """Where each of `PARTS` is in the crop, 0 or 1, [150, 150] each. points: [78, 2] or [68, 2] in its pixels."""
    outlines = parsing.polygons(points)
    drawn = {name: _filled(outline) for name, outline in outlines.items()}
    face, outline = drawn["face"], np.zeros_like(drawn["face"])
    thick = max(round(_OUTLINE * float(np.hypot(*(points[16] - points[0])))), 1)
    cv2.polylines(outline, [np.rint(outlines["face"]).astype(np.int32)], True, 1, thick)
    around = np.ones((_AROUND, _AROUND), np.uint8)
    parts = [drawn[name] for name in drawn if name.startswith(("eye_", "brow_"))]
    eyes = np.asarray(cv2.dilate(np.maximum.reduce(parts), around), np.uint8)
    mouth = np.asarray(cv2.dilate(drawn["lips"], around), np.uint8)
    skin = np.where(eyes | mouth | drawn["nose"], 0, face).astype(np.uint8)
    return {"outline": outline, "eyes": eyes, "nose": drawn["nose"], "mouth": mouth, "skin": skin}


def _filled(outline: Floats) -> Mask:
    canvas = np.zeros((trunk.CHIP_SIZE, trunk.CHIP_SIZE), np.uint8)
    cv2.fillPoly(canvas, [np.rint(outline * 16).astype(np.int32)], 1, shift=4)
    return canvas


def described(views: Views, points: Floats) -> dict[str, Floats | None]:
    """What the recogniser sees of each part: the mean of its map there; None where too little of it is in the crop.

    Args:
        views: of the crop and its mirror image (`Trunk.both_ways`). points: as in `masks`.
    """
    straight, mirrored = views[MAP].astype(np.float64)
    seen = (straight + mirrored[:, :, ::-1]) / 2
    found: dict[str, Floats | None] = {}
    for name, mask in masks(points).items():
        share = cv2.resize(mask.astype(np.float32), seen.shape[:0:-1], interpolation=cv2.INTER_AREA)
        total = float(share.sum())
        found[name] = np.asarray((seen * share).sum(axis=(1, 2)) / total) if total >= _LEAST else None
    return found


def alike(left: Floats, right: Floats, usual: Mapping[str, Floats]) -> float:
    """How alike a part of two faces is: cosine of what differs from the usual face, -1 to 1.

    Args:
        usual: "mean" and "spread" of the part over many people, as the calibration has them.
    """
    a, b = ((vector - usual["mean"]) / usual["spread"] for vector in (left, right))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
