"""Agent traces: a labelled question, what a model in the seat should call, what our own tools then tell it of the
photos, and what it should answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from faceagent_finetune.corpus.conversation import Talk, Trace
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.corpus.trace.asking import Asking, Scenes, in_scenes
from faceagent_finetune.corpus.trace.questions import question

_STATED, _FOLLOWED = 0.5, 0.25
"""Shares: of conversations under the purpose of the recipe; of those with a second question."""


def traces(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Trace]:
    """A question each, in conversations of one or two; the second has the first and its answer before it."""
    return in_scenes(photos, most, talk, _conversation)


def _conversation(scenes: Scenes, split: str, talk: Talk) -> Iterator[Trace]:
    first = question(split, talk.rng)
    asking = Asking(scenes.about(first.labels), talk.purpose if talk.rng.random() < _STATED else None, talk.rng)
    yield from asking.about(first)
    if talk.rng.random() >= _FOLLOWED:
        return
    if asking.several and talk.rng.random() < 0.5:
        yield from asking.about(replace(first, text=talk.voice.say("trace.other")), points=True)
    else:
        yield from asking.about(question(split, talk.rng))
