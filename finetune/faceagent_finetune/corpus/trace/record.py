"""What a model in the seat was told and said, as messages of a corpus, and back.

`spoken` gives the messages that the loop gave, so that `controllers.transcript.transcribe` makes the same text of a
trace that it makes of a conversation in the product.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage

from faceagent_finetune.corpus.conversation import picture

_ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}
_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


@dataclass
class Recording:
    """messages: with the numbers of pictures in place of their files. pictures: encoded, in order."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)

    @staticmethod
    def of(messages: Sequence[BaseMessage]) -> Recording:
        """Of all the messages of a question, the answer last.

        Answers before the last are context: earlier ones of the conversation, or a draft that was sent back. They have
        the weight 0.
        """
        made = Recording()
        for message in messages:
            told: dict[str, Any] = {"role": _ROLES[message.type], "content": made._parts(message)}
            if isinstance(message, AIMessage):
                if message.tool_calls:
                    told["tool_calls"] = [_call(call) for call in message.tool_calls]
                elif message is not messages[-1]:
                    told["weight"] = 0
            elif isinstance(message, ToolMessage):
                told |= {"name": message.name, "tool_call_id": message.tool_call_id}
            made.messages.append(told)
        return made

    def _parts(self, message: BaseMessage) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for block in message.content_blocks:
            if block["type"] == "text" and block["text"]:
                parts.append({"type": "text", "text": block["text"]})
            elif block["type"] == "image":
                parts.append({"type": "image", "image": len(self.pictures)})
                self.pictures.append(base64.b64decode(block["base64"]))
        return parts


def _call(call: ToolCall) -> dict[str, Any]:
    return {"type": "function", "id": call["id"], "function": {"name": call["name"], "arguments": call["args"]}}


def spoken(record: Mapping[str, Any], root: Path) -> list[BaseMessage]:
    """The messages of any conversation of a corpus as LangChain's.

    Args:
        record: a line of conversations.jsonl.
        root: folder of the corpus.

    Raises: see `picture`.
    """
    return [_message(told, root) for told in record["messages"]]


def _message(told: Mapping[str, Any], root: Path) -> BaseMessage:
    content: list[Any] = [_block(part, root) for part in told["content"]]
    text = "".join(part.get("text", "") for part in told["content"])
    if told["role"] == "system":
        return SystemMessage(text)
    if told["role"] == "assistant":
        calls = [
            ToolCall(name=call["function"]["name"], args=call["function"]["arguments"], id=call["id"])
            for call in told.get("tool_calls", ())
        ]
        return AIMessage(text, tool_calls=calls)
    if told["role"] == "tool":
        return ToolMessage(text, tool_call_id=told["tool_call_id"], name=told["name"])
    return HumanMessage(content)


def _block(part: Mapping[str, Any], root: Path) -> dict[str, Any]:
    if part["type"] == "text":
        return dict(part)
    data = base64.b64encode(picture(root, part["image"])).decode()
    return {"type": "image", "base64": data, "mime_type": _TYPES[Path(part["image"]).suffix]}
