"""Answers in the order in which a question wants them."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceagent import FaceAgent
from faceagent.controllers.draft import View
from faceagent.controllers.plan import plan
from faceagent.controllers.sequence import in_sequence

EXAMPLES = Path(__file__).parents[3] / "examples"
ALL = ("detect_faces", "compare_faces", "assess_quality", "anonymize_faces", "estimate_attributes", "estimate_pose")
TWO = View({"image 1": ("face 1.1", "face 1.2")})


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("First count the faces, then compare them", ["count the faces", "compare them"]),
        ("hide everyone but first tell me if he is smiling", ["tell me if he is smiling", "hide everyone"]),
        ("Before you hide them, tell me their age", ["tell me their age", "you hide them"]),
        ("Tell me their age before hiding them", ["Tell me their age", "hiding them"]),
        ("hide them after counting them", ["counting them", "hide them"]),
        ("After counting them, hide them", ["counting them", "hide them"]),
        ("primero cuenta las caras y luego compáralas", ["cuenta las caras", "compáralas"]),
        ("Floute-les, mais dis-moi d'abord s'il sourit", ["s'il sourit", "Floute-les, mais dis-moi"]),
        ("Erst zähl die Gesichter, dann vergleich sie", ["zähl die Gesichter", "vergleich sie"]),
        ("Größe? Danach Schärfe", ["Größe", "Schärfe"]),
        ("先数人脸，然后比较他们", ["数人脸", "比较他们"]),
        ("Is the first person smiling, and is the photo sharp?", []),
        ("Who is the man next to the first one?", []),
        ("¿Sonríe el primero por la izquierda?", []),
        ("Was it edited before?", []),
        ("then", []),
        ("", []),
    ],
)
def test_the_parts_of_a_question(question: str, parts: list[str]) -> None:
    assert [part.strip(" ,，?") for part in in_sequence(question)] == parts


@pytest.mark.parametrize(
    ("question", "tools"),
    [
        ("hide everyone but first tell me if he is smiling", ["estimate_attributes", "anonymize_faces"]),
        ("hide everyone and tell me whether they are smiling", ["anonymize_faces", "estimate_attributes"]),
        ("first compare them, then count the faces", ["compare_faces", "detect_faces"]),
        ("First tell me whether the photo is sharp, then how old they are", ["assess_quality", "estimate_attributes"]),
        ("Erst sag mir ob das Foto scharf ist, dann wie alt sie sind", ["assess_quality", "estimate_attributes"]),
    ],
)
def test_tools_are_called_in_the_order_asked_for(question: str, tools: list[str]) -> None:
    chosen = plan(question, View({"image 1": ("face 1.1",)}), ALL)
    assert [call.tool for call in chosen.calls] == tools
    assert list(chosen.asked) == tools


def test_two_parts_of_one_tool_are_two_calls() -> None:
    calls = plan("First say whether they smile, then how old they are", TWO, ALL).calls
    assert [call.arguments for call in calls] == ['{"about": ["smile"]}', '{"about": ["age"]}']


@pytest.mark.parametrize(
    ("question", "tools"),
    [
        ("First compare the faces, then count them", ["compare_faces", "detect_faces"]),
        ("Compare the faces, but first count them", ["detect_faces", "compare_faces"]),
        ("Tell me whether the photo is sharp after you have counted the faces", ["detect_faces", "assess_quality"]),
    ],
)
def test_each_part_is_answered_with_its_reasons_before_the_next(question: str, tools: list[str]) -> None:
    answer = FaceAgent().ask(question, [EXAMPLES / "group.jpg"])
    by_id = {row.id: row.tool for row in answer.evidence}
    said = [by_id[claim.evidence[0]] for claim in answer.claims]
    assert list(dict.fromkeys(said)) == tools
    assert said == sorted(said, key=tools.index)
    places = [answer.text.index(claim.sentence[:-1]) for claim in answer.claims]
    assert places == sorted(places)
