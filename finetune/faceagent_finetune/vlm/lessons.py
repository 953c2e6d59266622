"""What of a conversation is learnt: the assistant's turns, each as the model would have to write it when it is asked.

No template needs marks for this. A conversation is written up to each turn of the assistant twice, as the product asks
for that turn and with the turn in it; what the second has beyond the first is the turn. Where a template writes earlier
turns in another way than the last (without their reasoning, say), a conversation becomes several lessons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faceagent.controllers.pretrained import ChatFormat
from faceagent.controllers.transcript import Transcript, Turn
from faceagent.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Lesson:
    """text: as the model reads it, pictures' places included. learnt: [from, to) in it, in characters."""

    text: str
    learnt: tuple[tuple[int, int], ...]
    pictures: tuple[Image, ...]


def lessons(
    chat: ChatFormat,
    transcript: Transcript,
    tools: Sequence[dict[str, Any]],
    wanted: Sequence[bool],
    ends: Sequence[str],
) -> list[Lesson]:
    """One, as long as the template writes earlier turns as it wrote the last.

    Args:
        transcript: from `transcribe`, with the same tools.
        wanted: of each of the assistant's turns, whether it is learnt; the others are read only.
        ends: the tokens that end a turn, the one to write where the template writes none first.

    Raises:
        UsageError: the template begins the assistant's turn in another way than it writes one.
    """
    made: list[Lesson] = []
    places = [place for place, turn in enumerate(transcript.turns) if turn["role"] == "assistant"]
    for place in (place for place, learn in zip(places, wanted, strict=True) if learn):
        before = transcript.turns[:place]
        asked = chat.render(before, tools)
        answer = _turn(asked, chat.render(transcript.turns[: place + 1], tools, answering=False), ends)
        learnt: tuple[tuple[int, int], ...] = ((len(asked), len(asked) + len(answer)),)
        if made and asked.startswith(made[-1].text):
            learnt = (*made.pop().learnt, *learnt)
        made.append(Lesson(asked + answer, learnt, tuple(transcript.pictures[: _pictures(before)])))
    return made


def _turn(asked: str, written: str, ends: Sequence[str]) -> str:
    """The assistant's turn with the token that ends it, which some templates leave to the trainer."""
    if not written.startswith(asked):
        raise UsageError(
            "The model's chat template writes the assistant's turns in another way than it asks for them",
            "Use the instruction-tuned version of the model, whose template asks for turns as it writes them",
        )
    rest = written[len(asked) :]
    found = [rest.index(end) + len(end) for end in ends if end in rest]
    return rest[: min(found)] if found else rest.rstrip() + ends[0]


def _pictures(turns: Sequence[Turn]) -> int:
    return sum(part["type"] == "image" for turn in turns for part in turn["content"])
