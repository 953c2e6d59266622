"""What the loop shows a controller and takes from it: drafts, asides, pictures, earlier questions, steps."""

from __future__ import annotations

import json
from typing import Any

import fakes
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from loop_driver import DONE, LOOK, agent, ask, drafting, scripted
from scripted import ScriptedController, calling

from faceagent import policy
from faceagent.agent import FaceAgent
from faceagent.controllers.embedded import EmbeddedController
from faceagent.controllers.planner import Reading
from faceagent.loop import UNMEASURED, UNUSABLE
from faceagent.types import Answer, Answered, StepFinished, StepStarted, Turn

# Claims that come back


def test_a_second_draft_that_is_no_draft_leaves_the_tools_own_wording() -> None:
    answer = ask(agent(LOOK, drafting("I count three faces."), AIMessage("Well, three.")))
    assert "three" not in answer.text
    assert "One face was found in the photo [e1]." in answer.text
    assert answer.not_established == ("A sentence that the evidence does not carry was left out.",)


def test_a_rejected_draft_goes_back_once() -> None:
    one = agent(LOOK, drafting("I count three faces."))
    ask(one)
    assert len(scripted(one).seen) == 3


BOTH = ("I count one face.", "I count three faces.")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (drafting(*BOTH), ["I count one face."]),
        (drafting("There is one face."), ["I count one face.", "There is one face."]),
        (drafting("There is one face.", "I count one face."), ["There is one face.", "I count one face."]),
        (DONE, ["I count one face."]),
        (AIMessage("Well, three."), ["I count one face."]),
    ],
    ids=["the same", "the correction alone", "the whole", "nothing", "no draft"],
)
def test_what_was_accepted_is_said_whatever_else_was_rejected(second: AIMessage, said: list[str]) -> None:
    """On earlier evidence, of which the tools say nothing in their own words."""
    one = agent(LOOK, DONE, drafting(*BOTH), second)
    session = one.open([fakes.photo()])
    one.ask("How many?", session=session)
    answer = one.ask("Sure?", session=session)
    assert [claim.sentence for claim in answer.claims] == said
    assert (answer.status == "answered") == (not answer.not_established)


def test_the_tools_own_wording_stands_beside_what_was_accepted() -> None:
    for first in ("I count one face.", "One face was found in the photo."):
        answer = ask(agent(LOOK, drafting(first, "I count three faces.")))
        assert [claim.sentence for claim in answer.claims] == [*{first: 0, "One face was found in the photo.": 0}]


# Answers that say nothing


@pytest.mark.parametrize(
    "turns",
    [(DONE,), (AIMessage('{"remarks": ["He is 40."]}'),), (calling("detect_faces", images=["x"], foo=1), DONE)],
    ids=["nothing", "a remark that was dropped", "a call that is not valid"],
)
def test_an_empty_answer_is_told_as_what_it_is(turns: tuple[AIMessage, ...]) -> None:
    answer = ask(agent(*turns))
    assert (answer.status, answer.not_established) == ("partly_answered", (UNUSABLE, UNMEASURED))
    assert UNUSABLE in answer.text


def test_what_nobody_words_was_measured_all_the_same() -> None:
    tools = fakes.fake_toolbox(fakes.FakeForgery("no_sign")).values()
    answer = ask(agent(calling("detect_forgery"), DONE, tools=tools))
    assert answer.evidence
    assert (answer.status, answer.not_established) == ("partly_answered", (UNUSABLE,))


# What the controller is shown


def images_of(message: BaseMessage) -> list[str]:
    assert isinstance(message.content, list)
    return [block["text"] if block["type"] == "text" else "picture" for block in message.content]


def test_a_controller_with_eyes_sees_the_photo_and_then_its_faces() -> None:
    one = agent(LOOK, calling("assess_quality"), DONE, sees_images=True)
    one.ask("How many?", images=[fakes.photo("group.jpg")])
    first, second, third = scripted(one).seen
    assert images_of(first[-1]) == ["How many?", "\nimage 1:", "picture"]
    assert isinstance(second[-2], ToolMessage)
    assert images_of(second[-1]) == ["Faces found so far, turned upright, each under its id.", "picture"]
    assert second[-1].name == "grounding"
    assert isinstance(third[-1], ToolMessage)  # nothing new to show


def test_faces_known_from_before_are_shown_with_the_question() -> None:
    one = agent(LOOK, DONE, sees_images=True)
    session = one.open([fakes.photo()])
    one.ask("How many?", session=session)
    one.ask("Sure?", session=session)
    assert images_of(scripted(one).seen[-1][-1])[-2:] == [
        "Faces found so far, turned upright, each under its id.",
        "picture",
    ]


def test_a_controller_states_how_large_its_pictures_may_be() -> None:
    class Small(ScriptedController):
        image_side: int = 64

    small = Small(turns=[DONE], sees_images=True)
    large = ScriptedController(turns=[DONE], sees_images=True)
    for controller in (small, large):
        FaceAgent(controller, tools=fakes.fake_toolbox().values()).ask("How many?", images=[fakes.photo()])
    sizes = [len(str(controller.seen[0][-1].content[-1])) for controller in (small, large)]
    assert sizes[0] < sizes[1] / 4


def test_a_controller_without_eyes_gets_text_alone() -> None:
    one = agent(LOOK, DONE)
    ask(one)
    assert [images_of(message) for message in scripted(one).seen[1] if isinstance(message, HumanMessage)] == [
        ["How many?"]
    ]


def test_pictures_that_a_controller_could_not_take_are_named() -> None:
    blind = AIMessage('{"claims": []}', response_metadata={"not_shown": ["image 2", "image 3"]})
    answer = ask(agent(blind, sees_images=True))
    assert "could not be shown image 2, image 3 beside the others" in answer.text


# Conversations


def test_what_a_model_says_aside_states_nothing_of_a_face() -> None:
    spoken = {"remarks": ["The face is real.", "I am not sure."], "not_established": ["He is 40.", "The age is open."]}
    answer = agent(AIMessage(json.dumps(spoken))).ask("Real?", [fakes.photo()])
    assert "real" not in answer.text
    assert "40" not in answer.text
    assert answer.not_established == ("The age is open.",)
    assert "I am not sure." in answer.text


def test_a_model_may_say_what_the_policy_and_the_tools_say_themselves() -> None:
    declined, absent = policy.topics()[0].why, "Erasing an enrolled person is not offered in this installation."
    spoken = {"status": "partly_answered", "remarks": [declined], "not_established": [absent, OFFERED]}
    answer = agent(AIMessage(json.dumps(spoken))).ask("Will he steal?", [fakes.photo()])
    assert declined in answer.text
    assert answer.not_established == (absent,)


OFFERED = "Comparing faces is not offered in this installation."  # which it is


def test_a_model_may_repeat_why_a_tool_refused() -> None:
    def repeating(messages: list[BaseMessage]) -> AIMessage:
        return AIMessage(json.dumps({"not_established": [json.loads(messages[-1].text)["message"]]}))

    answer = agent(calling("detect_faces", images=["image 7"]), repeating).ask("How many?", [fakes.photo()])
    assert answer.not_established[0].startswith("This conversation has no image 7")


def test_no_text_of_an_earlier_answer_can_end_a_message_for_a_model() -> None:
    one = agent(DONE)
    session = one.open([fakes.photo()])
    session.add_turn(Turn(question="How many?", status="answered", remarks=("<|im_end|>",)))
    one.ask("Sure?", session=session)
    told = scripted(one).seen[-1][2].text
    assert "<" not in told
    assert json.loads(told)["remarks"] == ["<|im_end|>"]


def test_a_controller_is_told_what_was_said_before() -> None:
    one = agent(LOOK, drafting("I count one face."), DONE)
    session = one.open([fakes.photo()])
    one.ask("How many?", session=session)
    one.ask("Are you sure?", session=session)
    system, question, answer, now = scripted(one).seen[-1]
    assert isinstance(system, SystemMessage) and "image 1: faces face 1.1" in system.text
    assert (question.text, now.text) == ("How many?", "Are you sure?")
    claim = json.loads(answer.text)["claims"][0]
    assert (claim["sentence"], claim["evidence"]) == ("I count one face.", ["e1"])


def test_a_long_conversation_is_told_in_part() -> None:
    one = agent(DONE)
    session = one.open([fakes.photo()])
    for number in range(12):
        one.ask(f"Question {number}?", session=session)
    told = [message.text for message in scripted(one).seen[-1] if isinstance(message, HumanMessage)]
    assert told == [f"Question {number}?" for number in range(3, 12)]


def test_the_embedded_controller_does_not_read_the_names_of_pictures_as_words_of_the_question() -> None:
    tools = fakes.fake_toolbox()
    told = EmbeddedController(tools=tools, sees_images=True, read=read_nothing)
    assert FaceAgent(told, tools=tools.values()).ask("How many?", [fakes.photo()]).steps == ()


def read_nothing(question: str) -> Reading:
    assert question == "How many?"
    return Reading()


def test_the_embedded_controller_follows_a_conversation() -> None:
    one = FaceAgent(tools=fakes.fake_toolbox().values())
    session = one.open([fakes.photo("group.jpg")])

    def said(question: str) -> Answer:
        return one.ask(question, session=session)

    unclear = said("Is he sharp?")
    assert unclear.status == "needs_clarification"
    assert unclear.text == (
        "You are asking whether the photo is good enough. Which one do you mean: the person on the left (face 1.1) or "
        "the person on the right (face 1.2)?"
    )
    assert [step.tool for step in unclear.steps] == ["detect_faces"]
    assert {claim.subject for claim in said("the one on the left").claims} == {"face 1.1"}
    assert {claim.subject for claim in said("And the other one?").claims} == {"face 1.2"}
    assert {claim.subject for claim in said("Is she sharp?").claims} == {"face 1.2"}
    assert {claim.subject for claim in said("both").claims} == {"face 1.1", "face 1.2"}


# Steps as they happen


def test_steps_are_told_as_they_happen_and_the_answer_last() -> None:
    one = FaceAgent(tools=fakes.fake_toolbox().values())
    events = list(one.stream("Is it sharp?", images=[fakes.photo()]))
    told = [
        (type(event), getattr(event, "tool", None) or getattr(getattr(event, "step", None), "tool", None))
        for event in events
    ]
    assert told == [
        (StepStarted, "assess_quality"),
        (StepFinished, "detect_faces"),
        (StepFinished, "assess_quality"),
        (Answered, None),
    ]
    last = events[-1]
    assert isinstance(last, Answered)
    assert last.answer.steps == tuple(event.step for event in events if isinstance(event, StepFinished))
    assert all(type(event).model_validate_json(event.model_dump_json()) == event for event in events)


def test_a_step_is_told_before_the_tool_runs() -> None:
    ran: list[str] = []

    class Noting(fakes.FakeDetector):
        def run(self, *arguments: Any) -> Any:
            ran.append("detect_faces")
            return super().run(*arguments)

    stream = agent(LOOK, DONE, tools=[Noting()]).stream("How many?", images=[fakes.photo()])
    assert isinstance(next(stream), StepStarted)
    assert ran == []
    stream.close()


def test_a_question_that_nobody_listens_to_is_not_part_of_the_conversation() -> None:
    one = agent(LOOK, LOOK, drafting("I count one face."))
    session = one.open([fakes.photo()])
    stream = one.stream("How many?", session=session)
    next(stream)
    stream.close()
    assert session.turns == ()
    assert one.ask("How many?", session=session).text == "I count one face [e1]."
    assert [turn.question for turn in session.turns] == ["How many?"]
