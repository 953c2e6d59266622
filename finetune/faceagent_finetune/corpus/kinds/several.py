"""Several questions about one photo: a description or an answer, then something that is not visible or is declined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent.policy import topics
from faceagent_finetune.corpus.claims import answered, asked_pairs
from faceagent_finetune.corpus.conversation import Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.kinds.abstain import unseen
from faceagent_finetune.corpus.kinds.decline import declined_turn
from faceagent_finetune.corpus.kinds.describe import described
from faceagent_finetune.corpus.labelled import LabelledPhoto


def multi_turn(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """In pairs as `yes_no`, so that a yes and a no follow the same question."""
    pairs = asked_pairs(photos, talk.rng, talk.voice)
    for _, asked in zip(range(most // 2), pairs, strict=False):
        for photo in asked.photos:
            said, value = answered(asked.claim, photo, talk.voice)
            turns = [Turn(asked.question, said, asked.claim.attribute, value), _aside(photo, talk)]
            if talk.rng.random() < 0.5:
                turns.append(described(photo, talk.voice))
            talk.rng.shuffle(turns)
            yield Conversation("multi_turn", (Picture.of(photo),), tuple(turns))


def _aside(photo: LabelledPhoto, talk: Talk) -> Turn:
    return unseen(photo, talk) if talk.rng.random() < 0.5 else declined_turn(talk.rng.choice(topics()), talk)
