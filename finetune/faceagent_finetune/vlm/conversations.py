"""The conversations of a corpus, read from its shards one by one as they are needed.

What is kept in memory of each is where its line begins and how long it is.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceagent.errors import UsageError
from faceagent_finetune.corpus.build import CONVERSATIONS
from faceagent_finetune.corpus.labelled import LeftOut

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_PICTURE = 800  # characters that take about as many tokens as a picture
_ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True)
class Place:
    """Where a conversation stands. size: characters of its text, pictures counted as some."""

    file: Path
    offset: int
    size: int


@dataclass(frozen=True)
class Spoken:
    """messages: of LangChain. tools: bound, in OpenAI's format. learnt: of each of the assistant's messages, whether it
    is; the others are context."""

    messages: list[BaseMessage]
    tools: list[dict[str, Any]]
    learnt: list[bool]


class Conversations:
    """Those of one split.

    Args:
        corpus: folder that `python -m faceagent_finetune corpus` wrote.
        only, without: kinds that are taken, and that are not; () is all, and none.

    Raises:
        UsageError: there are none.
    """

    def __init__(self, corpus: Path, split: str, only: Sequence[str] = (), without: Sequence[str] = ()) -> None:
        self.corpus = corpus
        self.left_out: list[LeftOut] = []
        self._places: list[Place] = []
        files = sorted(corpus.glob(f"{split}/*/{CONVERSATIONS}"))
        if not files:
            raise UsageError(
                f"{corpus} holds no corpus with a split {split!r}",
                "Make one with: python -m faceagent_finetune corpus RECIPE …",
            )
        for file in files:
            self._scan(file, only, without)
        if not self._places:
            reasons = (
                "; ".join(f"{one.name}: {one.reason}" for one in self.left_out[:3]) or "none is of the kinds asked"
            )
            raise UsageError(f"{corpus}/{split} has no usable conversation ({reasons})", "Mend or make the corpus anew")

    def _scan(self, file: Path, only: Sequence[str], without: Sequence[str]) -> None:
        with file.open("rb") as lines:
            offset = 0
            for number, line in enumerate(lines, start=1):
                try:
                    record = read_record(line)
                    kind = str(record.get("kind", ""))
                    if (not only or kind in only) and kind not in without:
                        self._places.append(Place(file, offset, check(record, self.corpus)))
                except BrokenRecord as broken:
                    name = f"{file.relative_to(self.corpus)}, line {number}"
                    self.left_out.append(LeftOut(name, str(broken)))
                offset += len(line)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def sizes(self) -> list[int]:
        """Of each, in characters, see `Place`."""
        return [place.size for place in self._places]

    def record(self, index: int) -> dict[str, Any]:
        """The line of the corpus, as JSON."""
        place = self._places[index]
        with place.file.open("rb") as file:
            file.seek(place.offset)
            return read_record(file.readline())

    def spoken(self, index: int) -> Spoken:
        """A conversation as the product would have it.

        Raises:
            BrokenRecord: a picture's file is gone.
        """
        record = self.record(index)
        told = record["messages"]
        return Spoken(
            messages=list(_messages(told, self.corpus)),
            tools=list(record.get("tools") or ()),
            learnt=[message.get("weight") != 0 for message in told if message["role"] == "assistant"],
        )


class BrokenRecord(ValueError):
    """A line of a corpus that cannot be learnt from; the text says why."""


def fingerprint(corpus: Path) -> str:
    """Changes when the shards do: SHA-256 over their names and sizes."""
    digest = hashlib.sha256()
    for file in sorted(corpus.glob(f"*/*/{CONVERSATIONS}")):
        digest.update(f"{file.relative_to(corpus)} {file.stat().st_size}\n".encode())
    return digest.hexdigest()


def read_record(line: bytes) -> dict[str, Any]:
    """
    Raises:
        BrokenRecord: it is no JSON object with messages.
    """
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BrokenRecord(f"no JSON ({error})") from None
    if not isinstance(record, dict) or not isinstance(record.get("messages"), list):
        raise BrokenRecord("no list of messages")
    return record


def check(record: Mapping[str, Any], corpus: Path) -> int:
    """See that a conversation can be learnt from; its size, see `Place`.

    Raises:
        BrokenRecord: it cannot.
    """
    size, before = 0, ""
    for number, message in enumerate(record["messages"], start=1):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise BrokenRecord(f"message {number} has none of the roles {', '.join(_ROLES)}")
        if before == message["role"] == "assistant":
            raise BrokenRecord(f"message {number} is the assistant's, as the one before it")
        size, before = size + _check_message(message, number, corpus), message["role"]
    if not any(message["role"] == "assistant" and message.get("weight") != 0 for message in record["messages"]):
        raise BrokenRecord("the assistant says nothing in it that is to be learnt")
    return size


def _check_message(message: Mapping[str, Any], number: int, corpus: Path) -> int:
    text, pictures = "", 0
    for part in _parts(message):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            text += part["text"]
        elif kind == "image" and isinstance(part.get("image"), str):
            pictures += 1
            if not (corpus / part["image"]).is_file():
                raise BrokenRecord(f"there is no picture {part['image']}")
        else:
            raise BrokenRecord(f"message {number} has a part that is neither text nor a picture")
    calls = message.get("tool_calls") or []
    if not text.strip() and not calls and not (pictures and message["role"] != "assistant"):
        raise BrokenRecord(f"message {number}, of the {message['role']}, is empty")
    return len(text) + len(json.dumps(calls)) + _PICTURE * pictures


def _parts(message: Mapping[str, Any]) -> list[Any]:
    content = message.get("content") or []
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _messages(told: Sequence[Mapping[str, Any]], corpus: Path) -> Iterator[BaseMessage]:
    from langchain_core.messages import convert_to_messages

    for message in told:
        content = [_shown(part, corpus) if part["type"] == "image" else part for part in _parts(message)]
        extra = {"name": message["name"]} if message.get("name") else {}
        if message["role"] == "tool":
            extra["tool_call_id"] = message.get("tool_call_id") or "call"
        if message.get("tool_calls"):
            extra["tool_calls"] = [_call(call, number) for number, call in enumerate(message["tool_calls"], start=1)]
        yield from convert_to_messages([{"role": message["role"], "content": content, **extra}])


def _shown(part: Mapping[str, Any], corpus: Path) -> dict[str, Any]:
    try:
        data = (corpus / part["image"]).read_bytes()
    except OSError as error:
        raise BrokenRecord(f"{part['image']} cannot be read ({error.strerror})") from None
    return {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": "image/*"}


def _call(call: Mapping[str, Any], number: int) -> dict[str, Any]:
    """In the format of OpenAI, whose arguments are a text; published corpora write an object too."""
    function = call.get("function", call)
    arguments = function["arguments"]
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {
        "id": call.get("id") or f"call_{number}",
        "type": "function",
        "function": {"name": function["name"], "arguments": text},
    }
