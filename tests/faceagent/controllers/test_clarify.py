"""What is asked back: worded by what was understood, with concrete readings to choose from."""

from __future__ import annotations

import pytest

from faceagent.controllers.clarify import struck, what, whom
from faceagent.controllers.draft import Earlier, View
from faceagent.controllers.plan import plan
from faceagent.controllers.planner import Intent, Reading, table
from faceagent.controllers.whom import References

TOOLS = (
    "detect_faces",
    "compare_faces",
    "assess_quality",
    "inspect_provenance",
    "anonymize_faces",
    "estimate_attributes",
)
ONE = View({"image 1": ("face 1.1",)})
TWO = View({"image 1": ("face 1.1", "face 1.2")})
PAIR = View({"image 1": ("face 1.1",), "image 2": ("face 2.1",)})
NONE, LEFT, SECOND = References(), References(("face 1.1",)), References(("image 2",))


def intents(*names: str) -> list[Intent]:
    known = {intent.name: intent for intent in table()}
    return [known[name] for name in names]


@pytest.mark.parametrize(
    ("maybe", "pointed", "view", "asked"),
    [
        (
            ["age", "hide faces"],
            LEFT,
            TWO,
            "Your question can be read in different ways. Are you asking how old the person on the left looks or to "
            "have faces hidden in a copy?",
        ),
        (
            ["quality", "provenance", "faces", "age"],
            SECOND,
            PAIR,
            "Your question can be read in different ways. Are you asking whether image 2 is good enough, what the "
            "file's own records say of where it comes from, or how many faces there are?",
        ),
        (
            ["smile"],
            NONE,
            ONE,
            "I am not sure that I read your question right. Are you asking whether the person smiles, what the person "
            "looks like, or how old the person looks?",
        ),
        (
            [],
            LEFT,
            TWO,
            "I cannot make out what you would like to know about the person on the left (face 1.1). Are you asking "
            "what the person on the left looks like, how old the person on the left looks, or whether the photo is "
            "genuine or forged?",
        ),
        (
            [],
            NONE,
            PAIR,
            "I cannot make out what you would like to know. Are you asking whether two faces are the same person, how "
            "old somebody looks, or whether the photo is genuine or forged?",
        ),
    ],
)
def test_what_is_meant_is_asked_with_readings_to_choose_from(
    maybe: list[str], pointed: References, view: View, asked: str
) -> None:
    assert what(intents(*maybe), pointed, view, TOOLS) == asked


def test_what_no_tool_can_tell_is_not_offered() -> None:
    assert "looks" not in what([], NONE, ONE, ("detect_faces",))
    assert what([], NONE, ONE, ()) == "I cannot make out what you would like to know. Please say it in other words."


def test_a_face_that_is_not_there_is_not_spoken_of() -> None:
    assert "face 1.2" not in what([], References(("face 1.2",)), ONE, TOOLS)


def test_whom_is_asked_after_what_was_understood() -> None:
    assert whom(["face 1.1", "face 1.2"], TWO, intents("age", "smile")) == (
        "You are asking how old somebody looks and whether somebody smiles. Which one do you mean: the person on the "
        "left (face 1.1) or the person on the right (face 1.2)?"
    )
    (said,) = plan("how old is she?", TWO, TOOLS).remarks
    assert said.startswith("You are asking how old somebody looks. Which one do you mean: the person on the left")


def test_an_unclear_question_says_whom_it_took_it_to_mean() -> None:
    def unclear(_: str) -> Reading:
        return Reading(maybe=tuple(intents("age", "quality")))

    chosen = plan("hm, her?", TWO, TOOLS, [Earlier("How many faces?", ("face 1.2",))], unclear)
    assert chosen.status == "needs_clarification"
    assert "how old the person on the right looks or whether the photo is good enough?" in chosen.remarks[0]


def test_every_intent_can_be_asked_back() -> None:
    """ "Are you asking …" goes on with a clause, an infinitive, or a thing."""
    starts = ("whether", "what", "who", "which", "where", "how", "to ", "about", "for")
    assert all(intent.means.startswith(starts) for intent in table())


def test_readings_are_struck_from_a_question_back_and_nothing_else_is() -> None:
    of_two = what(intents("age", "glasses"), LEFT, TWO, TOOLS)
    assert struck(of_two).endswith("Are you asking something or something?")
    more = of_two.replace("?", ", who is guilty?")
    assert "guilty" in struck(more)
    plain = "He wears glasses, whether the photo is genuine or forged."
    assert struck(plain) == plain
