"""A chat model that says what a test tells it to: the one seam at which a controller is faked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field


class ScriptedController(BaseChatModel):
    """Plays `turns` one after the other; a turn is a message, or a function from the messages so far to one."""

    turns: list[Any]
    seen: list[list[BaseMessage]] = Field(default_factory=list)
    sees_images: bool = False

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        turn = self.turns[min(len(self.seen), len(self.turns) - 1)]
        self.seen.append(list(messages))
        message = turn if isinstance(turn, AIMessage) else turn(messages)
        return ChatResult(generations=[ChatGeneration(message=message)])


def drafting(claims: Sequence[dict[str, Any]]) -> AIMessage:
    return AIMessage(json.dumps({"claims": claims}))


def calling(tool: str, **arguments: Any) -> AIMessage:
    return AIMessage(content="", tool_calls=[{"name": tool, "args": arguments, "id": "call_1", "type": "tool_call"}])


def asks(tool: str) -> AIMessage:
    """The call of one tool on everything."""
    return calling(tool)


class Reader(ScriptedController):
    """A stand-in for a model that does as it is told: calls one tool, and says what the observations say, no more.

    It sees only what any model sees: the text of tool messages.
    """

    turns: list[Any] = Field(default_factory=list)

    @staticmethod
    def of(tool: str) -> Reader:
        return Reader(turns=[asks(tool), lambda messages: drafting(observed(messages))])


class Parrot(ScriptedController):
    """A stand-in for a model that answers from memory: whatever the tools say, it says what it said the first time."""

    turns: list[Any] = Field(default_factory=list)

    @staticmethod
    def of(tool: str, memory: dict[str, str]) -> Parrot:
        def recite(messages: list[BaseMessage]) -> AIMessage:
            return AIMessage(memory.setdefault(tool, drafting(observed(messages)).text))

        return Parrot(turns=[asks(tool), recite])


def observed(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """A claim on every row of the observations."""
    lines = [
        line for message in messages if isinstance(message, ToolMessage) for line in str(message.content).split("\n")
    ]
    rows = [row for line in lines if line.startswith("{") for row in json.loads(line)["evidence"]]
    return [
        {key: row.get(key) for key in ("subject", "attribute", "value")} | {"sentence": said, "evidence": [row["id"]]}
        for row in rows
        if (said := _plainly(row)) is not None
    ]


def _plainly(row: dict[str, Any]) -> str | None:
    what, value = f"The {row['attribute'].replace('_', ' ')} of {row['subject']}", row.get("value")
    if row["status"] != "ok":
        return f"{what} is unknown."
    shown = value if isinstance(value, dict) else {"": value}
    parts = [f"{key.replace('_', ' ')} {_written(item)}".strip() for key, item in shown.items() if _written(item)]
    return f"{what}: {', '.join(parts)}." if parts else None


def _written(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return f"{value}"
    if isinstance(value, str):
        return f"“{value}”"
    return ", ".join(f"“{item}”" for item in value) if all(isinstance(item, str) for item in value) else None
