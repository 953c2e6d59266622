"""Which faces the network is let read: small ones, profiles and faces cut by the frame are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Face, Pose
from faceagent_tools import readable
from faceagent_tools.multitask import FaceReader

PHOTO = Photo.open(np.zeros((200, 300, 3), np.uint8))
AHEAD = Pose(yaw=0, pitch=0, roll=0)


def face(x0: float = 100, width: float = 60, y0: float = 50) -> Face:
    return Face(id="face 1.1", image="image 1", box=Box(x0=x0, y0=y0, x1=x0 + width, y1=y0 + width), score=1.0)


@pytest.mark.parametrize(
    ("found", "pose", "reason"),
    [
        (face(), None, None),
        (face(), AHEAD, None),
        (face(width=24), AHEAD, None),
        (face(width=23.4), None, "the face is only 23 pixels wide"),
        (face(), Pose(yaw=59, pitch=0, roll=0), None),
        (face(), Pose(yaw=61, pitch=0, roll=0), "the head is turned too far to the side"),
        (face(), Pose(yaw=-75, pitch=0, roll=0), "the head is turned too far to the side"),
        (face(x0=-25), None, None),
        (face(x0=-35), None, "less than half of the face lies inside the photo"),
        (face(x0=275), None, "less than half of the face lies inside the photo"),
        (face(x0=-20, y0=-20), None, "less than half of the face lies inside the photo"),
    ],
)
def test_why_a_face_is_not_read(found: Face, pose: Pose | None, reason: str | None) -> None:
    assert readable.why_not(PHOTO, found, pose) == reason


def test_a_face_that_cannot_be_read_costs_no_reading(portrait: Photo) -> None:
    class Untouched(FaceReader):
        def read(self, *_: Any) -> Any:
            raise AssertionError("read all the same")

    session = Session()
    session.add(portrait)
    assert "pixels wide" in str(readable.read(Untouched(), session, face(width=10)))
