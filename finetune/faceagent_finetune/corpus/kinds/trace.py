"""Agent traces: our own tools on the photos, a labelled question, and what a model in the seat should call and answer.

The assistant itself is run (`faceagent.loop`), so that the rules, the observations, the pictures and the form of an
answer are those of the product, word for word.
"""

from __future__ import annotations

import io
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, islice
from typing import Any

from langchain_core.utils.function_calling import convert_to_openai_tool
from PIL import Image

from faceagent.controllers.planner import Reading, planner
from faceagent.controllers.refer import without_age_reference
from faceagent.loop import Budget
from faceagent.loop import Conversation as Loop
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Answer, Answered
from faceagent_finetune.corpus.conversation import Conversation, Picture, Talk, Trace, Turn
from faceagent_finetune.corpus.degrade import degraded
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.corpus.trace.questions import question, right_reading
from faceagent_finetune.corpus.trace.record import Recording
from faceagent_finetune.corpus.trace.teacher import Teacher, said_whole, spoiler
from faceagent_finetune.planner.asked import Asked
from faceagent_finetune.planner.grammar import NOTHING
from faceagent_tools import default_tools

_OF_TWO = frozenset({"comparison", "order of age"})
_STATED, _FOLLOWED, _SPOILT = 0.5, 0.25, 0.1
"""Shares: of conversations under the purpose of the recipe; of those with a second question; of drafts sent back."""
_BUDGET = Budget(seconds=math.inf)  # what a trace holds must not depend on the clock


def traces(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """A question each, in conversations of one or two; the second has the first and its answer before it."""
    if photos:
        scenes = _Scenes(photos, talk.rng)
        tries = (_conversation(scenes, photos[0].split, talk) for _ in range(2 * most))
        yield from islice(chain.from_iterable(tries), most)


def _conversation(scenes: _Scenes, split: str, talk: Talk) -> Iterator[Trace]:
    first = question(split, talk.rng)
    asking = _Asking(scenes.about(first.labels), talk.purpose if talk.rng.random() < _STATED else None, talk.rng)
    yield from asking.about(first)
    if talk.rng.random() >= _FOLLOWED:
        return
    if asking.several and talk.rng.random() < 0.5:
        yield from asking.about(replace(first, text=talk.voice.say("trace.other")), points=True)
    else:
        yield from asking.about(question(split, talk.rng))


class _Asking:
    """One conversation with the assistant, the teacher in the model's seat."""

    def __init__(self, shown: Sequence[Picture], purpose: str | None, rng: random.Random) -> None:
        self._shown, self._rng = shown, rng
        self._session = Session(purpose)
        self._readings: dict[str, Reading] = {}
        for picture in shown:
            self._session.add(Photo.open(picture.data))

    @property
    def several(self) -> bool:
        """Whether more than one face has been found."""
        return len(self._session.faces()) > 1

    def about(self, asked: Asked, *, points: bool = False) -> Iterator[Trace]:
        """The trace of a question; none where the product would leave out a part of the answer.

        Args:
            points: it only points to somebody else than the question before it, whose reading holds.
        """
        if not points:
            self._readings[without_age_reference(asked.text)] = right_reading(asked)
        spoil = spoiler(self._session, self._rng) if self._rng.random() < _SPOILT else None
        teacher = Teacher(tools=_toolbox(), read=self._read, spoil=spoil)
        loop = Loop(teacher, _toolbox(), _BUDGET, self._session, asked.text)
        answer = next(event.answer for event in loop.events() if isinstance(event, Answered))
        if said_whole(loop.messages[-1], self._session.turns[-1]):
            yield self._trace(asked, answer, loop)

    def _read(self, text: str) -> Reading:
        known = self._readings.get(without_age_reference(text))
        return planner().read(text) if known is None else known

    def _trace(self, asked: Asked, answer: Answer, loop: Loop) -> Trace:
        recording = Recording.of(loop.messages)
        return Trace(
            "trace",
            tuple(self._picture(place, data) for place, data in enumerate(recording.pictures)),
            tuple(Turn(asked.text, answer.text, label, answer.status) for label in sorted(asked.labels) or (NOTHING,)),
            told=tuple(recording.messages),
            tools=_specifications(),
        )

    def _picture(self, place: int, data: bytes) -> Picture:
        """The photos come first, then sheets of the faces found in them."""
        if place < len(self._shown):
            return replace(self._shown[place], data=data)
        return Picture(self._shown[0].photo, data, "faces")


@cache
def _toolbox() -> Toolbox:
    return Toolbox(default_tools())


@cache
def _specifications() -> tuple[dict[str, Any], ...]:
    """The tools as a model is told of them, the same in every conversation."""
    return tuple(convert_to_openai_tool(tool) for tool in _toolbox().bind(Session()))


class _Scenes:
    """Photos as they might be handed in with a question."""

    def __init__(self, photos: Sequence[LabelledPhoto], rng: random.Random) -> None:
        self._photos, self._rng = photos, rng
        pairs: dict[str, list[LabelledPhoto]] = defaultdict(list)
        for photo in photos:
            if "pair" in photo.facts:
                pairs[photo.facts["pair"]].append(photo)
        self._pairs = [pair for pair in pairs.values() if len(pair) == 2]

    def about(self, labels: frozenset[str]) -> tuple[Picture, ...]:
        """Mostly one photo, or two where the question is about two; now and then several people, a poor photo, none."""
        draw = self._rng.choices(range(5), (60, 16, 10, 10, 4))[0]
        if labels & _OF_TWO and draw != 4:
            draw = self._rng.choices((0, 1, 2), (10, 15, 75))[0]
        if draw == 0:
            return (Picture.of(self._one()),)
        if draw == 1:
            return (side_by_side(self._some(self._rng.choice((2, 2, 3)))),)
        if draw == 2:
            return tuple(map(Picture.of, self._rng.choice(self._pairs) if self._pairs else self._some(2)))
        if draw == 3:
            return (degraded(self._one(), self._rng.choice(("blurred", "tiny")), self._rng)[0],)
        return ()

    def _one(self) -> LabelledPhoto:
        return self._rng.choice(self._photos)

    def _some(self, many: int) -> list[LabelledPhoto]:
        return self._rng.sample(self._photos, min(many, len(self._photos)))


def side_by_side(photos: Sequence[LabelledPhoto]) -> Picture:
    """One picture of several people: the photos at one height, from left to right, as PNG."""
    opened = [Image.fromarray(Photo.open(photo.data).pixels) for photo in photos]
    height = min(picture.height for picture in opened)
    scaled = [picture.resize((round(picture.width * height / picture.height), height)) for picture in opened]
    whole = Image.new("RGB", (sum(picture.width for picture in scaled), height))
    left = 0
    for picture in scaled:
        whole.paste(picture, (left, 0))
        left += picture.width
    buffer = io.BytesIO()
    whole.save(buffer, "PNG")
    return Picture(photos[0], buffer.getvalue(), "side by side")
