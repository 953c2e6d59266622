"""What to do about a question, before anything is measured: which tools to call, or to decline, or to ask back.

In a trace one token of some hundreds decides that. No tool runs for these conversations but now and then the detector,
so there can be many of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from faceagent_finetune.corpus.conversation import Talk, Trace
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.corpus.trace.asking import OF_TWO, Asking, Scenes, in_scenes
from faceagent_finetune.corpus.trace.questions import questions

_AT_ONCE = 12
"""Questions that are drawn together, so that they can share their photos."""


def first_turns(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Trace]:
    """A question each, none with another before it."""
    return in_scenes(photos, most, talk, _some)


def _some(scenes: Scenes, split: str, talk: Talk) -> Iterator[Trace]:
    drawn = list(islice(questions(split, talk.rng), _AT_ONCE))
    for of_two in (False, True):
        shown, found = scenes.about(OF_TWO if of_two else frozenset()), talk.rng.random() < 0.5
        asking = None
        for asked in (one for one in drawn if bool(one.labels & OF_TWO) == of_two):
            if asking is None or asking.session.turns:
                asking = Asking(shown, None, talk.rng, found=found)
            yield from asking.first_turn(asked)
