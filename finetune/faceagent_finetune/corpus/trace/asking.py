"""The assistant asked about labelled photos, a teacher in the model's seat (`faceagent.loop`), so that the rules, the
observations, the pictures and the form of an answer are those of the product, word for word.
"""

from __future__ import annotations

import io
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, islice
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from PIL import Image

from faceagent.controllers.planner import Reading, planner
from faceagent.controllers.refer import without_age_reference
from faceagent.loop import Budget, Conversation
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import DETECTOR, Toolbox
from faceagent.types import Answer, Answered, Evidence
from faceagent_finetune.corpus.conversation import Picture, Talk, Trace, Turn
from faceagent_finetune.corpus.degrade import degraded
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.corpus.trace.questions import right_reading
from faceagent_finetune.corpus.trace.record import Recording
from faceagent_finetune.corpus.trace.teacher import Teacher, is_told, said_whole, spoiler
from faceagent_finetune.planner.asked import Asked
from faceagent_finetune.planner.grammar import NOTHING
from faceagent_tools import default_tools

OF_TWO = frozenset({"comparison", "order of age"})
"""Labels of questions about two faces."""
_SPOILT = 0.1
"""Share of the drafts that are sent back."""
_BUDGET = Budget(seconds=math.inf)  # what a trace holds must not depend on the clock


class Asking:
    """One conversation with the assistant, the teacher in the model's seat.

    Args:
        found: the faces have been looked for before the first question.
    """

    def __init__(
        self, shown: Sequence[Picture], purpose: str | None, rng: random.Random, *, found: bool = False
    ) -> None:
        self._shown, self._rng = shown, rng
        self.session = Session(purpose)
        self._readings: dict[str, Reading] = {}
        for picture in shown:
            self.session.add(Photo.open(picture.data))
        if found and shown:
            toolbox().call(self.session, DETECTOR, {})

    @property
    def several(self) -> bool:
        """Whether more than one face has been found."""
        return len(self.session.faces()) > 1

    def about(self, asked: Asked, *, points: bool = False) -> Iterator[Trace]:
        """The trace of a question; none where the product would leave out a part of the answer, or a model could not
        know a figure in it.

        Args:
            points: it only points to somebody else than the question before it, whose reading holds.
        """
        loop = self._asked(asked, points=points, spoilt=self._rng.random() < _SPOILT)
        answer = next(event.answer for event in loop.events() if isinstance(event, Answered))
        turn = self.session.turns[-1]
        if said_whole(loop.messages[-1], turn) and is_told(turn.claims, self._evidence()):
            yield self._trace("trace", asked, answer, loop.messages)

    def first_turn(self, asked: Asked) -> Iterator[Trace]:
        """What is called for a question, up to that; the whole trace where nothing is to be called."""
        loop = self._asked(asked)
        turn = loop.model.invoke(loop.messages)
        if turn.tool_calls:
            yield self._trace("first_turn", asked, None, [*loop.messages, turn])
        else:
            yield from (replace(trace, kind="first_turn") for trace in self.about(asked))

    def _evidence(self) -> dict[str, Evidence]:
        return {row.id: row for row in self.session.ledger.all()}

    def _asked(self, asked: Asked, *, points: bool = False, spoilt: bool = False) -> Conversation:
        if not points:
            self._readings[without_age_reference(asked.text)] = right_reading(asked)
        spoil = spoiler(self.session, self._rng) if spoilt else None
        teacher = Teacher(tools=toolbox(), read=self._read, spoil=spoil)
        return Conversation(teacher, toolbox(), _BUDGET, self.session, asked.text)

    def _read(self, text: str) -> Reading:
        known = self._readings.get(without_age_reference(text))
        return planner().read(text) if known is None else known

    def _trace(self, kind: str, asked: Asked, answer: Answer | None, messages: Sequence[BaseMessage]) -> Trace:
        recording = Recording.of(messages)
        said, status = (answer.text, answer.status) if answer else ("", CALLED)
        return Trace(
            kind,
            tuple(self._picture(place, data) for place, data in enumerate(recording.pictures)),
            tuple(Turn(asked.text, said, label, status) for label in sorted(asked.labels) or (NOTHING,)),
            told=tuple(recording.messages),
            tools=_specifications(),
        )

    def _picture(self, place: int, data: bytes) -> Picture:
        """The photos come first, then sheets of the faces found in them."""
        if place < len(self._shown):
            return replace(self._shown[place], data=data)
        return Picture(self._shown[0].photo, data, "faces")


CALLED = "called"
"""In place of an answer's status, of a turn that calls tools."""


@cache
def toolbox() -> Toolbox:
    """The tools that are there, each loaded once."""
    return Toolbox(default_tools())


@cache
def _specifications() -> tuple[dict[str, Any], ...]:
    """The tools as a model is told of them, the same in every conversation."""
    return tuple(convert_to_openai_tool(tool) for tool in toolbox().bind(Session()))


class Scenes:
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
        draw = self._rng.choices(range(5), (62, 16, 10, 10, 2))[0]
        if labels & OF_TWO and draw != 4:
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


def in_scenes(
    photos: Sequence[LabelledPhoto],
    most: int,
    talk: Talk,
    some: Callable[[Scenes, str, Talk], Iterator[Trace]],
) -> Iterator[Trace]:
    """At most so many conversations about scenes of the photos. some: makes any number of them, given the split."""
    if photos:
        scenes = Scenes(photos, talk.rng)
        tries = (some(scenes, photos[0].split, talk) for _ in range(2 * most))
        yield from islice(chain.from_iterable(tries), most)


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
