"""A conversation as a local model's chat template takes it: roles, text, pictures, tools.

Templates differ in what they know. Where one has no tools, or writes them in another way than
`<tool_call>{"name", "arguments"}</tool_call>`, they are told in words that any template carries: the tools in the
system message, calls in the assistant's text, results in the user's. The markers of roles stay the model's own.

Text is data: whatever in it looks like a control token of the model (`<|im_start|>`, `<image>`) is broken up first.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faceagent.controllers.constraint import CLOSE, OPEN
from faceagent.errors import ControllerError
from faceagent.media import Photo

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage
    from PIL import Image

Turn = dict[str, Any]
"""{"role", "content": [{"type": "text", "text"} or {"type": "image"}]}, and "tool_calls" if the template knows them."""

_HOW_TO_CALL = f"""\
You have these tools, one JSON schema a line:
<tools>
{{tools}}
</tools>
To call one, write
{OPEN}
{{{{"name": NAME, "arguments": OBJECT}}}}
{CLOSE}
and nothing else. Several calls follow one another."""

_LABEL = re.compile(r"(?:image|face|video) \d+(?:\.\d+)?")


@dataclass(frozen=True)
class Abilities:
    """What a chat template knows by itself. system: a message in that role; tools: their schemas, calls and results."""

    system: bool
    tools: bool


@dataclass
class Transcript:
    """turns: as the template takes them. pictures: upright RGB, in the order of their places in the turns. labels: of
    each picture, the id that the text before it names, or "picture N"."""

    turns: list[Turn] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def showing(self, count: int) -> Transcript:
        """The same with the first `count` pictures; where another was, the text says that it is not shown."""
        seen = 0
        turns = []
        for turn in self.turns:
            content = []
            for part in turn["content"]:
                if part["type"] == "image":
                    seen += 1
                    if seen > count:
                        part = _text("(not shown)")
                content.append(part)
            turns.append({**turn, "content": content})
        return Transcript(turns, self.pictures[:count], self.labels[:count])

    def shrunk(self, side: int) -> Transcript:
        """The same with no picture longer than `side` pixels."""
        smaller = [picture.copy() for picture in self.pictures]
        for picture in smaller:
            picture.thumbnail((side, side))
        return Transcript(self.turns, smaller, self.labels)


def abilities(render: Callable[..., str]) -> Abilities:
    """Try out a chat template.

    Args:
        render: from turns and `tools` to text; may raise jinja2's errors.
    """
    system = _shown(
        render, [_turn("system", "SYSTEM-PROBE"), _turn("user", "USER-PROBE")], "SYSTEM-PROBE", "USER-PROBE"
    )
    tool = {"type": "function", "function": {"name": "probe_tool", "description": "TOOL-PROBE", "parameters": {}}}
    called = [{"type": "function", "function": {"name": "probe_tool", "arguments": {"probe": 1}}}]
    turns = [
        _turn("user", "USER-PROBE"),
        {**_turn("assistant", ""), "tool_calls": called},
        {**_turn("tool", "RESULT-PROBE"), "name": "probe_tool"},
    ]
    call = f'{OPEN}\n{{"name": "probe_tool", "arguments": {{"probe": 1}}}}\n{CLOSE}'
    return Abilities(system=system, tools=_shown(render, turns, "TOOL-PROBE", call, "RESULT-PROBE", tools=[tool]))


def _shown(render: Callable[..., str], turns: list[Turn], *wanted: str, tools: list[Any] | None = None) -> bool:
    from jinja2 import TemplateError

    try:
        text = render(turns, tools=tools)
    except (TemplateError, TypeError, ValueError, KeyError):
        # A template that cannot take it at all, e.g. "roles must alternate" or a content that must be a string.
        return False
    return all(part in text for part in wanted)


def transcribe(
    messages: Sequence[BaseMessage],
    tools: Sequence[dict[str, Any]],
    knows: Abilities,
    control_tokens: Iterable[str],
) -> Transcript:
    """Messages of LangChain as turns of a chat template.

    Args:
        tools: those bound, in OpenAI's format.
        control_tokens: the strings that the tokenizer takes for tokens with a meaning of their own.

    Raises:
        ControllerError: a message has a part that is neither text nor a picture, or a picture at an address.
        MediaError: a picture cannot be decoded.
    """
    writer = _Writer(knows, _breaker(control_tokens))
    for message in messages:
        writer.add(message)
    return writer.finish(tools)


class _Writer:
    def __init__(self, knows: Abilities, plain: Callable[[str], str]) -> None:
        self.knows = knows
        self.plain = plain
        self.system: list[str] = []
        self.result = Transcript()

    def add(self, message: BaseMessage) -> None:
        if message.type == "system":
            self.system.append(self.plain(message.text))
        elif message.type == "ai":
            self._assistant(message)  # type: ignore[arg-type]  # its type is "ai"
        elif message.type == "tool":
            self._result(self._parts(message))
        else:
            self._append("user", self._parts(message))

    def finish(self, tools: Sequence[dict[str, Any]]) -> Transcript:
        turns = self.result.turns
        if tools and not self.knows.tools:
            schemas = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
            self.system.append(_HOW_TO_CALL.format(tools=schemas))
        if not self.system:
            return self.result
        text = "\n\n".join(self.system)
        if self.knows.system:
            turns.insert(0, _turn("system", text))
        elif turns and turns[0]["role"] == "user":
            turns[0]["content"].insert(0, _text(text + "\n\n"))
        else:
            turns.insert(0, _turn("user", text))
        return self.result

    def _assistant(self, message: AIMessage) -> None:
        parts = [_text(self.plain(message.text))] if message.text else []
        calls = [
            self.plain(json.dumps({"name": call["name"], "arguments": call["args"]}, ensure_ascii=False))
            for call in message.tool_calls
        ]
        if self.knows.tools:
            self.result.turns.append({"role": "assistant", "content": parts})
            if calls:
                self.result.turns[-1]["tool_calls"] = [
                    {"type": "function", "function": json.loads(call)} for call in calls
                ]
            return
        written = [f"{OPEN}\n{call}\n{CLOSE}" for call in calls]
        self._append("assistant", parts + ([_text("\n".join(written))] if written else []))

    def _result(self, parts: list[dict[str, Any]]) -> None:
        if self.knows.tools:
            self.result.turns.append({"role": "tool", "content": parts})
        else:
            self._append("user", [_text("<tool_response>\n"), *parts, _text("\n</tool_response>")])

    def _append(self, role: str, parts: list[dict[str, Any]]) -> None:
        """Add a turn, or go on with the last one: many templates refuse the same role twice."""
        turns = self.result.turns
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += [_text("\n"), *parts]
        else:
            turns.append({"role": role, "content": parts})

    def _parts(self, message: BaseMessage) -> list[dict[str, Any]]:
        parts = []
        before = ""
        for block in message.content_blocks:
            if block["type"] == "text":
                before = block["text"]
                parts.append(_text(self.plain(before)))
            elif block["type"] == "image":
                self.result.pictures.append(_picture(block))
                found = _LABEL.findall(before)
                self.result.labels.append(found[-1] if found else f"picture {len(self.result.pictures)}")
                parts.append({"type": "image"})
                before = ""
            else:
                raise ControllerError(
                    f"A local model takes text and pictures, and this message has a part of type {block['type']!r}",
                    "Leave it out",
                )
        return parts


def _picture(block: Any) -> Image.Image:
    from PIL import Image

    url = block.get("url") or ""
    data = block.get("base64") or (url.partition("base64,")[2] if url.startswith("data:") else "")
    if not data:
        raise ControllerError(
            "A local model does not fetch pictures from addresses", "Give the picture itself, as base64"
        )
    try:
        raw = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ControllerError(f"A picture in the messages is not base64 ({error})", "Encode it again") from error
    return Image.fromarray(Photo.open(raw).pixels)


def _breaker(control_tokens: Iterable[str]) -> Callable[[str], str]:
    """A function that puts a space into every control token in a text, so that it is read as the characters it has."""
    names = sorted((name for name in {*control_tokens, OPEN, CLOSE} if len(name.strip()) > 1), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, names)))
    return lambda text: pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def _turn(role: str, text: str) -> Turn:
    return {"role": role, "content": [_text(text)]}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
