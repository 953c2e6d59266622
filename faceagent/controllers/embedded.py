"""The controller that needs no download: a planner that maps a question to tool calls, and the tools' own wording.

It is a LangChain chat model like any other that may sit in the seat: its first turn calls tools, its last turn is a
`Draft`. It reads nothing but the question, the inventory of ids and the tools' observations, so text inside a photo or
a file name cannot instruct it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import ConfigDict

from faceagent.controllers.draft import NOTICE, Draft, View
from faceagent.controllers.plan import Call, Plan, plan
from faceagent.narrate import narrate
from faceagent.tool import Names, Outcome, Toolbox


class EmbeddedController(BaseChatModel):
    """Plans with the network of planner.py and words with `narrate`.

    Args:
        tools: what it may call and whose wording it uses.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    tools: Toolbox
    sees_images: bool = False

    @property
    def _llm_type(self) -> str:
        return "faceagent-embedded"

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
        chosen = plan(turn.question, turn.view, kwargs.get("tool_names", tuple(self.tools)))
        pending = [call for call in chosen.calls if call not in turn.made]
        message = _calling(pending, len(turn.made)) if pending else self._drafting(turn, chosen)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _drafting(self, turn: _Turn, chosen: Plan) -> AIMessage:
        narration = narrate(turn.outcomes, chosen.asked, self.tools, turn.names)
        gaps = (*chosen.not_offered, *narration.not_established)
        unanswered = (chosen.asked and not narration.claims) or (chosen.status == "answered" and gaps)
        status = "partly_answered" if unanswered else chosen.status
        draft = Draft(status=status, claims=narration.claims, remarks=chosen.remarks, not_established=gaps)
        return AIMessage(content=draft.model_dump_json())


class _Turn:
    """What the messages of the present question hold."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        asked = [place for place, message in enumerate(messages) if _is_question(message)]
        recent = messages[asked[-1] :] if asked else []
        self.question = recent[0].text if recent else ""
        self.outcomes: list[Outcome] = [
            outcome for message in recent if isinstance(message, ToolMessage) for outcome in message.artifact or ()
        ]
        self.made = {
            Call(call["name"], json.dumps(call["args"], sort_keys=True))
            for message in recent
            if isinstance(message, AIMessage)
            for call in message.tool_calls
        }
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
