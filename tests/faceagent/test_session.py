"""Ids: given in order, resolved, and refused with the ids that exist."""

from __future__ import annotations

import fakes
import numpy as np
import pytest

from faceagent.errors import UnknownReference
from faceagent.media import Photo
from faceagent.session import Ledger, Output, Session
from faceagent.types import Box, Evidence, Face, Method


def photo() -> Photo:
    return Photo.open(np.zeros((40, 60, 3), np.uint8))


def face(image: int, number: int) -> Face:
    return Face(
        id=f"face {image}.{number}", image=f"image {image}", box=Box(x0=number, y0=0, x1=number + 5, y1=9), score=1.0
    )


@pytest.fixture
def session() -> Session:
    made = Session()
    for _ in range(2):
        made.add(photo())
    made.set_faces("image 1", [face(1, 1), face(1, 2)])
    made.set_faces("image 2", [face(2, 1)])
    return made


def test_images_are_numbered_in_order(session: Session) -> None:
    assert session.images == ("image 1", "image 2")
    assert session.add(photo()) == "image 3"
    assert not session.detected("image 3")


def test_a_released_photo_takes_its_pictures_along_and_its_number_is_not_given_again(session: Session) -> None:
    ours, other = session.illustrate("image 1", b"ours"), session.illustrate("image 2", b"other")
    assert (session.picture(ours), session.picture(other)) == (b"ours", b"other")
    session.release("image 1")
    assert (session.picture(ours), session.picture(other)) == (None, b"other")
    assert [face.id for face in session.faces()] == ["face 2.1"]
    assert session.images == ("image 2",)
    assert session.add(photo()) == "image 3"
    with pytest.raises(UnknownReference):
        session.release("image 1")


def test_what_was_remembered_of_a_face_goes_with_its_photo(session: Session) -> None:
    for key in (("embedding", "face 1.1"), ("embedding", "face 2.1"), "of no face"):
        session.memo(key, lambda: "before")
    session.release("image 1")
    assert session.memo(("embedding", "face 1.1"), lambda: "anew") == "anew"
    assert session.memo(("embedding", "face 2.1"), lambda: "anew") == "before"
    assert session.memo("of no face", lambda: "anew") == "before"


def test_a_picture_is_drawn_when_somebody_first_looks(session: Session) -> None:
    drawn: list[str] = []

    def draw() -> bytes:
        drawn.append("once")
        return b"drawn"

    picture = session.illustrate("image 1", draw)
    assert not drawn
    assert (session.picture(picture), session.picture(picture)) == (b"drawn", b"drawn")
    assert drawn == ["once"]


def test_an_image_stands_for_its_faces_once_each(session: Session) -> None:
    found = session.faces_in(["face 1.2", "image 1", "face 2.1"])
    assert [item.id for item in found] == ["face 1.2", "face 1.1", "face 2.1"]
    assert [item.id for item in session.faces_in([])] == ["face 1.1", "face 1.2", "face 2.1"]


def test_references_lead_to_their_image(session: Session) -> None:
    assert session.images_in(["face 2.1", "image 2", "face 1.1 + face 2.1"]) == ("image 2", "image 1")


@pytest.mark.parametrize("reference", ["image 7", "face 1.9", "face 7.1", "../etc/passwd", "", "image 1; rm"])
def test_what_does_not_exist_is_refused_with_what_does(session: Session, reference: str) -> None:
    with pytest.raises(UnknownReference) as caught:
        session.faces_in([reference])
    assert caught.value.mend


def test_the_ledger_never_reuses_an_id() -> None:
    ledger = Ledger()
    row = Evidence(
        tool="t", subject="image 1", attribute="a", value=1, method=Method(name="m", version="1", licence="x")
    )
    assert [ledger.record(row).id for _ in range(3)] == ["e1", "e2", "e3"]
    assert ledger.get("e2") == ledger.all()[1]
    assert ledger.get("e4") is None


def test_work_is_remembered_and_files_are_kept(session: Session) -> None:
    made: list[int] = []
    for _ in range(2):
        session.memo(("embedding", "face 1.1"), lambda: made.append(1))
    assert made == [1]
    assert session.add_output(Output("copy.png", "image/png", b"x")) == "output 1"
    assert session.outputs["output 1"].name == "copy.png"


def test_the_purpose_is_stated_once() -> None:
    assert Session().purpose is None
    session = Session("research")
    assert session.purpose == "research"
    with pytest.raises(AttributeError):
        session.purpose = "bias_audit"  # type: ignore[misc]


def test_videos_and_the_photos_taken_out_of_them() -> None:
    session = Session()
    assert session.add_video(fakes.video()) == "video 1"
    assert session.stills("video 1") is None
    session.add(fakes.photo())
    assert session.add_stills("video 1", [fakes.photo(seed=1)]) == ("image 2",) == session.stills("video 1")
    assert [exhibit.id for exhibit in session.exhibits()] == ["video 1", "image 1", "image 2"]
    assert session.videos_in(()) == session.videos_in(("video 1", "video 1")) == ("video 1",)
    with pytest.raises(UnknownReference, match="video 2"):
        session.videos_in(("video 2",))
    with pytest.raises(UnknownReference):
        session.add_stills("video 2", [])
