"""What is measured on a picture of the camera, and that nothing of it stays."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

pytest.importorskip("gradio")

from conftest import EXAMPLES

from faceagent.app.desk import Desk, Settings
from faceagent.app.live import seen

PICTURE = "data:image/jpeg;base64," + base64.b64encode((EXAMPLES / "portrait.jpg").read_bytes()).decode()


def test_a_face_has_its_place_its_direction_and_its_quality_and_nothing_is_kept(tmp_path: Path) -> None:
    found = seen(Desk.of(Settings(tmp_path)), PICTURE)
    (face,) = found["faces"]
    assert all(0 <= number <= 100 for number in face["box"]) and abs(face["pose"]["yaw"]) < 10
    assert face["said"][0].startswith("turned") and "sharpness: sharp" in face["said"][1]
    assert not any("expression" in line for line in face["said"])
    assert list(tmp_path.iterdir()) == []


def test_an_expression_is_read_for_a_stated_purpose_alone(tmp_path: Path) -> None:
    lines = seen(Desk.of(Settings(tmp_path, purpose="personal")), PICTURE)["faces"][0]["said"]
    assert any(line.startswith("expression: happiness, as 9") for line in lines)
    lines = seen(Desk.of(Settings(tmp_path, purpose="workplace")), PICTURE)["faces"][0]["said"]
    assert not any("expression" in line for line in lines)


@pytest.mark.parametrize(
    "picture",
    [None, "https://example.com/a.jpg", "data:image/jpeg;base64,!", "data:image/jpeg;base64,aGVsbG8=", PICTURE * 20],
)
def test_what_is_no_picture_is_told_in_a_sentence(tmp_path: Path, picture: object) -> None:
    assert seen(Desk.of(Settings(tmp_path)), picture)["error"].endswith(".")
