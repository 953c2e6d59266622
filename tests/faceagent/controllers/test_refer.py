"""Whom a question points at, in a conversation that goes on; and that nothing is guessed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.controllers.clarify import whom
from faceagent.controllers.draft import Earlier, View
from faceagent.controllers.plan import plan
from faceagent.controllers.refer import points_only, references, without_age_reference

ALL = ("detect_faces", "estimate_pose", "compare_faces", "assess_quality", "inspect_provenance", "estimate_attributes")


def photo(*counts: int, by_age: tuple[tuple[str, float], ...] | None = None) -> View:
    """Photos with so many faces each."""
    faces = {
        f"image {image}": tuple(f"face {image}.{face}" for face in range(1, count + 1))
        for image, count in enumerate(counts, start=1)
    }
    return View(dict(faces), {}, by_age)


def after(*subjects: str, question: str = "How old is the woman on the left?") -> list[Earlier]:
    return [Earlier(question, subjects)]


TWO, THREE, FIVE = photo(2), photo(3), photo(5)
ALL_THREE = ["face 1.1", "face 1.2", "face 1.3"]
LEFT, MIDDLE, RIGHT = after("face 1.1"), after("face 1.2"), after("face 1.3")


@pytest.mark.parametrize(
    ("question", "view", "history", "subjects"),
    [
        ("How old is the woman on the left?", TWO, [], ["face 1.1"]),
        ("the second face", TWO, [], ["face 1.2"]),
        ("How old is the third person?", TWO, [], ["face 1.3"]),
        ("Is the last person smiling?", THREE, [], ["face 1.3"]),
        ("Is the man second from the right smiling?", FIVE, [], ["face 1.4"]),
        ("And the one in the middle?", THREE, [], ["face 1.2"]),
        ("Is the woman on the far left older than the one on the right?", THREE, [], ["face 1.1", "face 1.3"]),
        ("Who is older, the left or the right person?", TWO, [], ["face 1.1", "face 1.2"]),
        ("Wer ist älter, die linke oder die rechte Person?", TWO, [], ["face 1.1", "face 1.2"]),
        ("What about her age?", TWO, LEFT, ["face 1.1"]),
        ("him?", TWO, LEFT, ["face 1.1"]),
        ("Is this person wearing glasses?", TWO, LEFT, ["face 1.1"]),
        ("and the glasses?", TWO, LEFT, ["face 1.1"]),
        ("How many faces are there?", TWO, LEFT, []),
        ("and the other one?", TWO, LEFT, ["face 1.2"]),
        ("and the others?", THREE, LEFT, ["face 1.2", "face 1.3"]),
        ("Is she older than the other one?", TWO, LEFT, ["face 1.1", "face 1.2"]),
        ("How old are they?", TWO, LEFT, []),
        ("both", TWO, LEFT, []),
        ("left", TWO, [], ["face 1.1"]),
        ("the second", TWO, [], ["face 1.2"]),
        ("1.2", TWO, [], ["face 1.2"]),
        ("Which is the sharpest face?", TWO, [], []),
        ("Who is the most serious person?", TWO, [], []),
        ("Is she looking to the left?", TWO, after("face 1.2"), ["face 1.2"]),
        ("Is the man on the left turned slightly to the right?", TWO, [], ["face 1.1"]),
        ("Is her left eye open?", TWO, after("face 1.2"), ["face 1.2"]),
        ("How old is she?", photo(1), [], []),
        ("and the other one?", photo(1), after("face 1.1"), ["face 1.2"]),
        ("How old is she?", photo(1, 1), [], []),
        ("How old is she?", photo(1, 1), after("face 2.1"), ["face 2.1"]),
        ("and the other photo?", photo(1, 1), after("image 2"), ["image 1"]),
        ("How old is the woman in the left photo?", photo(1, 1), [], ["image 1"]),
        ("And the right-hand picture?", photo(1, 1), after("face 1.1"), ["image 2"]),
        ("Is the photo on the right edited?", photo(2, 2), [], ["image 2"]),
        ("How old is the man on the left in the right photo?", photo(2, 2), [], ["face 2.1"]),
        ("Is this the right photo for a passport?", photo(1, 1), [], []),
        ("¿Qué edad tiene la persona de la foto de la izquierda?", photo(1, 1), [], ["image 1"]),
        ("Quel âge a la personne sur la photo de droite ?", photo(1, 1), [], ["image 2"]),
        ("Wie alt ist die Frau auf dem linken Bild?", photo(1, 1), [], ["image 1"]),
        ("左边那张照片里的人多大？", photo(1, 1), [], ["image 1"]),
        ("右图是合成的吗？", photo(2, 2), [], ["image 2"]),
        ("Was it edited?", photo(1, 1), after("image 2"), ["image 2"]),
        ("How old is the person in photo 1?", photo(1, 2), [], ["image 1"]),
        ("Is the face on the right sharp?", photo(1, 2), [], ["face 2.2"]),
        ("Is the face on the right sharp?", photo(2, 2), after("face 2.1"), ["face 2.2"]),
        ("Was another person's face pasted onto this?", photo(1), [], []),
        ("Did somebody put another man's face there?", TWO, [], []),
        ("Is the face sharp?", TWO, after("face 9.9", "image 7"), None),
        ("Blur everyone except the woman on the left", THREE, [], ["face 1.2", "face 1.3"]),
        ("hide everybody but her", TWO, LEFT, ["face 1.2"]),
        ("hide everybody but her", THREE, [], None),
        ("hide everyone but first tell me about them", TWO, LEFT, []),
        ("Is the second man on the right smiling?", FIVE, [], ["face 1.4"]),
        ("How old is the woman next to her?", THREE, LEFT, ["face 1.2"]),
        ("And the woman next to her?", THREE, LEFT, ["face 1.2"]),
        ("And the next one?", THREE, LEFT, ["face 1.2"]),
        ("and the previous one?", THREE, RIGHT, ["face 1.2"]),
        ("How old are the next two?", FIVE, MIDDLE, ["face 1.3", "face 1.4"]),
        ("How old is the one to the left of face 1.3?", THREE, [], ["face 1.2"]),
        ("Is everyone to the right of her smiling?", THREE, LEFT, ["face 1.2", "face 1.3"]),
        ("the second one to the left of face 1.4", FIVE, [], ["face 1.2"]),
        ("the one further right?", FIVE, MIDDLE, ["face 1.3"]),
        ("the one next to her on the right?", THREE, MIDDLE, ["face 1.3"]),
        ("How old is the man on her left?", THREE, LEFT, ["face 1.2"]),
        ("How old is the man next to the woman on the left?", THREE, [], ["face 1.2"]),
        ("Is the man next to the last person smiling?", FIVE, [], ["face 1.4"]),
        ("How old is the neighbor of face 1.1?", THREE, [], ["face 1.2"]),
        ("How old is the woman she is standing next to?", THREE, LEFT, ["face 1.2"]),
        ("Are the people on either side of her smiling?", THREE, MIDDLE, ["face 1.1", "face 1.3"]),
        ("Is the person between face 1.1 and the man on the right smiling?", THREE, [], ["face 1.2"]),
        ("How old is the man behind her?", TWO, LEFT, ["face 1.2"]),
        ("How old is the man next to her?", photo(1), after("face 1.1"), ["face 1.2"]),
        ("How old is the man next to the door?", photo(1), [], []),
        ("And the next one?", photo(1, 1), LEFT, ["face 2.1"]),
        ("Is she older than the man next to her?", THREE, LEFT, ["face 1.1", "face 1.2"]),
        ("Is the man on the right older than the one next to him?", THREE, LEFT, ["face 1.2", "face 1.3"]),
        ("Hide everyone except the woman next to face 1.1", THREE, [], ["face 1.1", "face 1.3"]),
        ("How old is the man on the left of the photo?", THREE, [], ["face 1.1"]),
        ("How old are the two on the left?", THREE, [], ["face 1.1", "face 1.2"]),
        ("How old are both women on the right?", THREE, [], ["face 1.2", "face 1.3"]),
        ("How old are the middle two?", photo(4), [], ["face 1.2", "face 1.3"]),
        ("How old are the first two from the right?", FIVE, [], ["face 1.4", "face 1.5"]),
        ("How old are the other two?", THREE, LEFT, ["face 1.2", "face 1.3"]),
        ("How old are the two on the left and the one next to them?", FIVE, [], ["face 1.1", "face 1.2", "face 1.3"]),
        ("Not the left one, the right one", THREE, LEFT, ["face 1.3"]),
        ("the right one, not her", THREE, LEFT, ["face 1.3"]),
        ("Is the left one smiling instead of the right one?", THREE, [], ["face 1.1"]),
        ("Not her!", TWO, LEFT, ["face 1.2"]),
        ("Not him, is it?", TWO, LEFT, ["face 1.1"]),
        ("How old is person 2?", THREE, [], ["face 1.2"]),
        ("Is face two smiling?", THREE, [], ["face 1.2"]),
        ("How old are faces 1 and 3?", THREE, [], ["face 1.1", "face 1.3"]),
        ("number 2?", THREE, LEFT, ["face 1.2"]),
        ("2", THREE, LEFT, ["face 1.2"]),
        ("How old is face 2 in photo 2?", photo(2, 2), [], ["face 2.2"]),
        ("How old is face 2?", photo(1, 1), [], ["face 2.1"]),
        ("How old is face 2?", photo(2, 2), after("face 2.1"), ["face 2.2"]),
        ("How old is person 9?", photo(1), [], ["face 1.9"]),
        ("Is this person 18?", THREE, LEFT, ["face 1.1"]),
        ("Is she 18 or older?", THREE, LEFT, ["face 1.1"]),
    ],
)
def test_whom_a_question_means(question: str, view: View, history: list[Earlier], subjects: list[str] | None) -> None:
    found = references(question, view, history)
    assert list(found.subjects) == (subjects or [])
    assert bool(found.choices) is (subjects is None)


@pytest.mark.parametrize(
    ("question", "view", "history", "choices"),
    [
        ("How old is she?", TWO, [], ["face 1.1", "face 1.2"]),
        ("Is the face in focus?", TWO, [], ["face 1.1", "face 1.2"]),
        ("Is she looking to the left?", TWO, [], ["face 1.1", "face 1.2"]),
        ("Is she smiling at all?", TWO, [], ["face 1.1", "face 1.2"]),
        ("Is the blonde one smiling?", TWO, [], ["face 1.1", "face 1.2"]),
        ("How old is she?", THREE, after("face 1.1", "face 1.3"), ["face 1.1", "face 1.3"]),
        ("and the other one?", THREE, LEFT, ["face 1.2", "face 1.3"]),
        ("and the other one?", TWO, [], ["face 1.1", "face 1.2"]),
        ("and the other one, is she smiling?", TWO, after("face 1.1", "face 1.2"), ["face 1.1", "face 1.2"]),
        ("Is the man in the middle smiling?", photo(4), [], ["face 1.2", "face 1.3"]),
        ("How old is she in photo 2?", photo(1, 2), [], ["face 2.1", "face 2.2"]),
        ("Is the man on the left smiling?", photo(2, 2), [], ["face 1.1", "face 2.1"]),
        ("Is the older one smiling?", photo(2, by_age=()), [], ["face 1.1", "face 1.2"]),
        (
            "Is the older one smiling?",
            photo(2, by_age=(("face 1.1", 40.0), ("face 1.2", 40.0))),
            [],
            ["face 1.1", "face 1.2"],
        ),
        ("How old is the woman next to her?", THREE, MIDDLE, ["face 1.1", "face 1.3"]),
        ("How old is the man on her left?", THREE, MIDDLE, ["face 1.1", "face 1.3"]),
        ("How old is the man behind her?", THREE, MIDDLE, ["face 1.1", "face 1.3"]),
        ("And the next one?", THREE, RIGHT, ALL_THREE),
        ("And the next one?", THREE, [], ALL_THREE),
        ("How old is the one to the left of face 1.1?", THREE, [], ALL_THREE),
        ("How old is the woman next to the door?", THREE, LEFT, ALL_THREE),
        ("How old is the woman next to her husband?", THREE, LEFT, ALL_THREE),
        ("How old is the toddler next to her?", THREE, LEFT, ALL_THREE),
        ("How old is the man next to the woman next to face 1.1?", THREE, [], ALL_THREE),
        ("Is the woman on the left older than the one next to the man?", THREE, MIDDLE, ALL_THREE),
        ("And the next one?", photo(1, 2), LEFT, ["face 2.1", "face 2.2"]),
        ("How old are the two on the left?", TWO, [], ["face 1.1", "face 1.2"]),
        ("How old are the middle two?", THREE, [], ALL_THREE),
        ("How old are the people on the left?", THREE, [], ALL_THREE),
        ("How old are the other two?", photo(4), LEFT, ["face 1.2", "face 1.3", "face 1.4"]),
        (
            "How old are the two on the left?",
            photo(2, 3),
            [],
            ["face 1.1", "face 1.2", "face 2.1", "face 2.2", "face 2.3"],
        ),
        ("not her", THREE, LEFT, ["face 1.2", "face 1.3"]),
        ("not her, the other one", THREE, LEFT, ["face 1.2", "face 1.3"]),
        ("person 9?", THREE, LEFT, ALL_THREE),
        ("How old are faces 1 to 3?", THREE, [], ALL_THREE),
        ("Is face 2 smiling?", photo(2, 2), [], ["face 1.1", "face 1.2", "face 2.1", "face 2.2"]),
    ],
)
def test_what_could_be_several_is_left_open(
    question: str, view: View, history: list[Earlier], choices: list[str]
) -> None:
    assert list(references(question, view, history).choices) == choices
    chosen = plan(question, view, ALL, [Earlier("Is he smiling?", ()), *history])
    assert (chosen.status, chosen.calls) == ("needs_clarification", ())
    assert all(face in chosen.remarks[-1] for face in choices)


@pytest.mark.parametrize(
    ("question", "face"), [("Is the older one smiling?", "face 1.2"), ("Is the youngest person smiling?", "face 1.1")]
)
def test_by_age_takes_the_ages_first(question: str, face: str) -> None:
    first = plan(question, TWO, ALL)
    assert [(call.tool, call.arguments) for call in first.calls] == [
        ("estimate_attributes", '{"about": ["age_order"]}')
    ]
    aged = photo(2, by_age=(("face 1.2", 50.0), ("face 1.1", 20.0)))
    assert references(question, aged).subjects == (face,)
    (call,) = plan(question, aged, ALL).calls
    assert call.arguments == f'{{"about": ["smile"], "subjects": ["{face}"]}}'


def test_who_is_older_is_a_question_and_no_reference() -> None:
    for question in ("Which one is the older one?", "Who is older?", "Which of them looks the oldest?"):
        assert references(question, TWO) == references("Who?", TWO)
        assert without_age_reference(question) == question
    assert without_age_reference("Is the older one smiling?") == "Is the one smiling?"


def test_faces_are_looked_for_where_they_were_not_before() -> None:
    (call,) = plan("How old is she?", View({"image 1": ("face 1.1",), "image 2": None}), ALL, LEFT).calls
    assert (call.tool, call.arguments) == ("detect_faces", '{"images": ["image 2"]}')


@pytest.mark.parametrize(
    "question",
    [
        "How old is she?",
        "Is the woman on the left sharp?",
        "And the other one?",
        "Is face 2 smiling?",
        "Is the one left of face 1.2 smiling?",
        "Are the two on the left smiling?",
    ],
)
def test_faces_are_looked_for_before_one_is_chosen(question: str) -> None:
    assert references(question, View({"image 1": None})).needs == "faces"


@pytest.mark.parametrize(
    "question",
    [
        "and the other one?",
        "What about her?",
        "the left one",
        "him too?",
        "ok, and face 1.2?",
        "photo 2?",
        "The same for the second person please",
        "I mean the one on the left",
        "both",
        "the older one?",
        "And the woman next to her?",
        "and the next one?",
        "Not the left one, the right one",
        "and the two on the left?",
        "person 9?",
        "2",
    ],
)
def test_questions_that_do_nothing_but_point(question: str) -> None:
    assert points_only(question)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "and now?",
        "what about her age?",
        "who is the other one?",
        "thanks",
        "Is she the same person as in photo 2?",
        "Is he in the second photo?",
        "left-handed?",
        "compare both",
        "who is next to her?",
        "Is this person 18?",
    ],
)
def test_questions_that_ask_something_of_their_own(question: str) -> None:
    assert not points_only(question)


def test_the_last_question_is_repeated_on_somebody_else() -> None:
    history = [Earlier("Is the man on the left smiling?", ("face 1.1",)), Earlier("Thanks!"), Earlier("and her?")]
    (call,) = plan("What about the other one?", TWO, ALL, history).calls
    assert (call.tool, call.arguments) == ("estimate_attributes", '{"about": ["smile"], "subjects": ["face 1.2"]}')


def test_what_was_declined_of_one_is_declined_of_the_other() -> None:
    chosen = plan("and the other one?", TWO, ALL, [Earlier("Is the man on the left a criminal?")])
    assert (chosen.status, chosen.calls) == ("declined", ())


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("Is the text beside it real?", []),
        ("Sort the faces by age", []),
        ("Is the mole by her lip real?", ["face 1.1"]),
    ],
)
def test_what_is_beside_a_face_is_nobody(question: str, about: list[str]) -> None:
    found = references(question, THREE, LEFT)
    assert (list(found.subjects), found.choices) == (about, ())


def test_pointing_without_a_question_before_is_not_understood() -> None:
    assert plan("and the other one?", TWO, ALL).status == "needs_clarification"


def test_a_comparison_is_about_several_faces_anyway() -> None:
    for question in ("Is she the same as the other one?", "Is this man the same person?"):
        (call,) = plan(question, TWO, ALL).calls
        assert (call.tool, call.arguments) == ("compare_faces", "{}")
    (call,) = plan("Compare the man on the left with the rest", TWO, ALL).calls
    assert call.arguments == '{"subjects": ["face 1.1", "face 1.2"]}'


def test_a_photo_is_one_whoever_is_in_it() -> None:
    (call,) = plan("When was this picture of her taken?", TWO, ALL).calls
    assert (call.tool, call.arguments) == ("inspect_provenance", '{"about": ["origin"]}')


@pytest.mark.parametrize(
    ("view", "asked"),
    [
        (TWO, "the person on the left (face 1.1) or the person on the right (face 1.2)?"),
        (THREE, "the person on the left (face 1.1), the person in the middle (face 1.2) or the person on the right ("),
        (FIVE, "the person on the far left (face 1.1), the person who is second from the left (face 1.2), the person"),
        (
            photo(1, 2),
            "the person in image 1 (face 1.1), the person on the left of image 2 (face 2.1) or the ",
        ),
        (photo(9), "Which of the 9 faces do you mean?"),
    ],
)
def test_the_question_back_names_faces_by_their_places(view: View, asked: str) -> None:
    choices = [face for faces in view.faces.values() for face in faces or ()]
    assert asked in whom(choices, view)


@pytest.mark.parametrize("text", ["", "{}", "no JSON", '{"claims": [{"subject": 3}]}', '["face 1.1"]'])
def test_an_answer_in_another_form_tells_nothing(text: str) -> None:
    assert Earlier.read("How old?", text) == Earlier("How old?")


SAID = """
the other one and what about her face 1.2 7.9 photo 2 image 99999 left right middle on in from second last 0th 1st older
youngest of them both man person is smiling ? , . it also too others next to beside between two
not first of behind people 2
"""
WORDS = st.sampled_from(SAID.split())
VIEWS = st.sampled_from([View({}), View({"image 1": None}), photo(0), photo(1), TWO, FIVE, photo(1, 1), photo(0, 3, 2)])
PASTS = st.lists(
    st.sampled_from([Earlier("Is it sharp?", ("image 1",)), *LEFT, Earlier("Hm?"), Earlier("Her?", ("face 8.8",))]),
    max_size=3,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=8).map(" ".join), VIEWS, PASTS)
def test_whatever_is_said_is_resolved_to_ids_or_left_open(question: str, view: View, history: list[Earlier]) -> None:
    found = references(question, view, history)
    known = [face for faces in view.faces.values() for face in faces or ()]
    assert all(re.fullmatch(r"face \d+\.\d+|image \d+", subject) for subject in found.subjects)
    assert set(found.choices) <= set(known)
    assert len(found.choices) != 1
    assert plan(question, view, ALL, history).status


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), PASTS)
def test_any_text_at_all_can_be_asked(question: str, history: list[Earlier]) -> None:
    assert plan(question, TWO, ALL, history).status
