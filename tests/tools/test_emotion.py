"""Expressions: only for a purpose, in words that the probabilities carry, and never as a feeling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from held import sentences, word
from hypothesis import given, settings
from hypothesis import strategies as st
from placed import CHOSEN, PLACES, Given, Place, ask, never_met, number_of, placed, some_of
from readings import Reads, read_as

from faceagent import policy
from faceagent.agent import FaceAgent
from faceagent.media import Photo
from faceagent.policy import how_to_open
from faceagent.report import build_report
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Box, Claim, Evidence, Face
from faceagent_tools import minors
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.emotion import RecognizeEmotion
from faceagent_tools.emotion_words import WORDS, about
from faceagent_tools.hsemotion import HSEmotion, Scores
from faceagent_tools.multitask import EMOTIONS, FaceReader, Reading, calibration


def say(
    *shares: Mapping[str, float], purpose: str | None = "research", yaw: float = 0.0, width: float = 80.0
) -> tuple[list[Evidence], list[Claim]]:
    """Evidence and grounded sentences on faces side by side that are read as wanted."""
    session = Session(purpose)
    session.add(Photo.open(np.zeros((200, 600, 3), np.uint8)))
    session.set_faces(
        "image 1",
        [
            Face(
                id=f"face 1.{k}",
                image="image 1",
                box=Box(x0=100 * k, y0=50, x1=100 * k + width, y1=50 + width),
                score=1.0,
            )
            for k in range(1, len(shares) + 1)
        ],
    )
    tool = RecognizeEmotion(Reads(*shares, yaw=yaw))
    rows = [session.ledger.record(row) for row in tool.run(session, tool.arguments())]
    return rows, word(tool, rows, session)


def test_without_a_purpose_nothing_is_read_and_the_way_is_told() -> None:
    rows, claims = say({"happiness": 0.9}, purpose=None)
    assert (rows[0].status, rows[0].value, rows[0].probability) == ("abstained", None, None)
    assert rows[0].reason == how_to_open("emotion")
    assert "art. 5(1)(f)" in str(rows[0].details["law"])
    said = sentences(claims)
    assert "happy" not in said
    assert said.startswith("The expression of the face was not read, because EU law")
    assert "--purpose" in said


@pytest.mark.parametrize(("purpose", "status"), [("personal", "abstained"), ("research", "ok")])
def test_the_expression_of_a_child_is_read_for_research_alone(
    monkeypatch: pytest.MonkeyPatch, purpose: str, status: str
) -> None:
    monkeypatch.setattr(minors, "looks_minor", lambda reading: True)
    rows, claims = say({"happiness": 0.9}, purpose=purpose)
    assert rows[0].status == status
    if status == "abstained":
        assert "looks like that of a child" in claims[0].sentence


def test_the_reason_is_given_once_for_all_faces() -> None:
    _, claims = say({"happiness": 0.9}, {"anger": 0.9}, purpose=None)
    assert [claim.subject for claim in claims] == ["face 1.1 + face 1.2"]


def test_a_clear_expression() -> None:
    (row,), claims = say({"happiness": 0.86})
    assert row.value == "happiness"
    assert row.probability is not None
    assert row.probability.value == pytest.approx(0.86)
    assert row.probability.n == calibration().table["calibration"]["emotion"]["n_fit"]
    shares: Any = row.details["probabilities"]
    assert set(shares) == set(EMOTIONS)
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    said = sentences(claims)
    assert "The face would probably be described as happy: about 85 in 100 people" in said
    assert "not what somebody feels" in said
    assert row.details["purpose"] == "research" and "“research”" in said


def test_below_half_it_names_both_candidates() -> None:
    (row,), claims = say({"sadness": 0.42, "neutral": 0.33})
    assert row.value == "sadness"
    assert row.threshold is not None and row.score is not None
    assert not row.threshold.holds(row.score)
    said = sentences(claims)
    assert "is ambiguous" in said
    assert "sad (about 40 in 100 people) and neutral (about 35)" in said
    assert "would probably be described" not in said


@pytest.mark.parametrize(
    ("probability", "said"), [(0.93, "about 95 in"), (0.96, "more than 95 in"), (0.52, "about 50")]
)
def test_how_many_people_is_not_rounded_into_more_than_was_found(probability: float, said: str) -> None:
    assert said in sentences(say({"anger": probability})[1])


def test_faces_that_look_alike_share_a_sentence() -> None:
    _, claims = say({"happiness": 0.97}, {"anger": 0.8}, {"happiness": 0.71})
    answers = [claim for claim in claims if claim.role == "answer"]
    assert [claim.subject for claim in answers] == ["face 1.1 + face 1.3", "face 1.2"]
    assert "about 70 in 100 people would choose that word for the least clear of them" in answers[0].sentence
    assert "angry: about 80 in 100" in answers[1].sentence


@pytest.mark.parametrize(("name", "seldom"), [("happiness", False), ("disgust", True)])
def test_the_weakness_of_the_network_is_said_where_it_matters(
    name: str, seldom: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    recall = calibration().table["figures"]["ferplus"]["recall_by_expression"]
    monkeypatch.setitem(recall, "disgust", {"photos": 21, "recall": 0.19})
    monkeypatch.setitem(recall, "happiness", {"photos": 858, "recall": 0.93})
    said = sentences(say({name: 0.8})[1])
    assert (
        f"of 21 validation photos that people most often called {WORDS[name]}, it recognised 19 %" in said
    ) is seldom


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"yaw": 70.0}, "turned too far"), ({"width": 15.0}, "15 pixels wide")],
)
def test_a_face_that_cannot_be_read(options: dict[str, float], reason: str) -> None:
    (row,), claims = say({"happiness": 0.9}, **options)
    assert row.status == "abstained"
    assert reason in sentences(claims)


# Whatever is read.


@st.composite
def _readings(draw: st.DrawFn) -> Reading:
    """Any shares of the eight expressions, one of them nearly all or none; of a child or not; clear or not."""
    shares = np.array(draw(st.lists(st.floats(0.0001, 1), min_size=8, max_size=8)))
    shares[draw(st.integers(0, 7))] *= draw(st.sampled_from((1, 1, 5, 1e6)))
    clear = st.sampled_from((1.0, 1.0, 1.0, 0.0))
    return replace(
        read_as(dict(zip(EMOTIONS, shares / shares.sum(), strict=True)), yaw=draw(st.sampled_from((0.0, 0.0, 70.0)))),
        age=draw(st.sampled_from((6.0, 40.0, 40.0))),
        face=draw(clear),
        detail=draw(clear),
    )


class Scored(HSEmotion):
    """The published network with the shares that a test made up, and a pleasantness and excitement, or neither."""

    def __init__(self, session: Session, readings: Sequence[Reading], scale: float | None) -> None:
        super().__init__(Path("none.onnx"))
        self.session, self.readings, self.scale = session, readings, scale

    def read(self, photo: Photo, face: Face) -> Scores:
        reading = self.readings[number_of(self.session, face)]
        shares = dict(zip(EMOTIONS, map(float, reading.emotions), strict=True))
        return Scores(shares, self.scale, None if self.scale is None else -self.scale)


@settings(max_examples=150)
@given(
    PLACES,
    st.lists(_readings(), min_size=4, max_size=4),
    CHOSEN,
    st.sampled_from((None, *policy.purposes(), "research", "personal")),
    st.one_of(st.just("ours"), st.none(), st.floats(-1, 1)),
)
def test_whatever_is_read_is_worded_within_the_evidence(
    places: list[Place],
    readings: list[Reading],
    chosen: list[bool],
    purpose: str | None,
    scale: float | str | None,
) -> None:
    session = placed(places, purpose)
    tool = RecognizeEmotion(Given(readings))
    if not isinstance(scale, str):
        tool._published = Scored(session, readings, scale)
    evidence, claims = ask(tool, session, subjects=some_of(session, chosen))
    answered = {part for claim in claims if claim.role == "answer" for part in claim.subject.split(" + ")}
    assert answered == {row.subject for row in evidence}


def test_there_are_no_words_for_what_is_never_read() -> None:
    assert never_met([row for name in EMOTIONS for row in say({name: 0.9})[0]], "expression") == []


@given(st.floats(0, 1))
def test_people_of_a_hundred_are_never_all(probability: float) -> None:
    assert about(probability) <= 95
    assert about(probability) % 5 == 0


# On a real photo, with the network that ships.

TOOLS = [DetectFaces(FaceDetector("dlib")), RecognizeEmotion(FaceReader())]


def test_the_portrait_smiles(portrait: Photo) -> None:
    answer = FaceAgent(tools=TOOLS, purpose="accessibility").ask("Is she happy?", images=[portrait])
    (row,) = (row for row in answer.evidence if row.attribute == "expression")
    assert (row.status, row.value) == ("ok", "happiness")
    assert "would probably be described as happy" in answer.text
    assert "accessibility" in answer.text


def test_without_a_purpose_the_answer_is_polite_and_no_expression_is_in_it(portrait: Photo) -> None:
    answer = FaceAgent(tools=TOOLS).ask("Is she happy?", images=[portrait])
    assert "state" in answer.text and "happy" not in answer.text
    assert not any(row.value == "happiness" for row in answer.evidence)


def test_a_purpose_that_does_not_exist_in_a_hand_made_session_is_refused(portrait: Photo) -> None:
    session = Session("curiosity")
    session.add(portrait)
    outcome = Toolbox(TOOLS).call(session, "recognize_emotion", {})[-1]
    assert outcome.step.status == "refused"
    assert "Known purposes" in (outcome.step.message or "")


def test_a_report_reads_expressions_only_for_a_purpose(portrait: Photo) -> None:
    for purpose in (None, "research"):
        report = build_report(Toolbox(TOOLS), [portrait], command="faceagent report", purpose=purpose)[0]
        found = [row.value for row in report.exhibits[0].evidence if row.attribute == "expression"]
        assert found == ([] if purpose is None else ["happiness"])
        assert not report.withheld
