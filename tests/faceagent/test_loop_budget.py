"""The loop against controllers that loop, repeat, invent, dawdle and fail, and against people who lose patience."""

from __future__ import annotations

import threading
from typing import Any

import fakes
import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from loop_driver import DONE, LOOK, agent, ask, drafting, scripted
from scripted import ScriptedController, calling

from faceagent.agent import Budget, FaceAgent
from faceagent.controllers.abandoned import ABANDONED
from faceagent.controllers.embedded import EmbeddedController
from faceagent.controllers.planner import Reading
from faceagent.errors import ControllerError, UsageError
from faceagent.loop import LOOPING
from faceagent.types import Answered, StepFinished, StepStarted

PATIENCE = 20.0  # seconds after which a test that waits for a thread has failed


def test_a_repeated_call_is_answered_from_memory() -> None:
    one = agent(LOOK, LOOK, drafting("I count one face."))
    answer = ask(one)
    assert [step.tool for step in answer.steps] == ["detect_faces"]
    assert [row.id for row in answer.evidence] == ["e1", "e2"]
    told = scripted(one).seen[2][-1]
    assert isinstance(told, ToolMessage) and "made before" in told.text and '"e1"' in told.text


def test_a_controller_that_only_repeats_itself_is_stopped() -> None:
    one = agent(LOOK, budget=Budget(turns=50, fruitless=3))
    answer = ask(one)
    assert len(scripted(one).seen) == 5
    assert "One face was found" in answer.text
    assert "calls that lead nowhere" in answer.text
    assert answer.status == "partly_answered"


@pytest.mark.parametrize(
    "call",
    [
        calling("read_mind"),
        calling("detect_faces", images=["image 9"]),
        calling("detect_faces", path="/etc/passwd"),
        AIMessage("", invalid_tool_calls=[{"name": "detect_faces", "args": "{", "id": "1", "error": "no JSON"}]),
    ],
    ids=["invented tool", "invented photo", "invented argument", "no JSON"],
)
def test_a_controller_that_invents_is_stopped_with_what_is_established(call: AIMessage) -> None:
    one = agent(LOOK, call, budget=Budget(turns=50, fruitless=3))
    answer = ask(one)
    assert len(scripted(one).seen) <= 6
    assert "One face was found" in answer.text
    assert "lead nowhere" in answer.text


def test_a_few_mistakes_are_forgiven() -> None:
    answer = ask(agent(calling("read_mind"), LOOK, drafting("I count one face.")))
    assert answer.text == "I count one face [e1]."
    assert answer.status == "answered"


def test_a_second_draft_is_of_the_same_budget() -> None:
    one = agent(LOOK, drafting("I count three faces."), budget=Budget(turns=2))
    assert "One face was found" in ask(one).text
    assert len(scripted(one).seen) == 2
    one = agent(LOOK, drafting("I count three faces."), calling("assess_quality"), budget=Budget(turns=3))
    assert ask(one).not_established[-1] == LOOPING
    assert len(scripted(one).seen) == 3


def test_time_that_is_up_stops_before_the_next_turn() -> None:
    one = agent(LOOK, budget=Budget(seconds=-1.0))
    answer = ask(one)
    assert not scripted(one).seen
    assert answer.not_established == ("The time for this question was up before everything was measured.",)


class Dawdling(ScriptedController):
    """Plays its turns, and then thinks until it is let go, reporting a token now and then."""

    let_go: Any = None
    ended: Any = None
    begun: Any = None

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Any:
        if len(self.seen) < len(self.turns):
            return super()._generate(messages, stop, run_manager, **kwargs)
        self.begun.set()
        try:
            while not self.let_go.wait(0.01):
                assert run_manager is not None
                run_manager.on_llm_new_token("…")
        finally:
            self.ended.set()
        raise AssertionError("nobody stopped it")


@pytest.fixture
def dawdling() -> Any:
    controller = Dawdling(turns=[LOOK], let_go=threading.Event(), ended=threading.Event(), begun=threading.Event())
    yield controller
    controller.let_go.set()


def test_a_controller_that_thinks_too_long_is_left_and_stops(dawdling: Dawdling) -> None:
    one = FaceAgent(dawdling, tools=fakes.fake_toolbox().values(), budget=Budget(seconds=2))
    answer = ask(one)
    assert "One face was found" in answer.text
    assert "The time for this question was up" in answer.text
    assert dawdling.ended.wait(PATIENCE)


def test_a_question_is_cancelled_from_another_thread(dawdling: Dawdling) -> None:
    one = FaceAgent(dawdling, tools=fakes.fake_toolbox().values())
    stop = threading.Event()
    threading.Thread(target=lambda: dawdling.begun.wait(PATIENCE) and stop.set(), daemon=True).start()
    answer = ask(one, stop=stop)
    assert "One face was found" in answer.text
    assert answer.not_established == ("The question was cancelled before everything was measured.",)
    assert answer.status == "partly_answered"
    assert dawdling.ended.wait(PATIENCE)


def test_an_interrupted_question_leaves_no_controller_that_thinks(dawdling: Dawdling) -> None:
    class Interrupted(threading.Event):
        def is_set(self) -> bool:
            if dawdling.begun.is_set():
                raise KeyboardInterrupt
            return False

    with pytest.raises(KeyboardInterrupt):
        ask(FaceAgent(dawdling, tools=fakes.fake_toolbox().values()), stop=Interrupted())
    assert dawdling.ended.wait(PATIENCE)


def test_nothing_is_logged_of_a_turn_that_is_left(dawdling: Dawdling, caplog: pytest.LogCaptureFixture) -> None:
    ask(FaceAgent(dawdling, tools=fakes.fake_toolbox().values(), budget=Budget(seconds=1)))
    assert dawdling.ended.wait(PATIENCE)
    assert not [record for record in caplog.records if record.name.startswith("langchain")]


def test_a_controller_may_look_whether_anybody_waits() -> None:
    stop, gave_up = threading.Event(), threading.Event()

    def looking(messages: list[BaseMessage]) -> AIMessage:
        stop.set()
        if ABANDONED.get().wait(PATIENCE):
            gave_up.set()
        return DONE

    ask(agent(looking), stop=stop)
    assert gave_up.wait(PATIENCE)
    assert not ABANDONED.get().is_set()


def test_cancelled_between_two_calls_the_second_is_not_made() -> None:
    stop = threading.Event()

    class Stopping(fakes.FakeDetector):
        def run(self, *arguments: Any) -> Any:
            stop.set()
            return super().run(*arguments)

    both = AIMessage(
        "",
        tool_calls=[
            {"name": name, "args": {}, "id": name, "type": "tool_call"} for name in ("detect_faces", "assess_quality")
        ],
    )
    answer = ask(agent(both, tools=[Stopping(), fakes.FakeQuality()]), stop=stop)
    assert [step.tool for step in answer.steps] == ["detect_faces"]
    assert "One face was found" in answer.text


def test_what_a_controller_raises_is_raised() -> None:
    def fail(messages: list[BaseMessage]) -> AIMessage:
        raise ControllerError("No server", "Start one")

    with pytest.raises(ControllerError, match="No server"):
        ask(agent(fail))


def test_what_another_model_raises_is_told_and_kept_as_the_cause() -> None:
    def fail(messages: list[BaseMessage]) -> AIMessage:
        raise ValueError("no\nluck")

    with pytest.raises(ControllerError, match=r"scripted failed \(ValueError: no luck\)") as caught:
        ask(agent(fail))
    assert isinstance(caught.value.__cause__, ValueError)
    assert ask(agent(LOOK, drafting("I count one face.", "I count three."), fail)).claims[0].sentence[:5] == "I cou"


def test_faults_of_our_own_are_raised_as_they_are() -> None:
    def refuse(messages: list[BaseMessage]) -> AIMessage:
        raise UsageError("No such person")

    def broken(question: str) -> Reading:
        raise KeyError(question)

    with pytest.raises(UsageError, match="No such person"):
        ask(agent(refuse))
    tools = fakes.fake_toolbox()
    with pytest.raises(KeyError):
        ask(FaceAgent(EmbeddedController(tools=tools, read=broken), tools=tools.values()))


def test_a_model_that_cannot_call_tools_is_told_so() -> None:
    with pytest.raises(ControllerError, match="cannot call tools"):
        ask(FaceAgent(FakeListChatModel(responses=["Hm"]), tools=fakes.fake_toolbox().values()))


def test_calls_without_ids_are_given_some() -> None:
    calls = [{"name": name, "args": {}, "id": None} for name in ("detect_faces", "assess_quality")]
    bad = [{"name": "detect_faces", "args": "{", "id": None, "error": "no JSON"}]
    turns = (AIMessage("", tool_calls=calls), AIMessage("", tool_calls=calls[:1], invalid_tool_calls=bad))
    one = agent(*turns, drafting("I count one face."))
    assert ask(one).text == "I count one face [e1]."
    told = [message.tool_call_id for message in scripted(one).seen[-1] if isinstance(message, ToolMessage)]
    assert told == ["call_1", "call_2", "call_3", "call_4"]


def test_a_call_that_never_reached_its_tool_is_a_step_too() -> None:
    wrong = calling("detect_faces", images=["x"], foo=1)
    events = list(agent(wrong, LOOK, DONE).stream("How many?", images=[fakes.photo()]))
    refused = events[1]
    assert isinstance(events[0], StepStarted) and isinstance(refused, StepFinished)
    assert (refused.step.status, refused.step.arguments) == ("refused", {"images": ["x"], "foo": 1})
    assert "foo" in (refused.step.message or "")
    last = events[-1]
    assert isinstance(last, Answered)
    assert [step.status for step in last.answer.steps] == ["refused", "ok"]


def test_the_ids_of_evidence_follow_the_order_of_the_calls() -> None:
    calls = [
        {"name": name, "args": {}, "id": name, "type": "tool_call"} for name in ("inspect_provenance", "assess_quality")
    ]
    asked = [ask(agent(AIMessage("", tool_calls=calls), DONE)) for _ in range(3)]
    assert [row.tool for row in asked[0].evidence[:7]] == ["inspect_provenance"] * 7
    assert len({tuple((row.id, row.attribute) for row in answer.evidence) for answer in asked}) == 1
