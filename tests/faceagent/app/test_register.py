"""People from the page: the gallery's door, enrolling, looking up, erasing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gradio")

from conftest import EXAMPLES
from identity_fakes import Embedder
from PIL import Image

from faceagent.app import register
from faceagent.app.desk import Desk, Settings
from faceagent.app.people import People
from faceagent.app.register import Wish
from faceagent.app.unknown import Unknown
from faceagent.errors import FaceAgentError, GalleryError, UsageError
from faceagent.session import Session
from faceagent.tool import Names, Toolbox
from faceagent.types import Box, Claim, Evidence, Face
from faceagent_tools import compare, readable
from faceagent_tools.compare import View
from faceagent_tools.detection import DetectFaces
from faceagent_tools.identity import templates
from faceagent_tools.identity.enroll import EnrollPerson

WORDS = "four plain words here"
WISH = Wish("Eileen", "She agreed in writing, 2 May 2026.", None, "access", "2026-05-02", "", protected=False)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.of(Settings(tmp_path))


@pytest.fixture
def inside(desk: Desk) -> Desk:
    register.open_gallery(desk, WORDS, WORDS)
    return desk


def test_a_gallery_is_made_and_opened_again_with_its_passphrase_alone(desk: Desk, tmp_path: Path) -> None:
    assert register.door(desk) == "none"
    with pytest.raises(UsageError, match="not the same"):
        register.open_gallery(desk, WORDS, "other words altogether")
    with pytest.raises(UsageError, match="shorter than 12"):
        register.open_gallery(desk, "short", "short")
    register.open_gallery(desk, WORDS, WORDS)
    assert register.door(desk) == "open" and desk.agent.gallery is desk.gallery
    desk.seat.close()

    later = Desk.of(Settings(tmp_path))
    assert register.door(later) == "passphrase"
    with pytest.raises(GalleryError):
        register.open_gallery(later, "four other words here", "")
    register.open_gallery(later, WORDS, "")
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert WORDS.encode() not in kept


def test_where_the_app_is_shared_nobody_opens_a_gallery_from_the_page(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shared"):
        register.open_gallery(Desk.of(Settings(tmp_path, shared=True)), WORDS, WORDS)


def test_enrolled_looked_up_and_erased_with_the_proof(inside: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff broken")
    photos = [EXAMPLES / "portrait.jpg", EXAMPLES / "group.jpg", broken]
    result = register.enrol(inside, replace(WISH, protected=True, until="2999-01-01"), photos)
    assert {shot.name: shot.state for shot in result.shots} == {
        "portrait.jpg": "taken",
        "group.jpg": "left_out",
        "broken.jpg": "left_out",
    }
    assert "It shows 2 faces, and which one is meant has to be said." in {
        said for shot in result.shots for said in shot.said
    }
    assert "as a protected person" in result.of("answer")[0].sentence
    assert [one.name for one in register.found(inside, "EIL")] == ["Eileen"]
    assert register.person(inside, "eileen").consent.given.isoformat() == "2026-05-02"
    assert len(register.crops(inside, "Eileen")) == 1

    seen = register.look_up(inside, [EXAMPLES / "portrait-altered.jpg"])
    assert [(shot.state, shot.who) for shot in seen.shots] == [("named", "Eileen")]

    gone = register.forget(inside, "Eileen")
    assert "was erased" in gone.of("answer")[0].sentence and "none was found" in gone.of("reason")[0].sentence
    assert register.found(inside, "") == []
    with pytest.raises(GalleryError, match="Nobody called"):
        register.person(inside, "Eileen")
    log = register.opened(inside).audit
    assert log.verify().faults == () or log.verify().faults == []
    assert "Eileen" not in (register.opened(inside).folder / "audit.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (replace(WISH, name=" "), "name is needed"),
        (replace(WISH, statement=""), "needs the person's consent"),
        (replace(WISH, until="soon"), "'soon' is no date"),
    ],
)
def test_what_is_missing_is_said(inside: Desk, wish: Wish, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        register.enrol(inside, wish, [EXAMPLES / "portrait.jpg"])
    assert register.found(inside, "") == []


def test_a_photo_that_is_enrolled_under_another_name_needs_a_second_name_to_be_meant(inside: Desk) -> None:
    register.enrol(inside, WISH, [EXAMPLES / "portrait.jpg"])
    again = replace(WISH, name="Maud")
    result = register.enrol(inside, again, [EXAMPLES / "portrait.jpg"])
    assert [shot.said for shot in result.shots] == [("It is a copy of a photo that is enrolled as “Eileen”.",)]
    assert "was not enrolled, because a photo is enrolled under another name" in result.of("answer")[0].sentence
    assert "Nothing was written" in result.of("reason")[0].sentence
    assert [one.name for one in register.found(inside, "")] == ["Eileen"]
    assert (
        register.enrol(inside, replace(again, another_name=True), [EXAMPLES / "portrait.jpg"]).shots[0].state == "taken"
    )


def test_of_several_faces_the_one_that_is_meant_is_enrolled(inside: Desk) -> None:
    undecided = register.enrol(inside, WISH, [EXAMPLES / "group.jpg"])
    assert undecided.shots[0].state == "left_out"
    result = register.enrol(inside, replace(WISH, faces="face 2"), [EXAMPLES / "group.jpg"])
    assert result.shots[0].state == "taken"
    other = replace(WISH, name="Maud", faces="1.1", another_name=True)
    assert register.enrol(inside, other, [EXAMPLES / "group.jpg"]).shots[0].state == "taken"
    (right,), (left,) = register.crops(inside, WISH.name), register.crops(inside, "Maud")
    assert right != left


@pytest.mark.parametrize(
    ("faces", "said"), [("left", "'left' is no face"), ("2", "Face 2 could be in any"), ("3.1", "image 3")]
)
def test_a_face_that_cannot_be_meant(inside: Desk, faces: str, said: str) -> None:
    photos = [EXAMPLES / "group.jpg", EXAMPLES / "portrait.jpg"]
    with pytest.raises(FaceAgentError, match=said):
        register.enrol(inside, replace(WISH, faces=faces), photos)
    assert register.found(inside, "") == []


def test_consent_may_be_a_file(inside: Desk, tmp_path: Path) -> None:
    form = tmp_path / "form.pdf"
    form.write_bytes(b"%PDF signed")
    register.enrol(inside, replace(WISH, statement="", form=form), [EXAMPLES / "portrait.jpg"])
    consent = register.person(inside, "Eileen").consent
    assert (consent.file, len(consent.sha256 or "")) == ("form.pdf", 64)


class OneFace(DetectFaces):
    """Finds the same large face in every photo."""

    def __init__(self) -> None:
        pass

    def run(self, session: Session, arguments: object) -> Sequence[Evidence]:
        for image in session.images:
            face = Face(id=f"face {image.split()[1]}.1", image=image, box=Box(x0=40, y0=40, x1=160, y1=160), score=1.0)
            session.set_faces(image, [face])
        return []

    def word(self, evidence: Sequence[Evidence], names: Names) -> list[Claim]:
        return []


class Reading:
    age = 40.0
    detail = 0.9
    points = np.zeros((78, 2))


def test_photo_3_shows_somebody_else(inside: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "view", lambda session, face: View(60.0, 0.0))
    monkeypatch.setattr(readable, "read", lambda reader, session, face: Reading())
    monkeypatch.setattr(templates.regions, "in_crop", lambda photo, face, points: points)
    tools = Toolbox([OneFace(), EnrollPerson(Embedder(), None)])  # type: ignore[arg-type]
    monkeypatch.setattr(inside.seat, "tools", lambda: tools)
    files = []
    for number, (who, off) in enumerate([(1, 0), (1, 40), (2, 0), (1, 60)], 1):
        pixels = np.full((200, 200, 3), 128, np.uint8)
        pixels[0, 0] = (who, off, number)
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(files[-1])
    shots = register.enrol(inside, WISH, files).shots
    assert [shot.state for shot in shots] == ["taken", "taken", "left_out", "taken"]
    assert shots[2].said == ("It shows somebody else than the other photos.",)


def test_names_are_shown_and_never_run(inside: Desk) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    register.enrol(inside, replace(WISH, name=hostile), [EXAMPLES / "portrait.jpg"])
    import gradio as gr

    with gr.Blocks():
        page = People(inside)._list("")
    assert "<img src=x" not in page and 'data-name="&lt;img src=x onerror=alert(1)&gt;"' in page


def test_unknown_faces_are_asked_about_and_named_with_consent_alone(inside: Desk, tmp_path: Path) -> None:
    import gradio as gr

    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff broken")
    with gr.Blocks():
        unknown = Unknown(inside)
    photos = [str(EXAMPLES / name) for name in ("portrait.jpg", "portrait-altered.jpg")]
    *_, asked = unknown._begin([*photos, str(broken)], "access")
    assert "2 faces that seem to show one person" in asked[unknown.group] and "broken.jpg" in asked[unknown.group]
    assert asked[unknown.group].count("<img") == 2
    review = asked[unknown.review]
    with pytest.raises(gr.Error, match="Consent needs a statement"):
        unknown._named(review, "access", "Eileen", "")
    assert register.found(inside, "") == []
    assert asked[unknown.age].visible is False
    for face in review._faces:  # as if the network took her for a child
        object.__setattr__(face.seen, "minor", True)
    assert unknown._asked(review)[unknown.age].visible is True
    named = unknown._named(review, "access", "Eileen", "She agreed.")
    assert "No unknown face is left." in named[unknown.group]
    assert [one.name for one in register.found(inside, "")] == ["Eileen"]
    *_, again = unknown._begin(photos, "access")
    assert "Recognised: <bdi>Eileen</bdi> (2)" in " ".join(again[unknown.group].split())
