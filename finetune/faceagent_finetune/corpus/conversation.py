"""A conversation in the messages format that trainers of vision-language models read.

    {"id", "messages", "images", "kind", …}         a line of conversations.jsonl; traces have "tools" besides
    {"role", "content": [{"type": "text", "text"} or {"type": "image", "image": PATH}]}     a message
    {"role": "assistant", "content": [], "tool_calls": [{"type": "function", "id", "function": {"name", "arguments"}}]}
    {"role": "tool", "name", "tool_call_id", "content"}

An assistant's message with "weight": 0 is context and not to be learnt: an earlier answer in the history, which the
product tells a model in short, or a draft that was sent back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceagent.errors import InputError
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.corpus.wording import Voice

ABSTAINED, DECLINED, OFF = "abstained", "declined", "off without a purpose"
UNANSWERED = frozenset({ABSTAINED, DECLINED, OFF})


@dataclass(frozen=True)
class Picture:
    """What is shown: the photo's own bytes, or a degraded copy's. change: how it was degraded, or ""."""

    photo: LabelledPhoto
    data: bytes
    change: str = ""

    @staticmethod
    def of(photo: LabelledPhoto) -> Picture:
        return Picture(photo, photo.data)


@dataclass(frozen=True)
class Turn:
    """A question with its answer. value: "yes", "no", what was said, or `ABSTAINED`, `DECLINED`, `OFF`."""

    question: str
    answer: str
    attribute: str
    value: str


@dataclass(frozen=True)
class Conversation:
    kind: str
    pictures: tuple[Picture, ...]
    turns: tuple[Turn, ...]
    system: str | None = None

    def messages(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """[{role, content: [{type: image | text}]}]; the pictures stand before the first question.

        Args:
            names: of the pictures' files, in order.
        """
        told = [message("system", self.system)] if self.system else []
        for place, turn in enumerate(self.turns):
            told.append(message("user", turn.question, names if place == 0 else ()))
            told.append(message("assistant", turn.answer))
        return told


@dataclass(frozen=True)
class Trace(Conversation):
    """A question to the assistant with everything that a model in the seat was told and said.

    told: messages, with the numbers of pictures in place of their files. tools: what could be called, in OpenAI's
    format.
    """

    told: tuple[dict[str, Any], ...] = ()
    tools: tuple[dict[str, Any], ...] = ()

    def messages(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """As they were told; pictures stand where they were shown."""
        return [told | {"content": [_named(part, names) for part in told["content"]]} for told in self.told]


def _named(part: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return part | {"image": names[part["image"]]} if part["type"] == "image" else part


def picture(out: Path, image: str) -> bytes:
    """The bytes of a picture by its path in a record.

    Raises:
        InputError: it is not there.
    """
    try:
        return (out / image).read_bytes()
    except FileNotFoundError:
        shard = (out / image).parent
        raise InputError(f"{out / image} is missing", f"Delete {shard}, and `corpus` makes it anew") from None


def message(role: str, text: str, images: Sequence[str] = ()) -> dict[str, Any]:
    shown = [{"type": "image", "image": name} for name in images]
    return {"role": role, "content": [*shown, {"type": "text", "text": text}]}


@dataclass(frozen=True)
class Talk:
    """What a kind of conversation works with. purpose: that the recipe states, or None."""

    rng: random.Random
    voice: Voice
    purpose: str | None

    def shuffled(self, photos: Sequence[LabelledPhoto]) -> list[LabelledPhoto]:
        return self.rng.sample(photos, len(photos))


Kind = Callable[[Sequence[LabelledPhoto], int, Talk], Iterator[Conversation]]
"""Conversations about a shard's photos: about as many as asked for, or as many as the photos allow."""
