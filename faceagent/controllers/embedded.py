"""The controller that needs no download: a planner that maps a question to tool calls, and the tools' own wording.

It is a LangChain chat model like any other that may sit in the seat: its first turn calls tools, its last turn is a
`Draft`. It reads nothing but the question, the inventory of ids and the tools' observations, so text inside a photo or
a file name cannot instruct it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, Field

from faceagent.controllers.draft import NOTICE, Draft, Earlier, View
from faceagent.controllers.plan import Call, Plan, Read, plan
from faceagent.narrate import narrate
from faceagent.tool import Names, Outcome, Toolbox


class EmbeddedController(BaseChatModel):
    """Plans with the network of planner.py and words with `narrate`.

    Args:
        tools: what it may call and whose wording it uses.
        read: what a question asks for; by default as the network of planner.py reads it.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    tools: Toolbox
    read: Read | None = Field(default=None, exclude=True)
    sees_images: bool = False
    own_words: bool = True
    """Its remarks and gaps are sentences of this package; those of a model are held by `ground.aside`."""

    @property
    def _llm_type(self) -> str:
        return "faceagent-embedded"

    @property
    def model_name(self) -> str:
        """What LangChain's traces call it."""
        return self._llm_type

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Restrict the planner to these tools."""
        names = tuple(_name_of(tool) for tool in tools)
        return self.bind(tool_names=names, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        turn = _Turn(messages)
        names = kwargs.get("tool_names", tuple(self.tools))
        chosen = plan(turn.question, turn.view, names, turn.history, self.read)
        pending = [call for call in chosen.calls if call not in turn.made]
        message = _calling(pending, len(turn.made)) if pending else self._drafting(turn, chosen)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """The whole turn as one piece: it is planned, not written word by word."""
        message = self._generate(messages, stop, run_manager, **kwargs).generations[0].message
        fields = message.model_dump(include={"content", "tool_calls"})
        yield ChatGenerationChunk(message=AIMessageChunk(**fields, chunk_position="last"))

    def _drafting(self, turn: _Turn, chosen: Plan) -> AIMessage:
        narration = narrate(turn.outcomes, chosen.asked, self.tools, turn.names, in_turn=chosen.in_turn)
        gaps = (*chosen.not_offered, *narration.not_established)
        unanswered = (chosen.asked and not narration.claims) or (chosen.status == "answered" and gaps)
        status = "partly_answered" if unanswered else chosen.status
        draft = Draft(status=status, claims=narration.claims, remarks=chosen.remarks, not_established=gaps)
        return AIMessage(content=draft.model_dump_json())


class _Turn:
    """What the messages hold: the present question with its calls and outcomes, and the earlier ones."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        asked = [place for place, message in enumerate(messages) if _is_question(message)]
        recent = messages[asked[-1] :] if asked else []
        self.question = _asked(recent[0]) if recent else ""
        self.outcomes: list[Outcome] = [
            outcome for message in recent if isinstance(message, ToolMessage) for outcome in message.artifact or ()
        ]
        self.made = {
            Call(call["name"], json.dumps(call["args"], sort_keys=True))
            for message in recent
            if isinstance(message, AIMessage)
            for call in message.tool_calls
        }
        self.history = [Earlier.read(messages[place].text, messages[place + 1].text) for place in asked[:-1]]
        self.view = View.read([message.text for message in messages if isinstance(message, SystemMessage)]).seeing(
            [row for outcome in self.outcomes for row in outcome.evidence]
        )

    @property
    def names(self) -> Names:
        return Names(
            images=self.view.images, faces=tuple(face for faces in self.view.faces.values() for face in faces or ())
        )


def _is_question(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) and message.name != NOTICE


def _asked(message: BaseMessage) -> str:
    """A question without the names of the pictures that follow it."""
    return next((block["text"] for block in message.content_blocks if block["type"] == "text"), "")


def _calling(calls: Sequence[Call], made: int) -> AIMessage:
    return AIMessage(
        content="",
        tool_calls=[
            ToolCall(name=call.tool, args=json.loads(call.arguments), id=f"call_{made + place}")
            for place, call in enumerate(calls, start=1)
        ],
    )


def _name_of(tool: Any) -> str:
    if isinstance(tool, dict):
        return str(tool.get("function", tool).get("name"))
    return str(getattr(tool, "name", getattr(tool, "__name__", tool)))
