"""The loop: plan -> call -> observe -> draft -> ground -> answer.

The controller is any LangChain chat model. It sees ids, observations and (if it takes them) pictures; it never touches
a file. What it drafts is held against the evidence sentence by sentence: a rejected claim goes back once with the
reason, then the tools' own wording takes its place, beside the claims that were accepted. A controller that loops,
repeats itself, invents tools or takes too long is stopped, and the answer is what had been established by then.

Calls run one after the other (docs/decisions/0013).
"""

from __future__ import annotations

import contextvars
import json
import logging
import re
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from faceagent.controllers.abandoned import ABANDONED
from faceagent.controllers.clarify import struck
from faceagent.controllers.draft import NOTICE, RULES, Draft, history, inventory
from faceagent.controllers.plan import of_itself
from faceagent.controllers.sequence import in_sequence
from faceagent.errors import ControllerError, FaceAgentError, first_fault
from faceagent.ground import Rejection, aside, ground, words_of
from faceagent.narrate import ROLES, Narration, compose, narrate
from faceagent.session import Session
from faceagent.tool import Names, Outcome, Toolbox, printable
from faceagent.types import Answer, Answered, Claim, Event, Step, StepFinished, StepStarted, Turn

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
    from langchain_core.runnables import Runnable
    from langchain_core.tools import BaseTool

_log = logging.getLogger(__name__)

TOO_MUCH = "The budget for this question was used up before everything was measured."
TOO_LONG = "The time for this question was up before everything was measured."
LOOPING = "The controller kept calling tools, so it was stopped."
NOWHERE = "The controller kept making calls that lead nowhere, so it was stopped."
CANCELLED = "The question was cancelled before everything was measured."
UNUSABLE = "The controller gave no answer that can be used."
UNMEASURED = "Nothing was measured for this question."
_LOOK_UP = 0.02  # seconds between looks at the clock and at `stop` while the controller thinks


@dataclass(frozen=True)
class Budget:
    """What one question may cost before it is stopped with what has been established so far.

    tool_calls: over all turns. turns: of the controller, up to its second draft. seconds: wall clock; a tool that is
    running is waited for, a controller that is thinking is not. fruitless: calls that lead nowhere: made before, of a
    tool that does not exist, refused, or no JSON.
    """

    tool_calls: int = 24
    turns: int = 8
    seconds: float = 120.0
    fruitless: int = 6


class Conversation:
    """One question from its first message to its answer.

    Args:
        stop: set from any thread to cancel the question.
    """

    def __init__(
        self,
        controller: BaseChatModel,
        tools: Toolbox,
        budget: Budget,
        session: Session,
        question: str,
        stop: threading.Event | None = None,
    ) -> None:
        self.controller, self.tools, self.budget = controller, tools, budget
        self.session, self.question, self.stop = session, question, stop or threading.Event()
        self.steps: list[Step] = []
        self.outcomes: list[Outcome] = []
        self.asked: list[str] = []
        self.made: dict[str, str] = {}
        self.turns = 0
        self.fruitless = 0
        self.stopped: str | None = None
        self.not_shown: list[str] = []
        self.words = words_of(tools.values())
        self.bound = {tool.name: tool for tool in tools.bind(session, self.steps)}
        self.model = _binding(controller, list(self.bound.values()))
        self.deadline = time.monotonic() + budget.seconds
        self.sees = bool(getattr(controller, "sees_images", True))
        self.shown: set[str] = set()
        self.messages = self._opening()

    def events(self) -> Generator[Event, None, None]:
        """Each step as it happens, and the answer at the end.

        Raises:
            ControllerError: the controller did not produce a usable turn.
        """
        draft = yield from self._converse()
        accepted, rejected = self._hold(draft)
        if rejected and self.stopped is None and self.turns < self.budget.turns:
            draft = yield from self._retry(draft, rejected)
            again, rejected = self._hold(draft)
            # A second draft may be whole, or hold the corrections alone.
            accepted = [*_unsaid(accepted, again), *again]
        remarks, gaps = self._asides(draft.remarks), self._asides(draft.not_established)
        measured = any(outcome.evidence for outcome in self.outcomes)
        # Who says nothing of what was measured leaves it to the tools as well.
        if rejected or (draft.status == "answered" and not accepted and measured):
            accepted, gaps = self._fall_back(accepted, gaps)
        if rejected:
            gaps.append("A sentence that the evidence does not carry was left out.")
        if self.stopped:
            gaps.append(self.stopped)
        if not (accepted or remarks or gaps):
            gaps = [UNUSABLE] if measured else [UNUSABLE, UNMEASURED]
        status = "partly_answered" if draft.status == "answered" and gaps else draft.status
        turn = Turn(
            question=self.question,
            status=status,
            claims=self._arranged(accepted),
            remarks=(*remarks, *self._blind_spots()),
            not_established=tuple(gaps),
        )
        self.session.add_turn(turn)
        yield Answered(answer=self._answer(turn))

    def _arranged(self, claims: Sequence[Claim]) -> tuple[Claim, ...]:
        """Answers, reasons, doubts; as they were drafted where the question says an order."""
        drafted = getattr(self.controller, "own_words", False) or in_sequence(self.question)
        return tuple(claims if drafted else sorted(claims, key=lambda claim: ROLES.index(claim.role)))

    def _answer(self, turn: Turn) -> Answer:
        used = {evidence_id for claim in turn.claims for evidence_id in claim.evidence}
        used.update(evidence_id for step in self.steps for evidence_id in step.evidence)
        return Answer(
            question=turn.question,
            status=turn.status,
            text=compose(turn.claims, turn.not_established, turn.remarks),
            claims=turn.claims,
            not_established=turn.not_established,
            exhibits=self.session.exhibits(),
            faces=self.session.faces(),
            evidence=tuple(row for row in self.session.ledger.all() if row.id in used),
            steps=tuple(self.steps),
            controller=self.controller._llm_type,
            purpose=self.session.purpose,
            outputs=tuple(output.name for output in self.session.outputs.values()),
        )

    def _opening(self) -> list[BaseMessage]:
        # Imported where used, so that `import faceagent` does not pay for it.
        from langchain_core.messages import HumanMessage, SystemMessage

        content: list[str | dict[Any, Any]] = [{"type": "text", "text": self.question}, *self._pictures()]
        system = SystemMessage(f"{RULES}\n\n{inventory(self.session)}")
        return [system, *history(self.session), HumanMessage(content)]

    def _pictures(self) -> list[str | dict[Any, Any]]:
        """Photos and faces that a controller with eyes has not been shown yet."""
        if not self.sees:
            return []
        from faceagent.controllers import pictures

        side = getattr(self.controller, "image_side", pictures.SIDE)
        images = [image for image in self.session.images if image not in self.shown]
        faces = [face for face in self.session.faces() if face.id not in self.shown]
        self.shown.update((*images, *(face.id for face in faces)))
        shown = pictures.face_blocks(self.session, faces, side) if faces else []
        return [*pictures.photo_blocks(self.session, images, side), *shown]

    def _converse(self) -> Generator[Event, None, Draft]:
        """Turns until the controller drafts an answer or is stopped.

        Raises:
            ControllerError: it drafted nonsense, or raised this itself.
        """
        from langchain_core.messages import HumanMessage

        while self.turns < self.budget.turns:
            turn = self._turn()
            if turn is None:
                break
            if not turn.tool_calls and not turn.invalid_tool_calls:
                return _read_draft(turn)
            for call in turn.tool_calls:
                self.messages.append((yield from self._called(call)))
            for bad in turn.invalid_tool_calls:
                self.fruitless += 1
                self.messages.append(_tool_message(f"That call is not valid JSON: {bad['error']}", bad["id"] or ""))
            if self.fruitless > self.budget.fruitless:
                self.stopped = self.stopped or NOWHERE
            if self.stopped:
                break
            if new := self._pictures():
                self.messages.append(HumanMessage(new, name=NOTICE))
        self.stopped = self.stopped or LOOPING
        return self._own_words()

    def _turn(self) -> AIMessage | None:
        """The controller's next turn; None when it has to be stopped, whether it has finished or not.

        Raises:
            ControllerError: there is none, whatever its model raised.
        """
        if self._over():
            return None
        self.turns += 1
        thinking = _Thinking(self.model, list(self.messages))
        try:
            while not thinking.done.wait(_LOOK_UP):
                if self._over():
                    return None
        finally:  # Ctrl-C included
            thinking.abandon()
        turn = _with_ids(self._said_by(thinking), self.messages)
        self.not_shown = turn.response_metadata.get("not_shown") or self.not_shown
        self.messages.append(turn)
        return turn

    def _said_by(self, thinking: _Thinking) -> AIMessage:
        error = thinking.error
        # What this package raises says itself what is wrong, and a fault of its own controller is a fault of ours.
        ours = isinstance(error, FaceAgentError) or getattr(self.controller, "own_words", False)
        if isinstance(error, Exception) and not ours:
            what = printable(f"{type(error).__name__}: {error}".removesuffix(": "))
            raise ControllerError(
                f"The controller {self.controller._llm_type} failed ({what})", "Try again, or use --controller embedded"
            ) from error
        return thinking.result()

    def _blind_spots(self) -> list[str]:
        """What a person should know about which pictures the controller had before its eyes."""
        if not self.not_shown:
            return []
        return [f"The model could not be shown {', '.join(self.not_shown)} beside the others; tools can still measure."]

    def _over(self) -> bool:
        if self.stop.is_set():
            self.stopped = CANCELLED
        elif time.monotonic() > self.deadline:
            self.stopped = TOO_LONG
        return self.stopped is not None

    def _called(self, call: Any) -> Generator[Event, None, ToolMessage]:
        name, arguments = call["name"], call["args"]
        if len(self.steps) >= self.budget.tool_calls:
            self.stopped = TOO_MUCH
        if self.stopped or self._over():
            return _tool_message(self.stopped or TOO_MUCH, call["id"])
        # After a video was looked at there are photos that an earlier call of the same words did not see.
        key = json.dumps([name, arguments, self.session.images], sort_keys=True, default=str)
        if key in self.made:
            self.fruitless += 1
            return _tool_message(f"This call was made before, and gave: {self.made[key]}", call["id"])
        yield StepStarted(tool=name, arguments=arguments)
        before = len(self.steps)
        message = self._run(name, call)
        self.made[key] = str(message.content)
        fresh = self.steps[before:]
        self.fruitless += fresh[-1].status == "refused"
        for step in fresh:
            yield StepFinished(step=step)
        return message

    def _run(self, name: str, call: Any) -> ToolMessage:
        tool = self.bound.get(name)
        if tool is None:
            outcome = self.tools.call(self.session, name, {})[0]
            self.steps.append(outcome.step)
            return _tool_message(outcome.step.message or "", call["id"])
        message: ToolMessage = tool.invoke({**call, "type": "tool_call"})
        if message.artifact is None:  # the arguments are not valid, and the tool was not reached
            self.steps.append(Step(tool=name, arguments=call["args"], status="refused", message=str(message.content)))
            return message
        self.asked.append(name)
        self.outcomes.extend(message.artifact)
        return message

    def _hold(self, draft: Draft) -> tuple[list[Claim], tuple[Rejection, ...]]:
        grounded = ground(draft.claims, self.session.ledger.get, words=self.words)
        return list(grounded.accepted), grounded.rejected

    def _asides(self, sentences: Sequence[str]) -> list[str]:
        """A model's remarks and gaps, which cite nothing: what the policy and the tools say themselves, and else what
        states nothing of any face or photo."""
        if getattr(self.controller, "own_words", False):
            return list(sentences)
        own = {*of_itself(self.tools), *self._own_words().not_established}
        reasons = {sentence: None if sentence in own else aside(struck(sentence), self.words) for sentence in sentences}
        for sentence, reason in reasons.items():
            if reason:
                _log.info("left out: %s: %s", sentence, reason)
        return [sentence for sentence, reason in reasons.items() if reason is None]

    def _retry(self, draft: Draft, rejected: Sequence[Rejection]) -> Generator[Event, None, Draft]:
        """One more chance with the reasons. Whoever spoils that too has the first draft judged as it is."""
        from langchain_core.messages import HumanMessage

        reasons = [{"sentence": item.claim.sentence, "rejected_because": item.reason} for item in rejected]
        notice = json.dumps({"your_claims_were_rejected": reasons}, ensure_ascii=False)
        self.messages.append(HumanMessage(notice, name=NOTICE))
        try:
            return (yield from self._converse())
        except ControllerError as error:
            _log.info("no usable second draft: %s", error)
            return draft

    def _fall_back(self, accepted: Sequence[Claim], gaps: Sequence[str]) -> tuple[list[Claim], list[str]]:
        """The tools' own wording instead of what the evidence does not carry of a draft."""
        own = self._own_words()
        worded, rejected = self._hold(own)
        for item in rejected:
            _log.error("a tool's own wording is not carried by its evidence: %s: %s", item.claim.sentence, item.reason)
        return [*accepted, *_unsaid(worded, accepted)], [*dict.fromkeys((*gaps, *own.not_established))]

    def _own_words(self) -> Draft:
        faces = tuple(face.id for face in self.session.faces())
        names = Names(images=self.session.images, faces=faces)
        asked = tuple(dict.fromkeys(self.asked))
        narration: Narration = narrate(
            self.outcomes, asked, self.tools, names, in_turn=bool(in_sequence(self.question))
        )
        return Draft(claims=narration.claims, not_established=narration.not_established)


class _Thinking:
    """A turn of the controller on a thread of its own, so that whoever waits for it can give up.

    A model that reports its tokens as they come, or looks at ABANDONED, stops at the next one after `abandon`; another
    goes on to the end of its turn, and nobody listens.
    """

    def __init__(self, model: Any, messages: list[BaseMessage]) -> None:
        self.done = threading.Event()
        self.error: BaseException | None = None
        self._abandoned = threading.Event()
        self._turn: AIMessage | None = None
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._think, model, messages), daemon=True).start()

    def _think(self, model: Any, messages: list[BaseMessage]) -> None:
        from langchain_core.callbacks import BaseCallbackHandler

        abandoned = self._abandoned
        ABANDONED.set(abandoned)

        class Stopper(BaseCallbackHandler):
            raise_error = True

            def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
                if abandoned.is_set():
                    raise _Abandoned

        try:
            self._turn = model.invoke(messages, config={"callbacks": [Stopper()]})
        except BaseException as error:  # noqa: BLE001 - raised again by `result`, on the thread that waits
            self.error = error
        finally:
            self.done.set()

    def abandon(self) -> None:
        self._abandoned.set()

    def result(self) -> AIMessage:
        if self.error is not None:
            raise self.error
        assert self._turn is not None
        return self._turn


class _Abandoned(BaseException):
    """Nobody waits for this turn any more. No Exception, which LangChain would log as an error of the callback."""


def _binding(controller: BaseChatModel, tools: Sequence[BaseTool]) -> Runnable[Any, AIMessage]:
    try:
        return controller.bind_tools(tools)
    except NotImplementedError as error:
        raise ControllerError(
            f"The controller {controller._llm_type} cannot call tools", "Seat a chat model that binds tools"
        ) from error


def _with_ids(turn: AIMessage, before: Sequence[BaseMessage]) -> AIMessage:
    """The turn with an id for each call that has none, which some servers leave out."""
    kinds = ("tool_calls", "invalid_tool_calls")
    numbers = count(1 + sum(len(getattr(message, kind, ())) for message in before for kind in kinds))

    def named(call: Any) -> Any:
        return {**call, "id": call.get("id") or f"call_{next(numbers)}"}

    return turn.model_copy(update={kind: [named(call) for call in getattr(turn, kind)] for kind in kinds})


def _unsaid(claims: Sequence[Claim], said: Sequence[Claim]) -> list[Claim]:
    """The claims whose sentences are not said yet."""
    sentences = {claim.sentence for claim in said}
    return [claim for claim in claims if claim.sentence not in sentences]


_JSON = re.compile(r"\{.*\}", re.DOTALL)


def _read_draft(turn: AIMessage) -> Draft:
    match = _JSON.search(turn.text)
    try:
        return Draft.model_validate_json(match.group(0) if match else turn.text)
    except ValidationError as error:
        raise ControllerError(
            f"The controller's answer is not the JSON that was asked for ({first_fault(error)})",
            "Try again, or use --controller embedded",
        ) from error


def _tool_message(content: str, call_id: str) -> ToolMessage:
    from langchain_core.messages import ToolMessage

    return ToolMessage(content=content, tool_call_id=call_id, status="error")
