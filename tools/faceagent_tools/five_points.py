"""estimate_pose: which way a head is turned, from five landmarks and a generic head (solvePnP).

dlib's five points are always there; where the detector has points of its own (nose tip and mouth, as YuNet's), a second
head is fitted to them, which follows turned heads further. A small linear map from these rotations to the angles is
fitted against a face mesh by `python -m faceagent_finetune.nets.calibrate_pose`, once for faces with dlib's points only
and once for faces with both; the same command measures the errors that the intervals state.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Backend, FaceTool, Names, SubjectArguments
from faceagent.types import Claim, Evidence, Face, Interval, Pose
from faceagent_tools import align, weights

FEW_PIXELS = 24.0  # face width below which five points say nothing reliable
STRAIGHT = 10.0  # degrees: about the error of the method, so less is not spoken of
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


@dataclass(frozen=True)
class Calibration:
    """What calibrate_pose.py found for one source of points.

    weights: [2, k]; yaw, pitch = weights @ (1, raw yaw, raw pitch, and those of the detector's points, if any).
    error80: half the 80 % interval in degrees for (yaw, pitch, roll) of faces read as |yaw| below 30, and above.
    reach: |yaw| and |pitch| as read beyond which it abstains.
    """

    weights: Points
    mean_error: tuple[float, float, float]
    error80: tuple[tuple[float, float, float], tuple[float, float, float]]
    reach: tuple[float, float]
    n_fit: int
    n_val: int


@cache
def calibration(source: Source = "dlib") -> Calibration:
    """The table that ships with the tool."""
    text = files("faceagent_tools").joinpath("calibration", "pose.json").read_text(encoding="utf-8")
    table = json.loads(text)[source]
    near, far = (
        tuple(float(value) for value in table["error80_degrees"][key]) for key in ("yaw_below_30", "yaw_above_30")
    )
    return Calibration(
        weights=np.array(table["weights"]),
        mean_error=(table["mae_degrees"]["yaw"], table["mae_degrees"]["pitch"], table["mae_degrees"]["roll"]),
        error80=((near[0], near[1], near[2]), (far[0], far[1], far[2])),
        reach=(float(table["reach_degrees"]["yaw"]), float(table["reach_degrees"]["pitch"])),
        n_fit=table["n_fit"],
        n_val=table["n_val"],
    )


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


def corrected(raw: Raw, table: Calibration) -> Pose:
    """The pose after the linear correction; roll is that of the line between the eyes."""
    yaw, pitch = table.weights @ np.array([1.0, raw[0], raw[1], *raw[3:]])
    return Pose(yaw=float(yaw), pitch=float(pitch), roll=(raw[2] + 180.0) % 360.0 - 180.0)


def pose_of(photo: Photo, face: Face) -> Pose:
    """The pose of one face; the same figure that the tool reports, without its abstentions.

    Raises:
        WeightsError: the landmark model is missing or damaged.
    """
    return corrected(raw_of(photo, face), calibration(source_of(face)))


class EstimatePose(FaceTool[SubjectArguments]):
    """The tool."""

    name = "estimate_pose"
    description = (
        "Measure which way heads are turned: yaw (left, right), pitch (up, down) and roll (leaning), in degrees. "
        "It tells where the head points, not where the eyes look."
    )
    arguments = SubjectArguments
    needs_faces = True

    def run(self, session: Session, arguments: SubjectArguments) -> list[Evidence]:
        return [self._measure(session.photo(face.image), face) for face in session.faces_in(arguments.subjects)]

    def _measure(self, photo: Photo, face: Face) -> Evidence:
        if face.box.width < FEW_PIXELS:
            return self._abstained(face, f"the face is only {face.box.width:.0f} pixels wide")
        pose, table = pose_of(photo, face), calibration(source_of(face))
        if abs(pose.yaw) > table.reach[0] or abs(pose.pitch) > table.reach[1]:
            return self._abstained(face, "the head is turned further than five landmarks can tell")
        error = table.error80[abs(pose.yaw) >= 30.0]
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="pose",
            value={"yaw": round(pose.yaw, 1), "pitch": round(pose.pitch, 1), "roll": round(pose.roll, 1)},
            unit="degrees",
            interval=Interval(low=round(pose.yaw - error[0], 1), high=round(pose.yaw + error[0], 1), level=0.8),
            region=face.box,
            method=METHOD,
            details={
                "points": source_of(face),
                "interval_of": "yaw",
                "error80_degrees": {"yaw": error[0], "pitch": error[1], "roll": error[2]},
                "yaw_about": _rounded(pose.yaw),
                "pitch_about": _rounded(pose.pitch),
                "roll_about": _rounded(pose.roll),
                "straight_within": STRAIGHT,
            },
            limitations=(LIMIT,),
        )

    def _abstained(self, face: Face, reason: str) -> Evidence:
        return Evidence(
            tool=self.name,
            subject=face.id,
            attribute="pose",
            status="abstained",
            reason=reason,
            region=face.box,
            method=METHOD,
            limitations=(LIMIT,),
        )

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        measured = [row for row in evidence if row.attribute == "pose" and row.status == "ok"]
        claims = [_claim(row, f"{names.start(row.subject)} {_direction(row)}.", "answer") for row in measured]
        abstained = [row for row in evidence if row.status == "abstained"]
        for reason in dict.fromkeys(row.reason for row in abstained):
            claims.append(_not_judged([row for row in abstained if row.reason == reason], names))
        if measured:
            claims.append(
                _claim(measured[0], "This is where the head points; where the eyes look was not measured.", "doubt")
            )
        return claims

    def backends(self) -> list[Backend]:
        size = weights.row(align.POINTS).size
        return [
            Backend(self.name, METHOD, "embedded", here=weights.find(align.POINTS) is not None, chosen=True, size=size)
        ]


METHOD = weights.method(align.POINTS).model_copy(
    update={
        "name": "solvepnp-5-points",
        "source": "OpenCV solvePnP on dlib's five landmarks, corrected by calibration/pose.json",
    }
)
LIMIT = "Five landmarks carry the direction of the head only roughly; pitch is the least certain of the three angles."


def _rounded(degrees: float) -> int:
    """To the nearest five degrees: more would pretend an accuracy that the method lacks."""
    return round(abs(degrees) / 5) * 5


def _direction(row: Evidence) -> str:
    value: Any = row.value
    parts = []
    if abs(value["yaw"]) >= STRAIGHT:
        side = "left" if value["yaw"] > 0 else "right"
        parts.append(f"is turned about {row.details['yaw_about']}° towards the {side} edge of the photo")
    if abs(value["pitch"]) >= STRAIGHT:
        parts.append(f"is {'raised' if value['pitch'] > 0 else 'lowered'} by about {row.details['pitch_about']}°")
    if abs(value["roll"]) >= STRAIGHT:
        side = "right" if value["roll"] > 0 else "left"
        parts.append(f"leans about {row.details['roll_about']}° to the {side}")
    if not parts:
        return "looks almost straight at the camera"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _not_judged(rows: Sequence[Evidence], names: Names) -> Claim:
    """One sentence for all faces that were left out for the same reason."""
    subjects = " + ".join(row.subject for row in rows)
    return Claim(
        sentence=f"The direction of {names.of(subjects)} was not judged, because {rows[0].reason}.",
        subject=subjects,
        attribute="pose",
        evidence=tuple(row.id for row in rows),
    )


def _claim(row: Evidence, sentence: str, role: Literal["answer", "reason", "doubt"]) -> Claim:
    return Claim(
        sentence=sentence,
        subject=row.subject,
        attribute=row.attribute,
        value=row.value,
        evidence=(row.id,),
        role=role,
    )
