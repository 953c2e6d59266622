"""Questions with yes or no, of two photos each: one yes, one no."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent_finetune.corpus.claims import answered, asked_pairs
from faceagent_finetune.corpus.conversation import Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.labelled import LabelledPhoto


def yes_no(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """Two conversations a question, so that their number is even."""
    pairs = asked_pairs(photos, talk.rng, talk.voice)
    for _, asked in zip(range(most // 2), pairs, strict=False):
        for photo in asked.photos:
            said, value = answered(asked.claim, photo, talk.voice)
            turn = Turn(asked.question, said, asked.claim.attribute, value)
            yield Conversation("yes_no", (Picture.of(photo),), (turn,))
