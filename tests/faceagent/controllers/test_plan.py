"""From questions to tool calls: which tools, on which ids, and what is said when none will do."""

from __future__ import annotations

import json
import re

import pytest

from faceagent.controllers.draft import View
from faceagent.controllers.plan import AS_IN, ENROL, FORGET, WHOM_TO_FORGET, plan
from faceagent.messages import LANGUAGES
from faceagent.translate import text_in

ALL = ("detect_faces", "estimate_pose", "compare_faces", "assess_quality", "inspect_provenance", "anonymize_faces")
READING = ("estimate_attributes", "recognize_emotion", "check_liveness", "parse_face")
NOT_LOOKED = View({"image 1": None})
ONE = View({"image 1": ("face 1.1",)})
TWO = View({"image 1": ("face 1.1", "face 1.2"), "image 2": ("face 2.1",)})

TOOLS = {
    "How many people are in this photo?": {"detect_faces"},
    "Are there any faces?": {"detect_faces"},
    "where are the faces": {"detect_faces"},
    "Are these two the same person?": {"compare_faces"},
    "do they look alike": {"compare_faces"},
    "Do these show the same person?": {"compare_faces"},
    "Is the person on the left the same as the one on the right?": {"compare_faces"},
    "Have these people been photoshopped?": {"detect_faces", "inspect_provenance"},
    "Compare the two faces": {"compare_faces"},
    "is he looking at the camera?": {"estimate_pose"},
    "Which way is the head turned?": {"estimate_pose"},
    "is it blurry": {"assess_quality"},
    "Is this good enough for a passport?": {"assess_quality"},
    "Which of these is the sharpest?": {"assess_quality"},
    "Is the photo good enough to compare?": {"assess_quality"},
    "Is this photo genuine?": {"detect_faces", "inspect_provenance"},
    "has it been photoshopped?": {"detect_faces", "inspect_provenance"},
    "Is this AI?": {"detect_faces", "inspect_provenance"},
    "Did someone mess with this picture?": {"detect_faces", "inspect_provenance"},
    "What does the metadata say?": {"inspect_provenance"},
    "When was this taken?": {"inspect_provenance"},
    "Blur the faces please": {"anonymize_faces"},
    "Please hide everyone in the picture": {"anonymize_faces"},
    "Make them unrecognisable": {"anonymize_faces"},
    "How many faces are there and are they sharp?": {"detect_faces", "assess_quality"},
    "Tell me about this photo": {"detect_faces", "estimate_pose", "assess_quality", "inspect_provenance"},
}


@pytest.mark.parametrize(("question", "tools"), TOOLS.items())
def test_the_tools_that_a_question_needs(question: str, tools: set[str]) -> None:
    assert {call.tool for call in plan(question, ONE, ALL).calls} == tools


EXPRESSION = "recognize_emotion", []
ATTRIBUTES = {
    "Is she happy?": EXPRESSION,
    "What mood is he in?": EXPRESSION,
    "How does she feel?": EXPRESSION,
    "Does the man look angry?": EXPRESSION,
    "What is her facial expression?": EXPRESSION,
    "Is she really happy?": EXPRESSION,
    "Is she smiling?": ("estimate_attributes", ["smile"]),
    "Is her smile genuine?": ("estimate_attributes", ["smile"]),
    "How old is she?": ("estimate_attributes", ["age"]),
    "Is he older than 30?": ("estimate_attributes", ["age"]),
    "Is this a child?": ("estimate_attributes", ["age"]),
    "Which of them is the oldest?": ("estimate_attributes", ["age_order"]),
    "Is this a man or a woman?": ("estimate_attributes", ["gender"]),
    "What is her ethnicity?": ("estimate_attributes", ["ethnicity"]),
    "Is she Asian?": ("estimate_attributes", ["ethnicity"]),
    "Is he wearing glasses?": ("estimate_attributes", ["glasses"]),
    "Does he have a beard?": ("estimate_attributes", ["facial_hair"]),
    "What colour is her hair?": ("estimate_attributes", ["hair"]),
    "Is he wearing a hat or earrings?": ("estimate_attributes", ["hat", "earrings"]),
    "How old is she, and is she smiling?": ("estimate_attributes", ["age", "smile"]),
    "Describe the person": ("estimate_attributes", []),
    "Describe him and say how old he is": ("estimate_attributes", []),
    "What does she look like?": ("estimate_attributes", []),
    "Is this a live person or a print?": ("check_liveness", []),
    "Is this a photo of a screen?": ("check_liveness", []),
    "Is he really there?": ("check_liveness", []),
    "Show the regions of the face": ("parse_face", []),
    "Segment the face": ("parse_face", []),
    "Where is the nose?": ("parse_face", []),
    "Are her eyes open?": ("estimate_pose", ["eyes"]),
    "Are the eyes open, and which way is the head turned?": ("estimate_pose", ["eyes", "head", "gaze"]),
    "Are her eyes closed, and where is she looking?": ("estimate_pose", ["eyes", "head", "gaze"]),
    "Is she wearing a face mask?": ("assess_quality", []),
    "How old is this photo?": ("inspect_provenance", ["origin"]),
    "Is this child the same as the other?": ("compare_faces", []),
}


@pytest.mark.parametrize(("question", "wanted"), ATTRIBUTES.items())
def test_what_is_asked_about_people(question: str, wanted: tuple[str, list[str]]) -> None:
    (call,) = plan(question, ONE, (*ALL, *READING)).calls
    assert (call.tool, json.loads(call.arguments).get("about", [])) == wanted


def test_a_description_of_the_photo_includes_the_people() -> None:
    assert "estimate_attributes" in [call.tool for call in plan("Describe this photo", ONE, (*ALL, *READING)).calls]


@pytest.mark.parametrize("question", ["Is he lying?", "Tell me if he is a criminal", "What is on her mind?"])
def test_feelings_as_truth_stay_declined(question: str) -> None:
    chosen = plan(question, ONE, (*ALL, *READING))
    assert (chosen.status, chosen.calls) == ("declined", ())
    assert "cannot be read from a face" in chosen.remarks[0]


@pytest.mark.parametrize("question", ["Is she really happy?", "Is that a fake smile?"])
def test_how_it_looks_is_answered_and_whether_it_is_true_declined(question: str) -> None:
    chosen = plan(question, ONE, (*ALL, *READING))
    assert len(chosen.calls) == 1
    assert "what is behind it" in chosen.remarks[0]


@pytest.mark.parametrize(
    ("question", "label"),
    [
        ("How old is she?", "Estimating age"),
        ("Is he happy?", "facial expression"),
        ("Who is this?", "Finding a person"),
        ("Is this a printed photo?", "Telling a live face"),
    ],
)
def test_what_is_not_installed_is_said(question: str, label: str) -> None:
    chosen = plan(question, ONE, ALL)
    assert chosen.status == "not_offered"
    assert not chosen.calls
    assert label in chosen.not_offered[0]


def test_a_missing_photo_is_asked_for() -> None:
    assert plan("Is this photo real?", View({}), ALL).status == "needs_photo"


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("Is he a criminal?", "declined"),
        ("What's the weather?", "needs_clarification"),
        ("Hello!", "answered"),
        ("What can you do?", "answered"),
    ],
)
def test_what_needs_no_tool(question: str, status: str) -> None:
    chosen = plan(question, ONE, ALL)
    assert (chosen.status, chosen.calls) == (status, ())
    assert chosen.remarks


def test_half_a_question_is_declined_and_the_other_half_answered() -> None:
    chosen = plan("Is he a criminal, and is the photo sharp?", ONE, ALL)
    assert [call.tool for call in chosen.calls] == ["assess_quality"]
    assert "crime" in chosen.remarks[0]


def subjects(question: str, view: View) -> object:
    call = plan(question, view, ALL).calls[-1]
    arguments = json.loads(call.arguments)
    return arguments.get("subjects", arguments.get("images"))


@pytest.mark.parametrize(
    ("question", "ids"),
    [
        ("Is face 1.2 sharp?", ["face 1.2"]),
        ("Is photo 2 sharp?", ["image 2"]),
        ("Is the second picture sharp?", ["image 2"]),
        ("Is the last image sharp?", ["image 2"]),
        ("Is the woman on the left sharp?", ["face 1.1"]),
        ("Is the rightmost face in image 1 sharp?", ["face 1.2"]),
        ("Is the man on the left the same person as in photo 2?", ["face 1.1", "image 2"]),
        ("Has image 2 been edited?", ["image 2"]),
        ("Is everything sharp?", None),
        ("Is the man on the left the same as the man on the right?", ["face 1.1", "face 1.2"]),
        ("Is face 7.1 sharp?", ["face 7.1"]),
    ],
)
def test_what_a_question_points_at(question: str, ids: object) -> None:
    assert subjects(question, TWO) == ids


def test_sides_are_resolved_after_looking_for_faces() -> None:
    first = plan("Is the woman on the left sharp?", NOT_LOOKED, ALL)
    assert [call.tool for call in first.calls] == ["detect_faces"]


def test_the_inventory_reads_back() -> None:
    lines = ["Photos:", "image 1: faces face 1.1, face 1.2", "image 2: faces not looked for yet", "image 3: faces none"]
    text = "\n".join(lines)
    view = View.read([text])
    assert view.faces == {"image 1": ("face 1.1", "face 1.2"), "image 2": None, "image 3": ()}


FILMS = (*ALL, "detect_forgery", "examine_video")


def of_view(faces: dict[str, tuple[str, ...] | None], stills: tuple[str, ...] | None) -> View:
    return View(faces, {"video 1": stills})


@pytest.mark.parametrize(
    ("question", "before", "after"),
    [
        ("Is this a deepfake?", {"examine_video"}, {"examine_video", "inspect_provenance"}),
        ("How many people are there?", {"examine_video"}, {"examine_video"}),
        ("Is it sharp?", {"examine_video"}, {"assess_quality"}),
        ("When was this taken?", {"inspect_provenance"}, {"inspect_provenance"}),
    ],
)
def test_a_video_is_looked_at_first_and_then_its_stills(question: str, before: set[str], after: set[str]) -> None:
    first = plan(question, of_view({}, None), FILMS)
    then = plan(question, of_view({"image 1": ("face 1.1",)}, ("image 1",)), FILMS)
    assert {call.tool for call in first.calls} == before
    assert {call.tool for call in then.calls} == after


def test_what_is_asked_of_whole_photos_is_not_asked_of_stills() -> None:
    view = of_view({"image 1": None, "image 2": ("face 2.1",)}, ("image 2",))
    calls = {call.tool: json.loads(call.arguments) for call in plan("Is this real?", view, FILMS).calls}
    assert set(calls) == {"examine_video", "detect_faces", "detect_forgery", "inspect_provenance"}
    assert calls["inspect_provenance"] == {}
    assert calls["detect_forgery"] == {"subjects": ["image 1"]}


def test_the_records_of_somebody_in_a_video_are_the_videos() -> None:
    view = of_view({"image 1": None, "image 2": ("face 2.1", "face 2.2")}, ("image 2",))
    (call,) = plan("When was the picture 2 taken?", view, FILMS).calls
    assert (call.tool, json.loads(call.arguments)) == (
        "inspect_provenance",
        {"about": ["origin"], "videos": ["video 1"]},
    )


def test_nobody_in_a_video_leaves_its_records() -> None:
    calls = plan("Is this a deepfake?", of_view({}, ()), FILMS).calls
    assert [call.tool for call in calls] == ["examine_video", "inspect_provenance"]


def test_without_the_tool_for_frames_a_videos_records_are_read() -> None:
    found = plan("Is this real?", of_view({}, None), ALL)
    assert [call.tool for call in found.calls] == ["inspect_provenance"]
    assert "Following faces through a video is not offered in this installation." in found.not_offered
    assert plan("How many people are there?", of_view({}, None), ALL).status == "not_offered"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("asking", "tool"), [(AS_IN, ENROL), (WHOM_TO_FORGET, FORGET)])
def test_what_is_asked_for_as_in_an_example_is_understood_as_in_the_example(language, asking, tool):
    example = re.split(r"[:：]\s?", text_in(asking, language), maxsplit=1)[1]
    (call,) = plan(example, View({"image 1": ("face 1.1", "face 1.2")}), ("detect_faces", ENROL, FORGET)).calls
    arguments = json.loads(call.arguments)
    assert (call.tool, arguments["name"]) == (tool, "Anna Bell")
    if tool == ENROL:
        assert arguments["consent"] == example and arguments["subjects"] == ["face 1.1"]
