"""Conversations that are put down and taken up again."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import fakes
import pytest
from conftest import EXAMPLES

from faceagent.agent import FaceAgent
from faceagent.errors import MediaError, UsageError
from faceagent.media import Limits
from faceagent.saved import Saved
from faceagent.session import Output, Session
from faceagent.types import Answer

GROUP = EXAMPLES / "group.jpg"


def agent(**options: Any) -> FaceAgent:
    return FaceAgent(tools=fakes.fake_toolbox().values(), **options)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "group.jpg"
    path.write_bytes(GROUP.read_bytes())
    return path


@pytest.fixture
def saved(tmp_path: Path, photo: Path) -> Path:
    one = agent(purpose="research")
    session = one.open([photo])
    one.ask("Is the face on the left sharp?", session=session)
    session.save(tmp_path / "talk.json")
    return tmp_path / "talk.json"


def test_a_conversation_goes_on_where_it_was_left(saved: Path) -> None:
    one = agent()
    session = one.resume(saved)
    assert session.purpose == "research"
    assert session.images == ("image 1",)
    assert [turn.question for turn in session.turns] == ["Is the face on the left sharp?"]
    before = session.ledger.all()
    answer = one.ask("And the other one?", session=session)
    assert {claim.subject for claim in answer.claims} == {"face 1.2"}
    assert [step.tool for step in answer.steps] == ["assess_quality"]  # faces are not looked for again
    assert session.ledger.all()[: len(before)] == before
    assert answer.evidence[-1].id == f"e{len(before) + 1}"


def test_saving_again_changes_nothing(saved: Path) -> None:
    text = saved.read_text()
    Session.resume(saved).save(saved)
    assert saved.read_text() == text
    assert Saved.model_validate_json(text).model_dump_json(indent=1) == text


def test_ids_are_not_given_twice(tmp_path: Path, photo: Path) -> None:
    session = agent().open([photo])
    session.add_output(Output("copy.png", "image/png", b"x"))
    session.illustrate("image 1", b"x")
    session.save(tmp_path / "talk.json")
    resumed = Session.resume(tmp_path / "talk.json")
    assert resumed.outputs == {}
    assert resumed.add_output(Output("copy.png", "image/png", b"x")) == "output 2"
    assert resumed.illustrate("image 1", b"x") == "image 1: picture 2"
    assert resumed.add(fakes.photo()) == "image 2"


def test_a_photo_that_is_gone_or_changed_is_named(saved: Path, photo: Path) -> None:
    photo.write_bytes((EXAMPLES / "portrait.jpg").read_bytes())
    with pytest.raises(MediaError, match=r"group\.jpg is not the file .* SHA-256 has changed.*original back"):
        agent().resume(saved)
    photo.unlink()
    with pytest.raises(
        MediaError, match=r"group\.jpg, which this conversation is about, is no longer at .*Put it back"
    ):
        agent().resume(saved)


def altered(saved: Path, **changes: Any) -> Path:
    saved.write_text(json.dumps({**json.loads(saved.read_text()), **changes}))
    return saved


def test_a_path_that_is_too_long_is_told_in_a_sentence(saved: Path) -> None:
    photos = [{**one, "path": "/" + "a" * 5000} for one in json.loads(saved.read_text())["photos"]]
    with pytest.raises(MediaError, match=r"group\.jpg, which .* cannot be looked for at .*too long"):
        agent().resume(altered(saved, photos=photos))


def test_a_folder_that_may_not_be_read_is_told_in_a_sentence(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **options: Any) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(MediaError, match=r"group\.jpg, which .* cannot be looked for at .*Permission denied"):
        agent().resume(saved)


def test_an_unknown_purpose_is_refused(saved: Path) -> None:
    with pytest.raises(UsageError, match=r"no purpose “marketing”.*research"):
        agent().resume(altered(saved, purpose="marketing"))


def test_limits_hold_when_a_photo_is_opened_again(saved: Path) -> None:
    with pytest.raises(MediaError, match="over the limit"):
        agent(limits=Limits(max_bytes=1000)).resume(saved)


def test_photos_from_memory_cannot_be_taken_up_again(tmp_path: Path) -> None:
    session = agent().open([GROUP.read_bytes()])
    with pytest.raises(UsageError, match=r"image 1 was given as bytes or pixels.*by their paths"):
        session.save(tmp_path / "talk.json")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        agent().open([GROUP]).save(tmp_path / "nowhere" / "talk.json")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_file_is_for_its_owner_alone(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert [path.name for path in saved.parent.iterdir() if path.suffix != ".jpg"] == ["talk.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"conversation": "2"},
        {"unknown": 1},
        {"evidence": "none"},
        {"photos": [{"id": "image x", "name": "a", "path": "a", "sha256": "a"}]},
        {"taken_in": "many"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_form_is_refused_in_one_sentence(saved: Path, change: dict[str, Any]) -> None:
    saved.write_text(json.dumps({**json.loads(saved.read_text()), **change}))
    with pytest.raises(MediaError, match="not a conversation that this version can take up"):
        agent().resume(saved)


def test_a_place_that_is_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "talk.json").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        agent().open([GROUP]).save(tmp_path / "talk.json")
    assert [path.name for path in tmp_path.iterdir()] == ["talk.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "\0", '{"conversation": "1"'])
def test_what_is_no_conversation_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "talk.json").write_text(text)
    with pytest.raises(MediaError, match="not a conversation"):
        agent().resume(tmp_path / "talk.json")
    with pytest.raises(MediaError, match="There is no conversation at"):
        agent().resume(tmp_path / "nothing.json")


def test_evidence_that_was_taken_out_is_noticed(saved: Path) -> None:
    state = json.loads(saved.read_text())
    del state["evidence"][1]
    saved.write_text(json.dumps(state))
    with pytest.raises(MediaError, match="its evidence is not complete"):
        agent().resume(saved)


def longest(value: Any) -> int:
    """Length of the longest list of numbers in a piece of JSON."""
    if isinstance(value, dict):
        return max((longest(item) for item in value.values()), default=0)
    if isinstance(value, list):
        numbers = len(value) if all(isinstance(item, int | float) for item in value) else 0
        return max([numbers, *(longest(item) for item in value)])
    return 0


def test_no_template_of_a_face_is_in_the_file(tmp_path: Path, photo: Path) -> None:
    """The real tools: faces were compared, so embeddings exist. Nothing in the file is nearly as long as their 128."""
    one = FaceAgent()
    session = one.open([photo])
    answer: Answer = one.ask("Is the woman on the left the same as the one on the right?", session=session)
    assert any(row.attribute == "same_person" for row in answer.evidence)
    one.ask("Describe everybody", session=session)
    session.save(tmp_path / "talk.json")
    assert 0 < longest(json.loads((tmp_path / "talk.json").read_text())) < 64


def test_a_video_is_opened_again_with_the_same_stills(tmp_path: Path) -> None:
    pytest.importorskip("av")
    from videos import made

    from faceagent.video import Frame

    path = made(tmp_path / "clip.mp4")
    session = agent().open([path])
    frames = [item.photo for item in session.video("video 1").sample() if isinstance(item, Frame)]
    wanted = [frames[5], frames[1]]
    assert session.add_stills("video 1", wanted) == ("image 1", "image 2")
    assert session.add_stills("video 1", wanted) == ("image 1", "image 2")
    session.save(tmp_path / "talk.json")
    resumed = Session.resume(tmp_path / "talk.json")
    assert resumed.stills("video 1") == ("image 1", "image 2")
    assert [resumed.photo(image).sha256 for image in resumed.images] == [frame.sha256 for frame in wanted]
    assert resumed.exhibits() == session.exhibits()
