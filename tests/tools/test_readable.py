"""Which faces are read: not small ones, profiles, faces cut by the frame, blurred ones, nor what is no face."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from readings import read_as

from faceagent.media import Photo
from faceagent.session import Session
from faceagent.types import Box, Face, Pose
from faceagent_tools import multitask, readable
from faceagent_tools.multitask import FaceReader

PHOTO = Photo.open(np.zeros((200, 300, 3), np.uint8))


def face(x0: float = 100, width: float = 60, y0: float = 50) -> Face:
    return Face(id="face 1.1", image="image 1", box=Box(x0=x0, y0=y0, x1=x0 + width, y1=y0 + width), score=1.0)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (face(), None),
        (face(width=24), None),
        (face(width=23.4), "the face is only 23 pixels wide"),
        (face(width=23.6), "the face is only 23 pixels wide"),
        (face(x0=-25), None),
        (face(x0=-35), "less than half of the face lies inside the photo"),
        (face(x0=275), "less than half of the face lies inside the photo"),
        (face(x0=-20, y0=-20), "less than half of the face lies inside the photo"),
    ],
)
def test_size_and_place(found: Face, reason: str | None) -> None:
    assert readable.why_not(PHOTO, found) == reason
    assert readable.why_not(PHOTO, found, read_as({})) == reason


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"pose": Pose(yaw=59, pitch=0, roll=0)}, None),
        ({"pose": Pose(yaw=61, pitch=0, roll=0)}, "turned too far to the side"),
        ({"pose": Pose(yaw=-75, pitch=0, roll=0)}, "turned too far to the side"),
        ({"face": 0.51}, None),
        ({"face": 0.49}, "hardly looks like a face"),
        ({"detail": 0.31}, None),
        ({"detail": 0.29}, "blurred, dark or covered"),
    ],
)
def test_what_the_network_says_of_it(seen: dict[str, Any], reason: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    table = dataclasses.replace(multitask.calibration(), detail=0.3)
    monkeypatch.setattr(multitask, "calibration", lambda: table)
    found = readable.why_not(PHOTO, face(), dataclasses.replace(read_as({}), **seen))
    assert found is None if reason is None else reason in str(found)


def test_a_face_that_cannot_be_read_costs_no_reading(portrait: Photo) -> None:
    class Untouched(FaceReader):
        def read(self, *_: Any) -> Any:
            raise AssertionError("read all the same")

    session = Session()
    session.add(portrait)
    assert "pixels wide" in str(readable.read(Untouched(), session, face(width=10)))
