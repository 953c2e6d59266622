"""Names and consent in questions, and what is asked back where they are missing."""

from __future__ import annotations

import json

import pytest

from faceagent.controllers.draft import View
from faceagent.controllers.naming import consent_in, name_in, protected_in
from faceagent.controllers.plan import WITH_CONSENT, plan

ENROL, FORGET, VERIFY = "enroll_person", "forget_person", "verify_protected_identity"
TOOLS = ("detect_faces", "identify_person", ENROL, FORGET, VERIFY)
TWO = View({"image 1": ("face 1.1",), "image 2": ("face 2.1",)})
ONE = View({"image 1": ("face 1.1",)})


@pytest.mark.parametrize(
    ("tool", "question", "name"),
    [
        (ENROL, "enrol her as anna", "anna"),
        (ENROL, "add this as Mr Smith", "Mr Smith"),
        (ENROL, "Add our new CFO to the gallery, name Tobias Renn", "Tobias Renn"),
        (ENROL, "Please keep this face under the name Wilhelmina Cartwright for next time", "Wilhelmina Cartwright"),
        (ENROL, "enrol him as our new employee", ""),
        (ENROL, "her name is Lisa, keep that", "Lisa"),
        (ENROL, "remember this person as Tom de la Cruz for next time", "Tom de la Cruz"),
        (ENROL, "enrol face 1.1 as “Anna Bell”, who agreed in writing on 2 May", "Anna Bell"),
        (ENROL, "enrol this face", ""),
        (ENROL, "Enrol face 1.1 as Anna Bell. I will ask for her consent", "Anna Bell"),
        (ENROL, "Enrol face 1.1 as Anna Bell. Has she agreed?", "Anna Bell"),
        (ENROL, "Enrol her as Anna B. She agreed", "Anna B"),
        (ENROL, "Enrol him as Dr. J. R. R. Tolkien. He agreed", "Dr. J. R. R. Tolkien"),
        (ENROL, "put him in as Ravi. Junior or adult tariff, by looks?", "Ravi"),
        (ENROL, "Enrol face 1.1 as Anna Bell When she agrees", "Anna Bell"),
        (ENROL, 'Enrol face 1.1 as Anna Bell, who said "I agree"', "Anna Bell"),
        (ENROL, 'Enrol face 1.1, she said "I agree"', ""),
        (ENROL, 'Enrol the face in "party.jpg" as Anna Bell', "Anna Bell"),
        (ENROL, 'Enrol the face in "party.jpg" as "Anna Bell"', "Anna Bell"),
        (ENROL, 'Enrol the face in "party.jpg"', ""),
        (ENROL, "Enrol the man called Tom as Thomas Bell", "Thomas Bell"),
        (ENROL, "Whitelist this chap under “plumber”", "plumber"),
        (ENROL, "Name: Anna Bell\nConsent: signed", "Anna Bell"),
        (ENROL, "Trag sie als „Anna Bell“ ein", "Anna Bell"),
        (ENROL, "Guárdalo como Hernán «el Tano» Bianchi", "Hernán «el Tano» Bianchi"),
        (ENROL, "Inscris-la sous le nom d'Anna Bell", "Anna Bell"),
        (ENROL, "把她登记为“王丽娟”", "王丽娟"),
        (FORGET, "forget Anna", "Anna"),
        (FORGET, "delete Anna's template", "Anna"),
        (FORGET, "remove Peter Pan from the gallery", "Peter Pan"),
        (FORGET, "forget this person", ""),
        (FORGET, "Erase Anna Bell's data", "Anna Bell"),
        (FORGET, "Please delete Anna Bell's data", "Anna Bell"),
        (FORGET, "Is Anna Bell's template still there? Then it must go", "Anna Bell"),
        (FORGET, "Please delete Ivan. Does the man here have spectacles?", "Ivan"),
        (FORGET, "Don't delete Tom, delete Anna", "Anna"),
        (FORGET, "Delete Anna, keep Tom's data", "Anna"),
        (FORGET, "Keep this face as “Maria” and delete the entry “Mitzi”", "Mitzi"),
        (FORGET, "Keep the new one as Maria, the old one has to go", ""),
        (FORGET, "Remove whoever is stored as Tom", "Tom"),
        (VERIFY, "is someone impersonating Maria Lopez?", "Maria Lopez"),
        (VERIFY, "is this really our CEO?", ""),
    ],
)
def test_the_name_in_a_question(tool, question, name):
    assert name_in(question, tool) == name


@pytest.mark.parametrize(
    ("question", "agreed"),
    [
        ("enrol her as Anna, she agreed in writing", True),
        ("with her consent, register her as Sara", True),
        ("enrol her as Anna without her consent", False),
        ("enrol her as Anna, she didn't agree", False),
        ("she never gave permission", False),
        ("enrol her as Anna", False),
    ],
)
def test_consent_is_what_the_question_states(question, agreed):
    assert bool(consent_in(question)) is agreed


def test_who_is_to_be_protected():
    assert protected_in("Register VIP: Baroness Achterberg")
    assert not protected_in("enrol her as Anna")


def arguments(question, view=ONE):
    return {call.tool: json.loads(call.arguments) for call in plan(question, view, TOOLS).calls}


def test_enrolling_reaches_the_tool_with_name_and_consent():
    question = "Enrol her as Anna Bell, with her written consent"
    assert arguments(question) == {ENROL: {"name": "Anna Bell", "consent": question}}


def test_to_enrol_somebody_as_protected_is_no_question_of_authenticity():
    question = "Enrol her as Anna Bell, a protected person, she agreed in writing"
    assert arguments(question) == {ENROL: {"name": "Anna Bell", "consent": question, "protected": True}}


def test_that_somebody_has_a_second_name_reaches_the_tool():
    question = "Enrol her as Anna Bell, it is a second name, she agreed in writing"
    assert arguments(question) == {ENROL: {"name": "Anna Bell", "consent": question, "another_name": True}}


def test_without_a_name_or_consent_it_is_asked_for():
    answer = plan("Add her to the gallery", ONE, TOOLS)
    assert (answer.status, answer.calls) == ("needs_clarification", ())
    assert "Under which name" in answer.remarks[0]
    assert WITH_CONSENT in answer.remarks
    assert "Under which name" not in plan("Enrol her as Anna Bell", ONE, TOOLS).remarks[0]


def test_what_else_was_asked_is_answered_before_somebody_can_be_enrolled():
    answer = plan("Is the photo sharp? And add her to the gallery", ONE, (*TOOLS, "assess_quality"))
    assert [call.tool for call in answer.calls] == ["assess_quality"]
    assert (answer.status, answer.asked, answer.lacking) == ("partly_answered", ("assess_quality",), (ENROL,))
    assert {"Under which name shall I enrol the person?", WITH_CONSENT} <= set(answer.remarks)


def test_forgetting_needs_a_name_and_no_photo():
    for question in ("Delete Anna Bell from the gallery", "Delete everything you have on Anna Bell"):
        assert arguments(question, View({})) == {FORGET: {"name": "Anna Bell"}}
    answer = plan("Forget this person", View({}), TOOLS)
    assert (answer.status, answer.calls) == ("needs_clarification", ())


@pytest.mark.parametrize(
    ("question", "tool", "given"),
    [
        ("Who is this?", "identify_person", {}),
        ("Is he in our gallery?", "identify_person", {}),
        ("Is someone impersonating our CEO?", VERIFY, {}),
        ("Is someone impersonating Maria Lopez?", VERIFY, {"name": "Maria Lopez"}),
    ],
)
def test_the_other_questions_about_people(question, tool, given):
    assert arguments(question)[tool] == given


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("Is it good enough for a passport?", ["document"]),
        ("Ist das Foto scharf genug für den Personalausweis?", ["document"]),
        ("这张照片可以做证件照吗？", ["document"]),
        ("Is the photo sharp enough?", None),
        ("Which of the two photos is sharper?", ["sharpest"]),
        ("Welches Foto ist schärfer?", ["sharpest"]),
        ("Quelle photo est la plus nette ?", ["sharpest"]),
        ("¿Cuál de las dos fotos es más nítida?", ["sharpest"]),
        ("哪张照片更清晰？", ["sharpest"]),
        ("Is it good enough to pass as a portrait?", None),
    ],
)
def test_what_of_the_quality_is_asked_about_reaches_the_tool(question, about):
    (call,) = plan(question, ONE, ("assess_quality",)).calls
    assert json.loads(call.arguments).get("about") == about


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("Which of these two is more likely fake?", ["which"]),
        ("Which one is the real photo?", ["which"]),
        ("Welches der beiden Bilder ist gefälscht?", ["which"]),
        ("¿Cuál de las dos fotos es falsa?", ["which"]),
        ("Laquelle des deux photos est truquée ?", ["which"]),
        ("这两张照片哪张是假的？", ["which"]),
        ("Which part of the face was edited?", None),
        ("Is this photo fake?", None),
    ],
)
def test_asked_which_one_is_forged_the_tool_is_told(question, about):
    (call,) = (one for one in plan(question, TWO, ("detect_forgery",)).calls if one.tool == "detect_forgery")
    assert json.loads(call.arguments).get("about") == about


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("Has the background been edited?", ["outside"]),
        ("Was something in the picture behind her altered?", ["outside"]),
        ("Is the poster on the wall photoshopped?", ["outside"]),
        ("Was somebody removed from this picture?", ["outside"]),
        ("Did they photoshop this, did somebody get cut out of it?", ["outside"]),
        ("Which of these two photos was edited in the background?", ["which", "outside"]),
        ("Wurde der Hintergrund bearbeitet?", ["outside"]),
        ("Wurde jemand aus dem Bild entfernt?", ["outside"]),
        ("L'arrière-plan a-t-il été modifié ?", ["outside"]),
        ("Le fond a-t-il été truqué ?", ["outside"]),
        ("Quelqu'un a-t-il été effacé de la photo ?", ["outside"]),
        ("¿Se ha editado el fondo?", ["outside"]),
        ("¿Hay algo manipulado detrás de ella?", ["outside"]),
        ("背景被修改过吗？", ["outside"]),
        ("照片里有人被P掉了吗？", ["outside"]),
        ("Is there a trick behind this photo?", None),
        ("Somebody removed the scar digitally, am I right?", None),
        ("Were this person's wrinkles removed? Is it edited?", None),
        ("Is this photo fake?", None),
    ],
)
def test_asked_about_what_lies_outside_of_faces_the_tool_is_told(question, about):
    (call,) = (one for one in plan(question, TWO, ("detect_forgery",)).calls if one.tool == "detect_forgery")
    assert json.loads(call.arguments).get("about") == about


@pytest.mark.parametrize(
    ("question", "explained"),
    [
        ("Is it the same man? Explain which features match.", True),
        ("Why are these the same person?", True),
        ("Sind das dieselben Leute? Begründe es.", True),
        ("Pourquoi est-ce la même personne ?", True),
        ("¿Son la misma persona? ¿Qué rasgos coinciden?", True),
        ("这两个人是同一个人吗？为什么？", True),
        ("Are these the same person?", None),
    ],
)
def test_asked_for_reasons_a_comparison_is_explained(question, explained):
    (call,) = (one for one in plan(question, TWO, ("compare_faces",)).calls if one.tool == "compare_faces")
    assert json.loads(call.arguments).get("explain") == explained


@pytest.mark.parametrize(
    ("said", "answer"), [("Hello!", "Hello."), ("Thanks a lot!", "You are welcome."), ("Danke", "You")]
)
def test_a_greeting_is_returned_and_thanks_are_taken(said, answer):
    (remark,) = plan(said, ONE, TOOLS).remarks
    assert remark.startswith(answer)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("how tall is the building behind her", "not_offered"),
        ("Write a poem about autumn", "not_offered"),
        ("make my skin smoother", "not_offered"),
        ("???", "needs_clarification"),
        ("tense?", "needs_clarification"),
    ],
)
def test_what_has_nothing_to_do_with_faces_is_said_to_be_outside(said, status):
    answer = plan(said, ONE, TOOLS)
    assert (answer.status, answer.calls) == (status, ())
    assert ("nothing to do with the faces" in " ".join(answer.remarks)) == (status == "not_offered")
