"""The loop: plan -> call -> observe -> draft -> ground -> answer.

The controller is any LangChain chat model. It sees ids, observations and (if it takes them) the photos; it never
touches a file. What it drafts is held against the evidence sentence by sentence: a rejected claim goes back once with
the reason, then the tools' own wording takes its place.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from faceagent import policy
from faceagent.controllers import make_controller
from faceagent.controllers.draft import NOTICE, RULES, Draft, inventory
from faceagent.errors import ControllerError, UsageError
from faceagent.ground import Rejection, ground
from faceagent.media import Limits, Photo, Pixels
from faceagent.narrate import Narration, compose, narrate
from faceagent.session import Session
from faceagent.tool import AnyTool, Names, Outcome, Toolbox
from faceagent.types import Answer, Claim, Step
from faceagent.video import Video, take

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
    from PIL import Image

    PhotoLike = str | Path | bytes | Pixels | Image.Image | Photo | Video

_log = logging.getLogger(__name__)
_MODEL_IMAGE_SIDE = 1024


@dataclass(frozen=True)
class Budget:
    """What one question may cost before it is stopped with what has been established so far.

    tool_calls: over all turns. turns: of the controller. seconds: wall clock, checked between calls.
    """

    tool_calls: int = 24
    turns: int = 8
    seconds: float = 120.0


class FaceAgent:
    """The assistant: tools that measure, a controller that plans and words, and the check between them.

    Args:
        controller: "embedded", "transformers:<model folder or hub id>[+<adapter folder>]",
            "openai:<base url>#<model>", or any LangChain chat model that can bind tools.
        tools: what it may measure with; by default those of every installed package that declares some.
        limits: which files are refused before decoding.
        budget: what one question may cost.
        purpose: what faces are read for, a name in `faceagent.policy.purposes()`. Without one, emotion and ethnicity
            stay off.
        load_in: bits of a local controller's weights; by default as they are stored.

    Raises:
        UsageError: no such controller, model or purpose, or no tools are installed.
        MissingExtra: the controller takes an extra that is not installed.
        ControllerError: the controller's model cannot be loaded.
    """

    def __init__(
        self,
        controller: str | BaseChatModel = "embedded",
        *,
        tools: Iterable[AnyTool] | None = None,
        limits: Limits | None = None,
        budget: Budget | None = None,
        purpose: str | None = None,
        load_in: Literal["4bit", "8bit"] | None = None,
    ) -> None:
        self.tools = Toolbox.installed() if tools is None else Toolbox(tools)
        if not self.tools:
            raise UsageError("No tools are installed", "Install faceagent itself rather than its core alone")
        if isinstance(controller, str):
            controller = make_controller(controller, self.tools, load_in=load_in)
        self.controller = controller
        self.limits = limits or Limits()
        self.budget = budget or Budget()
        self.purpose = None if purpose is None else policy.purpose(purpose).name

    def open(self, images: Iterable[PhotoLike]) -> Session:
        """A new conversation about these photos and videos.

        Raises:
            MediaError: one of them cannot be used.
        """
        session = Session(self.purpose)
        for image in images:
            self._take(session, image)
        return session

    def _take(self, session: Session, given: PhotoLike) -> str:
        opened = take(given, self.limits) if isinstance(given, str | Path) else given
        if isinstance(opened, Video):
            return session.add_video(opened)
        return session.add(opened if isinstance(opened, Photo) else Photo.open(opened, limits=self.limits))

    def ask(self, question: str, images: Iterable[PhotoLike] = (), *, session: Session | None = None) -> Answer:
        """Answer a question, each sentence with the evidence that it rests on.

        Args:
            images: photos and videos to add to the conversation: paths, bytes (of photos), Pillow images, uint8 RGB
                arrays, Photos, Videos.
            session: a conversation to go on with (see `open`), under its own purpose; by default a new one.

        Raises:
            MediaError: a photo cannot be used.
            UsageError: the question is empty.
            ControllerError: the controller did not produce a usable turn.
        """
        if not question.strip():
            raise UsageError("The question is empty", "Ask something about the photos")
        session = session or Session(self.purpose)
        for image in images:
            self._take(session, image)
        return _Conversation(self, session, question).answer()


class _Conversation:
    """One question from its first message to its answer."""

    def __init__(self, agent: FaceAgent, session: Session, question: str) -> None:
        self.agent = agent
        self.session = session
        self.question = question
        self.steps: list[Step] = []
        self.outcomes: list[Outcome] = []
        self.asked: list[str] = []
        self.stopped: str | None = None
        self.not_shown: list[str] = []
        self.bound = {tool.name: tool for tool in agent.tools.bind(session, self.steps)}
        self.model = agent.controller.bind_tools(list(self.bound.values()))
        self.deadline = time.monotonic() + agent.budget.seconds
        self.messages = self._opening()

    def answer(self) -> Answer:
        draft = self._converse()
        accepted, rejected = self._hold(draft)
        if rejected and self.stopped is None:
            draft = self._retry(rejected)
            accepted, rejected = self._hold(draft)
        gaps = list(draft.not_established)
        if rejected:
            accepted, gaps = self._fall_back(gaps)
        if self.stopped:
            gaps.append(self.stopped)
        used = {evidence_id for claim in accepted for evidence_id in claim.evidence}
        evidence = tuple(
            row
            for row in self.session.ledger.all()
            if row.id in used or any(row.id in step.evidence for step in self.steps)
        )
        return Answer(
            question=self.question,
            status="partly_answered" if draft.status == "answered" and gaps else draft.status,
            text=compose(accepted, gaps, (*draft.remarks, *self._blind_spots())),
            claims=tuple(accepted),
            not_established=tuple(gaps),
            exhibits=self.session.exhibits(),
            faces=self.session.faces(),
            evidence=evidence,
            steps=tuple(self.steps),
            controller=self.agent.controller._llm_type,
            purpose=self.session.purpose,
            outputs=tuple(output.name for output in self.session.outputs.values()),
        )

    def _opening(self) -> list[BaseMessage]:
        # Imported where used, so that `import faceagent` does not pay for it.
        from langchain_core.messages import HumanMessage, SystemMessage

        content: list[str | dict[str, Any]] = [{"type": "text", "text": self.question}]
        if getattr(self.agent.controller, "sees_images", True):
            content += [_image_block(self.session.photo(image)) for image in self.session.images]
        return [SystemMessage(f"{RULES}\n\n{inventory(self.session)}"), HumanMessage(content)]

    def _converse(self) -> Draft:
        for _ in range(self.agent.budget.turns):
            turn = self._invoke()
            if not turn.tool_calls and not turn.invalid_tool_calls:
                return _read_draft(turn)
            for call in turn.tool_calls:
                self.messages.append(self._run(call))
            for bad in turn.invalid_tool_calls:
                self.messages.append(_tool_message(f"That call is not valid JSON: {bad['error']}", bad["id"] or ""))
            if self.stopped:
                break
        self.stopped = self.stopped or "The controller kept calling tools, so it was stopped."
        return Draft(claims=self._deterministic().claims)

    def _invoke(self) -> AIMessage:
        turn = self.model.invoke(self.messages)
        self.not_shown = turn.response_metadata.get("not_shown") or self.not_shown
        self.messages.append(turn)
        return turn

    def _blind_spots(self) -> list[str]:
        """What a person should know about which pictures the controller had before its eyes."""
        if not self.not_shown:
            return []
        return [f"The model could not be shown {', '.join(self.not_shown)} beside the others; tools can still measure."]

    def _run(self, call: Any) -> ToolMessage:
        if len(self.steps) >= self.agent.budget.tool_calls or time.monotonic() > self.deadline:
            self.stopped = "The budget for this question was used up before everything was measured."
            return _tool_message(self.stopped, call["id"])
        tool = self.bound.get(call["name"])
        if tool is None:
            outcome = self.agent.tools.call(self.session, call["name"], {})[0]
            self.steps.append(outcome.step)
            return _tool_message(outcome.step.message or "", call["id"])
        message: ToolMessage = tool.invoke({**call, "type": "tool_call"})
        self.asked.append(call["name"])
        self.outcomes.extend(message.artifact or ())
        return message

    def _hold(self, draft: Draft) -> tuple[list[Claim], tuple[Rejection, ...]]:
        grounded = ground(draft.claims, self.session.ledger.get)
        return list(grounded.accepted), grounded.rejected

    def _retry(self, rejected: Sequence[Rejection]) -> Draft:
        from langchain_core.messages import HumanMessage

        reasons = [{"sentence": item.claim.sentence, "rejected_because": item.reason} for item in rejected]
        notice = json.dumps({"your_claims_were_rejected": reasons}, ensure_ascii=False)
        self.messages.append(HumanMessage(notice, name=NOTICE))
        return self._converse()

    def _fall_back(self, gaps: list[str]) -> tuple[list[Claim], list[str]]:
        """The tools' own wording instead of a draft that the evidence does not carry."""
        narration = self._deterministic()
        grounded = ground(narration.claims, self.session.ledger.get)
        for item in grounded.rejected:
            _log.error("a tool's own wording is not carried by its evidence: %s: %s", item.claim.sentence, item.reason)
        gaps = [*dict.fromkeys((*gaps, *narration.not_established))]
        return list(grounded.accepted), [*gaps, "A sentence that the evidence does not carry was left out."]

    def _deterministic(self) -> Narration:
        faces = tuple(face.id for face in self.session.faces())
        names = Names(images=self.session.images, faces=faces)
        return narrate(self.outcomes, tuple(dict.fromkeys(self.asked)), self.agent.tools, names)


_JSON = re.compile(r"\{.*\}", re.DOTALL)


def _read_draft(turn: AIMessage) -> Draft:
    match = _JSON.search(turn.text)
    try:
        return Draft.model_validate_json(match.group(0) if match else turn.text)
    except ValidationError as error:
        raise ControllerError(
            f"The controller's answer is not the JSON that was asked for ({error.errors()[0]['msg']})",
            "Try again, or use --controller embedded",
        ) from error


def _tool_message(content: str, call_id: str) -> ToolMessage:
    from langchain_core.messages import ToolMessage

    return ToolMessage(content=content, tool_call_id=call_id, status="error")


def _image_block(photo: Photo) -> dict[str, Any]:
    """The photo for a model's eyes: upright JPEG, at most 1024 px, without any of the file's metadata."""
    from PIL import Image

    picture = Image.fromarray(photo.pixels)
    picture.thumbnail((_MODEL_IMAGE_SIDE, _MODEL_IMAGE_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=90)
    return {"type": "image", "base64": base64.b64encode(buffer.getvalue()).decode(), "mime_type": "image/jpeg"}
