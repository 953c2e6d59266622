"""Which faces the network can read: the one place where the tools on `FaceReader` decide to abstain.

Every reason is a clause that stands after "because"; evidence that carries one has the face's box as its region, so
that a sentence may repeat its number.
"""

from __future__ import annotations

from faceagent.geometry import whole_pixels
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Face
from faceagent_tools import multitask
from faceagent_tools.multitask import FaceReader, Reading

MIN_WIDTH = 24.0
"""Pixels. A face is some 70 px wide in the network's crop, so a smaller one is stretched threefold and more."""
MAX_YAW = 60.0
"""Degrees. Beyond, the far eye is out of sight and the crop, which is laid by both eyes, is guesswork."""
MIN_INSIDE = 0.5
"""Share of the face's box that has to lie in the photo: of less than half a face no one should say anything."""
IS_FACE = 0.5
"""`Reading.face` below which the network rather takes the crop for something else."""


def why_not(photo: Photo, face: Face, reading: Reading | None = None) -> str | None:
    """Why nothing should be read from a face, or None where it can be.

    Args:
        reading: what the network says of it, once it has been asked; without it only size and place are judged.
    """
    if face.box.width < MIN_WIDTH:
        return f"the face is only {whole_pixels(face.box.width)} pixels wide"
    inside = face.box.clipped(photo.width, photo.height).area
    if inside < MIN_INSIDE * face.box.area:
        return "less than half of the face lies inside the photo"
    return _why_unreadable(reading) if reading is not None else None


def _why_unreadable(reading: Reading) -> str | None:
    if reading.face < IS_FACE:
        return "what was found there hardly looks like a face to the network that reads faces"
    if abs(reading.pose.yaw) > MAX_YAW:
        return "the head is turned too far to the side"
    if reading.detail < multitask.calibration().detail:
        return "too little can be seen of the face, as where it is blurred, dark or covered"
    return None


def read(reader: FaceReader, session: Session, face: Face) -> Reading | str:
    """The reading of a face, or why there is none to be relied on.

    Raises:
        WeightsError: a model file is missing or damaged.
    """
    photo = session.photo(face.image)
    if reason := why_not(photo, face):
        return reason
    reading = reader.read(session, face)
    return why_not(photo, face, reading) or reading
