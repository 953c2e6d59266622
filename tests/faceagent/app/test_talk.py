"""A conversation behind the page, with the embedded controller and real photos."""

from __future__ import annotations

import re
import threading
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import EXAMPLES

from faceagent.app import view
from faceagent.app.desk import Desk, Settings
from faceagent.app.figures import Told
from faceagent.app.talk import Running, Talk
from faceagent.controllers.draft import View
from faceagent.controllers.plan import plan
from faceagent.errors import MediaError, UsageError
from faceagent.media import Limits, Photo
from faceagent.messages import LANGUAGES, catalogue
from faceagent.tool import Toolbox

PORTRAIT, ALTERED, GROUP = (EXAMPLES / f"{name}.jpg" for name in ("portrait", "portrait-altered", "group"))

TWO = View({"image 1": ("face 1.1",), "image 2": ("face 2.1",)})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.of(Settings(tmp_path))


@pytest.fixture
def talk(desk: Desk) -> Talk:
    return Talk(desk, "ada")


def asked(talk: Talk, question: str, *files: Path) -> Told:
    *_, last = talk.ask(question, files)
    assert isinstance(last, Told), last
    return last


def test_steps_are_told_one_by_one_and_what_they_took_first_belongs_to_them(talk: Talk) -> None:
    states = list(talk.ask("How old does each person look?", [GROUP]))
    running = [state for state in states if isinstance(state, Running)]
    assert "estimate_attributes" in [state.tool for state in running]
    told = states[-1]
    assert isinstance(told, Told)
    assert [[step.tool for step in call] for call in told.calls] == [["detect_faces", "estimate_attributes"]]
    assert told.answer.steps == told.calls[0]
    assert not talk.busy


def test_an_interval_is_a_bar_on_its_scale(talk: Talk) -> None:
    told = asked(talk, "How old does each person look?", GROUP)
    ages = {row.id: row for row in told.answer.evidence if row.attribute == "age"}
    assert [bar.evidence for bar in told.bars] == list(ages)
    for bar in told.bars:
        row = ages[bar.evidence]
        assert row.interval is not None
        assert (bar.low, bar.high) == (row.interval.low / 100, row.interval.high / 100)
        assert bar.low < bar.at < bar.high
        assert "80 % interval" in bar.said


def test_a_probability_is_a_bar_and_faces_stand_side_by_side(talk: Talk) -> None:
    told = asked(talk, "Do these show the same person, and which parts of the face speak for it?", PORTRAIT, ALTERED)
    row = next(row for row in told.answer.evidence if row.attribute == "same_person")
    assert row.probability is not None
    assert [bar.at for bar in told.bars] == [row.probability.value]
    (pair,) = told.pairs
    assert pair.faces == ("face 1.1", "face 2.1")
    assert len(pair.pictures) == 3
    assert pair.parts[0].support == 1.0
    assert {"eyes", "nose"} <= {part.name for part in pair.parts}


def test_a_thumbnail_lies_over_the_same_place_of_the_photo(talk: Talk) -> None:
    told = asked(talk, "Is this photo real?", ALTERED)
    (slider,) = told.sliders
    assert slider.title == "Embedded thumbnail"
    assert slider.before != slider.after
    before, after = (Photo.open(b64decode(jpeg)) for jpeg in (slider.before, slider.after))
    assert (before.width, before.height) == (after.width, after.height)


def test_one_bad_file_does_not_stop_the_rest(talk: Talk, tmp_path: Path) -> None:
    bad = tmp_path / "notes.jpg"
    bad.write_text("no photo")
    told = asked(talk, "How many faces are there?", bad, GROUP)
    assert told.failures[0].startswith("notes.jpg is not an image that can be read.")
    assert "two faces" in told.answer.text.lower()
    assert talk.conversation is not None
    assert [file.name for file in talk.conversation.folder.glob("files/*/*")] == ["group.jpg"]


def test_evidence_and_steps_are_shown_in_the_readers_language(tmp_path: Path) -> None:
    german = Talk(replace(Desk.of(Settings(tmp_path)), language="de"), "ada")
    told = asked(german, "How old does each person look? Is this photo real?", PORTRAIT)
    beside, turn = view.aside(german.desk, german), view.turn(german.desk, told, 1)
    for said in ("Alter", "34 Jahre", "Gesicht\N{NO-BREAK SPACE}1.1", "Spuren einer Fälschung", "kein Anzeichen"):
        assert said in beside
    assert "Alter und andere Merkmale schätzen" in turn and "Estimating age" not in turn
    names = re.findall(r"<bdi>([a-z]+_[a-z_]+)</bdi>", beside)
    assert names == [], "identifiers are shown as words"


def test_limits_hold_before_anything_is_decoded(tmp_path: Path) -> None:
    talk = Talk(Desk.of(Settings(tmp_path, limits=Limits(max_pixels=1000))), "ada")
    told = asked(talk, "How many faces are there?", GROUP)
    assert "over the limit" in told.failures[0]
    assert told.answer.status == "needs_photo"


def test_a_conversation_is_taken_up_where_it_was_left(desk: Desk, talk: Talk) -> None:
    asked(talk, "How old is the person on the left?", GROUP)
    assert talk.conversation is not None
    again = Talk(desk, "ada")
    again.take_up(talk.conversation.id)
    assert again.told == talk.told
    told = asked(again, "and the other one?")
    assert told.answer.claims[0].subject == "face 1.2"
    assert len(list(talk.conversation.folder.glob("turns/*.json"))) == 2


def test_nobody_opens_or_sees_the_conversations_of_another(desk: Desk, talk: Talk) -> None:
    asked(talk, "How many faces are there?", GROUP)
    assert talk.conversation is not None
    other = Talk(desk, "bob/../ada")
    assert list(other.shelf) == []
    for name in (talk.conversation.id, f"../{talk.conversation.folder.parent.name}/{talk.conversation.id}", "..", ""):
        with pytest.raises(UsageError, match="no such conversation"):
            other.take_up(name)


def test_deleting_removes_the_photos_too(desk: Desk, talk: Talk) -> None:
    asked(talk, "How many faces are there?", GROUP)
    (kept,) = talk.shelf
    kept.rename("  The two\nof them ")
    assert kept.about.name == "The two of them"
    with pytest.raises(UsageError, match="name is empty"):
        kept.rename(" ")
    kept.delete()
    assert list(talk.shelf) == []
    assert [path for path in desk.folder("conversations").rglob("*") if path.is_file()] == []


def test_a_damaged_conversation_is_named_and_can_be_deleted(desk: Desk, talk: Talk) -> None:
    asked(talk, "How many faces are there?", GROUP)
    (kept,) = talk.shelf
    (kept.folder / "about.json").write_text("{")
    (kept.folder / "turns/0001.json").write_text("{")
    assert "Damaged conversation" in view.shelf(desk, talk.shelf, None)
    with pytest.raises(MediaError, match="damaged"):
        Talk(desk, "ada").take_up(kept.id)
    kept.delete()


def test_a_question_that_was_stopped_says_what_it_has(talk: Talk) -> None:
    states = talk.ask("Is this photo real, and how good is it?", [ALTERED])
    told: Told | None = None
    for state in states:
        if isinstance(state, Running) and state.tool is not None:
            talk.cancel()
        told = state if isinstance(state, Told) else told
    assert told is not None
    assert "The question was cancelled before everything was measured." in told.answer.not_established


def test_a_conversation_deleted_while_it_is_answered_does_not_come_back(desk: Desk, talk: Talk) -> None:
    states = talk.ask("How many faces are there?", [GROUP])
    for state in states:
        if isinstance(state, Running) and state.calls:
            break
    (kept,) = talk.shelf
    talk.leave()
    kept.delete()
    *_, last = states
    assert isinstance(last, Told)
    assert list(talk.shelf) == []
    assert talk.told == []


def test_only_one_question_at_a_time(talk: Talk) -> None:
    running = talk.ask("Is this photo real?", [ALTERED])
    next(running)
    with pytest.raises(UsageError, match="being answered"):
        next(talk.ask("And this one?"))
    running.close()
    assert not talk.busy


def test_an_error_is_a_sentence(tmp_path: Path) -> None:
    talk = Talk(Desk.of(Settings(tmp_path, controller="oracle")), "ada")
    *_, last = talk.ask("Is this photo real?", [ALTERED])
    assert isinstance(last, Running)
    assert last.error is not None and "oracle" in last.error
    assert "oracle" in view.turn(talk.desk, last, 1)


def test_what_comes_next_is_what_was_not_examined(desk: Desk, talk: Talk) -> None:
    asked(talk, "Is this photo real?", ALTERED)
    assert view.following(desk, talk) == [
        "Is the photo good enough to tell?",
        "How old does each person look?",
        "Hide the faces.",
    ]


EXPECTED = {
    "Is this photo real?": "detect_forgery",
    "What do the file’s own records say?": "inspect_provenance",
    "Is the photo good enough to tell?": "assess_quality",
    "How old does each person look?": "estimate_attributes",
    "Hide the faces.": "anonymize_faces",
    "Do these show the same person?": "compare_faces",
    "In which parts are the two faces alike?": "compare_faces",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("question", EXPECTED)
def test_the_questions_that_the_page_offers_are_understood_in_its_language(language: str, question: str) -> None:
    planned = plan(catalogue(language).gettext(question), TWO, tuple(Toolbox.installed()))
    assert EXPECTED[question] in [call.tool for call in planned.calls]
    explained = [call for call in planned.calls if '"explain": true' in call.arguments]
    assert len(explained) == ("parts" in question)


def test_two_tabs_do_not_stop_each_other(desk: Desk) -> None:
    first, second = Talk(desk, "ada"), Talk(desk, "ada")
    answers: list[Told] = []
    thread = threading.Thread(target=lambda: answers.append(asked(first, "How many faces are there?", GROUP)))
    thread.start()
    second.cancel()
    answers.append(asked(second, "How many faces are there?", PORTRAIT))
    thread.join()
    assert {told.answer.status for told in answers} == {"answered"}
    assert len(list(first.shelf)) == 2
