"""What the network's pose, openings and irises are worth, and what eyes and mouth are called: calibration/pose.json.

`python -m faceagent_finetune.nets.calibrate_pose` measures the table against a face mesh, and the mouth against what
people said of the photos. No line is typed into code.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np

from faceagent.types import Finite, Frozen, Pose, Unit
from faceagent_tools.multitask import Floats

EYES_YAW, GAZE_YAW = 45.0, 30.0
"""|yaw| beyond which one eye is too far round to judge, and irises say nothing of where the eyes look."""
Eye = Literal["open", "partly", "closed"]
Mouth = Literal["open", "closed"]
EYES = (slice(36, 42), slice(42, 48))
"""Points of the two eyes in `Reading.points`, that nearer the left edge of an upright face first."""
CORNERS = ((36, 39), (42, 45))
"""Their corners, that nearer the left edge of an upright face first."""
IRISES = (68, 73)
"""Their iris centres."""


class Angles(Frozen):
    """Degrees."""

    yaw: Finite
    pitch: Finite
    roll: Finite


class Band(Frozen):
    """Faces read as turned by `start` degrees or more, up to the next band: how many, mean and 80 % error."""

    start: Finite
    faces: int
    mean: Angles
    error80: Angles


class Direction(Frozen):
    """Errors of one way of reading the pose, by |yaw| as read, from 0 outwards. mean: over all."""

    faces: int
    mean: Angles
    bands: tuple[Band, ...]

    def band(self, yaw: float) -> Band:
        """The band of a face read as turned by `yaw` degrees."""
        return next(band for band in reversed(self.bands) if band.start <= abs(yaw) or band is self.bands[0])


class Line(Frozen):
    """Where a line lies; None where no line kept its promise.

    kept: share of what lies beyond it that deserves the name. found: share of what deserves the name that lies beyond.
    Both on the `measured` faces or eyes on which the line was drawn; source says what those were.
    """

    value: Finite | None
    kept: Unit
    found: Unit
    measured: int
    source: str


class Ordinary(Frozen):
    """The |yaw| that 95 % of ordinary photos stay within."""

    value: Finite
    source: str


class Table(Frozen):
    """calibration/pose.json.

    network: SHA-256 of the weights that were measured. pose: the network. five_points: the fit of a generic head to
    five landmarks (`five_points`) on the same faces. yaw_reach, pitch_reach: |yaw| and |pitch| as read beyond which it
    abstains.
    eye_closed: openings below; eye_open: from there up; mouth_open: from there up; gaze_aside: |gaze| from there up.
    """

    made_by: str
    network: str
    teacher: str
    sets: tuple[str, ...]
    seed: int
    detector: str
    pose: Direction
    five_points: Direction
    yaw_reach: Finite
    pitch_reach: Finite
    ordinary_yaw: Ordinary
    eye_closed: Line
    eye_open: Line
    mouth_open: Line
    gaze_aside: Line


@cache
def table() -> Table:
    """The table that ships with the tools."""
    return Table.model_validate_json(files("faceagent_tools").joinpath("calibration", "pose.json").read_bytes())


def eye(opening: float, lines: Table) -> Eye:
    """What an eye of this height / width is called. Closed may be a downward look: the lid is all that is seen."""
    if lines.eye_closed.value is not None and opening < lines.eye_closed.value:
        return "closed"
    return "open" if lines.eye_open.value is not None and opening >= lines.eye_open.value else "partly"


def mouth(opening: float, lines: Table) -> Mouth:
    """What a mouth of this height / width is called."""
    return "open" if lines.mouth_open.value is not None and opening >= lines.mouth_open.value else "closed"


def irises(points: Floats) -> tuple[float, float]:
    """How far each iris stands from the middle of its eye, in eye widths along the line between the corners.

    Args:
        points: [78, 2] as `Reading.points`.

    Returns:
        Positive towards the right edge of an upright face; 0 in the middle.
    """
    near, far = (_along(points[list(corners)], points[iris]) for corners, iris in zip(CORNERS, IRISES, strict=True))
    return near, far


def _along(corners: Floats, iris: Floats) -> float:
    axis = corners[1] - corners[0]
    return float((iris - corners.mean(axis=0)) @ axis / max(float(axis @ axis), 1e-9))


def gaze(points: Floats) -> float:
    """The mean of `irises`: in eye widths, positive towards the right edge of an upright face."""
    return float(np.mean(irises(points)))


def upright(pose: Pose) -> bool:
    """Whether "left" and "right" of the face are those of the photo: it leans by less than 45 degrees."""
    return abs((pose.roll + 180.0) % 360.0 - 180.0) < 45.0


def sides(points: Floats) -> tuple[str, str]:
    """What the two eyes are called by where they lie in the photo, in the order of `EYES`.

    On an upright face the first, the subject's right eye, is nearer the left edge; on one upside down the second.
    """
    first, second = (float(points[eye_, 0].mean()) for eye_ in EYES)
    names = ("nearer_left_edge", "nearer_right_edge")
    return names if first <= second else (names[1], names[0])
