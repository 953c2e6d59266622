"""The conversations of a corpus, read from its shards one by one as they are needed.

What is kept in memory of each is where its line begins and how long it is.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from faceagent.errors import InputError, UsageError
from faceagent_finetune.corpus.build import CONVERSATIONS
from faceagent_finetune.corpus.labelled import LeftOut
from faceagent_finetune.corpus.trace.record import spoken
from faceagent_finetune.vlm.recipe import ALL, Choice

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_PICTURE = 800  # characters that take about as many tokens as a picture


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
        choice: which of them.

    Raises:
        UsageError: there are none, or none of other kinds to replay.
    """

    def __init__(self, corpus: Path, split: str, choice: Choice = ALL) -> None:
        self.corpus, self._pictures = corpus, choice.pictures
        self.left_out: list[LeftOut] = []
        # Of each: its file, where its line begins there, its size, that of its rules and tools, and its kind.
        self._files: list[Path] = []
        self._file, self._offset, self._size, self._prompt = array("q"), array("q"), array("q"), array("q")
        self._kind: list[str] = []
        files = sorted(corpus.glob(f"{split}/*/{CONVERSATIONS}"))
        if not files:
            raise UsageError(
                f"{corpus} holds no corpus with a split {split!r}",
                "Make one with: python -m faceagent_finetune corpus RECIPE …",
            )
        for file in files:
            self._scan(file, choice)
        if not any(map(choice.is_named, self._kind)):
            reasons = (
                "; ".join(f"{one.name}: {one.reason}" for one in self.left_out[:3]) or "none is of the kinds asked"
            )
            raise UsageError(f"{corpus}/{split} has no usable conversation ({reasons})", "Mend or make the corpus anew")
        if choice.replay:
            self._keep(self._replayed(choice, f"{corpus}/{split}"))
        rng = random.Random(f"{choice.seed}/prompt")
        self._bare = [bool(prompt) and rng.random() < choice.prompt_dropout for prompt in self._prompt]
        for number, bare in enumerate(self._bare):
            self._size[number] -= bare * self._prompt[number]

    def _keep(self, numbers: Sequence[int]) -> None:
        """Those of these numbers, in their order."""
        self._file, self._offset, self._size, self._prompt = (
            array("q", [row[number] for number in numbers])
            for row in (self._file, self._offset, self._size, self._prompt)
        )
        self._kind = [self._kind[number] for number in numbers]

    def _replayed(self, choice: Choice, name: str) -> list[int]:
        """Those of the kinds named, and of the others as many as are replayed."""
        named = [number for number, kind in enumerate(self._kind) if choice.is_named(kind)]
        others = set(range(len(self._kind))).difference(named)
        if not others:
            raise UsageError(
                f"{name} has no conversation of another kind than {', '.join(choice.only)} to replay",
                "Make the corpus with more [kinds], or leave replay out of the recipe",
            )
        most = round(len(named) * choice.replay / (1 - choice.replay))
        by_kind: dict[str, list[int]] = {}
        for number in sorted(others):
            by_kind.setdefault(self._kind[number], []).append(number)
        return sorted([*named, *evenly(by_kind, most, random.Random(f"{choice.seed}/replay"))])

    def _scan(self, file: Path, choice: Choice) -> None:
        with file.open("rb") as lines:
            offset = 0
            for number, line in enumerate(lines, start=1):
                try:
                    record = read_record(line)
                    record = record if choice.pictures else without_pictures(record)
                    kind = record.get("kind", "")
                    if choice.takes(kind):
                        self._size.append(check(record, self.corpus))
                        self._prompt.append(prompt_size(record))
                        self._file.append(len(self._files))
                        self._offset.append(offset)
                        self._kind.append(sys.intern(kind))
                except BrokenRecord as broken:
                    name = f"{file.relative_to(self.corpus)}, line {number}"
                    self.left_out.append(LeftOut(name, str(broken)))
                offset += len(line)
        self._files.append(file)

    def __len__(self) -> int:
        return len(self._size)

    @property
    def sizes(self) -> Sequence[int]:
        """Of each, in characters, with its tools, pictures counted as some."""
        return self._size

    @property
    def by_kind(self) -> dict[str, int]:
        """How many there are of each kind, most first."""
        return dict(Counter(self._kind).most_common())

    def record(self, index: int) -> dict[str, Any]:
        """The line of the corpus, as JSON."""
        with self._files[self._file[index]].open("rb") as file:
            file.seek(self._offset[index])
            return read_record(file.readline())

    def spoken(self, index: int) -> Spoken:
        """A conversation as the product would have it.

        Raises:
            BrokenRecord: a picture's file is gone.
        """
        record = self.record(index) if self._pictures else without_pictures(self.record(index))
        try:
            messages = spoken(record, self.corpus)
        except InputError as error:
            raise BrokenRecord(error.message) from None
        learnt = [message.get("weight") != 0 for message in record["messages"] if message["role"] == "assistant"]
        if self._bare[index]:
            return Spoken([message for message in messages if message.type != "system"], [], learnt)
        return Spoken(messages, record.get("tools", []), learnt)


def evenly(numbers: Mapping[str, Sequence[int]], most: int, rng: random.Random) -> list[int]:
    """At most so many, of each kind as many as of another, as far as there are."""
    rows = [rng.sample(numbers[kind], len(numbers[kind])) for kind in sorted(numbers)]
    turns = [number for turn in zip_longest(*rng.sample(rows, len(rows))) for number in turn if number is not None]
    return turns[:most]


class BrokenRecord(Exception):
    """A line of a corpus that cannot be learnt from; the text says why."""


class _Text(BaseModel):
    type: Literal["text"]
    text: str


class _Picture(BaseModel):
    type: Literal["image"]
    image: str


class _Function(BaseModel):
    name: str
    arguments: dict[str, Any]


class _Call(BaseModel):
    id: str
    function: _Function


class _Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: list[Annotated[_Text | _Picture, Field(discriminator="type")]]
    tool_calls: list[_Call] = []


class _Result(BaseModel):
    role: Literal["tool"]
    content: list[_Text]
    name: str
    tool_call_id: str


class _Record(BaseModel):
    messages: list[Annotated[_Message | _Result, Field(discriminator="role")]]
    tools: list[dict[str, Any]] = []
    kind: str = ""


def fingerprint(corpus: Path) -> str:
    """Changes when the shards do: SHA-256 over their names and sizes."""
    digest = hashlib.sha256()
    for file in sorted(corpus.glob(f"*/*/{CONVERSATIONS}")):
        digest.update(f"{file.relative_to(corpus)} {file.stat().st_size}\n".encode())
    return digest.hexdigest()


def read_record(line: bytes) -> dict[str, Any]:
    """
    Raises:
        BrokenRecord: it is no conversation as `corpus.conversation` writes them.
    """
    try:
        record: dict[str, Any] = json.loads(line)
        _Record.model_validate(record)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BrokenRecord(f"no JSON ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise BrokenRecord(f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}") from None
    return record


def without_pictures(record: Mapping[str, Any]) -> dict[str, Any]:
    """The same conversation, of which the text alone is read."""
    messages = [
        {**message, "content": [part for part in message["content"] if part["type"] == "text"]}
        for message in record["messages"]
    ]
    return {**record, "messages": messages}


def prompt_size(record: Mapping[str, Any]) -> int:
    """Characters of the tools of a conversation and of the rules that go with them; 0 without tools."""
    if not record.get("tools"):
        return 0
    rules = (part["text"] for told in record["messages"] if told["role"] == "system" for part in told["content"])
    return len(json.dumps(record["tools"])) + sum(map(len, rules))


def check(record: Mapping[str, Any], corpus: Path) -> int:
    """See that a conversation can be learnt from; its size in characters, with its tools, pictures counted as some.

    Raises:
        BrokenRecord: it cannot.
    """
    size, before = len(json.dumps(record["tools"])) if "tools" in record else 0, ""
    for number, message in enumerate(record["messages"]):
        role, calls = message["role"], message.get("tool_calls", [])
        if before == role == "assistant":
            raise BrokenRecord(f"messages.{number} is the assistant's, as the one before it")
        text = "".join(part.get("text", "") for part in message["content"])
        pictures = [part["image"] for part in message["content"] if part["type"] == "image"]
        if not text.strip() and not (calls if role == "assistant" else pictures):
            raise BrokenRecord(f"messages.{number}, of the {role}, is empty")
        for picture in pictures:
            if not (corpus / picture).is_file():
                raise BrokenRecord(f"there is no picture {picture}")
        size, before = size + len(text) + len(json.dumps(calls)) + _PICTURE * len(pictures), role
    if not any(message["role"] == "assistant" and message.get("weight") != 0 for message in record["messages"]):
        raise BrokenRecord("the assistant says nothing in it that is to be learnt")
    return size
