"""Which way a head is turned, from five landmarks and a generic head (solvePnP).

`compare_faces` tells turned faces by it: its error rates were measured with it, and it needs no network. The product's
measure of the head is that of `estimate_pose`, which is the better of the two (calibration/pose.json holds both).

dlib's five points are always there; where the detector has points of its own (nose tip and mouth, as YuNet's), a second
head is fitted to them, which follows turned heads further. A small linear map from these rotations to the angles is
fitted against a face mesh by `python -m faceagent_finetune.nets.calibrate_five_points`, once for faces with dlib's
points only and once for faces with both.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent.types import Face, Pose
from faceagent_tools import align

Points = npt.NDArray[np.float64]

# Two generic heads in units of the distance between the eyes: x towards the right edge of the image, y down, z away
# from the camera. Proportions of an average adult head, rounded: the calibration takes up what they miss.
HEAD: Points = np.array(
    [
        [0.72, 0.0, 0.19],
        [0.26, 0.02, 0.10],
        [-0.72, 0.0, 0.19],
        [-0.26, 0.02, 0.10],
        [0.0, 0.74, -0.19],
    ]
)
"""In the order of `align.points5`."""
MOUTH_HEAD: Points = np.array(
    [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.62, -0.42], [-0.42, 1.1, -0.05], [0.42, 1.1, -0.05]]
)
"""In the order of `Face.landmarks` with nose tip and mouth."""

Raw = tuple[float, ...]
"""Yaw, pitch, roll in degrees before correction; then yaw and pitch from the detector's own points, if it has them."""
Source = Literal["dlib", "dlib+yunet"]


@cache
def weights(source: Source = "dlib") -> Points:
    """[2, k]: yaw, pitch = weights @ (1, raw yaw, raw pitch, and those of the detector's own points, if any)."""
    text = files("faceagent_tools").joinpath("calibration", "five_points.json").read_text(encoding="utf-8")
    return np.array(json.loads(text)[source]["weights"])


def source_of(face: Face) -> Source:
    """Which points a face's pose is read from."""
    return "dlib+yunet" if face.landmark_scheme == "eyes-nosetip-mouth" else "dlib"


def raw_angles(points: Points) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of the generic head that fits five points, before correction.

    Args:
        points: [5, 2] pixels, in the order of `align.points5`.
    """
    lean = points[:2].mean(axis=0) - points[2:4].mean(axis=0)
    roll = math.degrees(math.atan2(lean[1], lean[0]))
    return (*_fitted(points, HEAD, roll), roll)


def raw_of(photo: Photo, face: Face) -> Raw:
    """The angles before correction, from all points that a face has.

    Raises:
        WeightsError: the landmark model is missing or damaged.
    """
    raw = raw_angles(align.points5(photo, face))
    if source_of(face) == "dlib":
        return raw
    points = np.array(face.landmarks)
    # The line between the eyes and that of the mouth: on a turned head the mouth is the steadier of the two.
    lean = points[1] - points[0] + points[4] - points[3]
    return (*raw, *_fitted(points, MOUTH_HEAD, math.degrees(math.atan2(lean[1], lean[0]))))


def _fitted(points: Points, head: Points, roll: float) -> tuple[float, float]:
    """Yaw and pitch of a head model that fits five points once they are turned back by their roll."""
    centred, model = points - points.mean(axis=0), head - head.mean(axis=0)
    upright = _turned(centred / max(float(np.linalg.norm(centred)), 1e-6), -roll)
    # A long lens far away: five points cannot carry perspective, and the fit stays stable without it.
    focal = 20.0
    camera = np.array([[focal, 0, 0], [0, focal, 0], [0, 0, 1]])
    far = np.array([[0.0], [0.0], [focal * float(np.linalg.norm(model[:, :2]))]])
    _, rotation, _ = cv2.solvePnP(
        model, upright, camera, None, np.zeros((3, 1)), far, useExtrinsicGuess=True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    forward = np.asarray(cv2.Rodrigues(rotation)[0], dtype=np.float64) @ np.array([0.0, 0.0, -1.0])
    yaw = math.degrees(math.atan2(-forward[0], -forward[2]))
    return yaw, math.degrees(math.asin(float(np.clip(-forward[1], -1, 1))))


def _turned(points: Points, degrees: float) -> Points:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]))


def corrected(raw: Raw, linear: Points) -> Pose:
    """The pose after the linear correction `weights`; roll is that of the line between the eyes."""
    yaw, pitch = linear @ np.array([1.0, raw[0], raw[1], *raw[3:]])
    return Pose(yaw=float(yaw), pitch=float(pitch), roll=(raw[2] + 180.0) % 360.0 - 180.0)


def pose_of(photo: Photo, face: Face) -> Pose:
    """The pose of one face.

    Raises:
        WeightsError: the landmark model is missing or damaged.
    """
    return corrected(raw_of(photo, face), weights(source_of(face)))
