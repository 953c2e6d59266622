"""Perceived ethnicity and expression: answered where the conversation states a purpose, and else said to be off.

The same question stands in conversations with a purpose and without one, so that the purpose is what opens it. A recipe
that states no purpose that opens a topic makes only the latter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent.policy import how_to_open, opens
from faceagent_finetune.corpus.conversation import ABSTAINED, OFF, Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.labelled import LabelledPhoto

_TOPICS = {"expression": "emotion", "ethnicity": "ethnicity"}  # as purposes.toml has them
_OFF_ONE_IN = 4


def purpose(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    able = [(photo, attribute) for photo in talk.shuffled(photos) if (attribute := _attribute(photo))]
    for place, (photo, attribute) in enumerate(able[:most]):
        question = talk.voice.say(f"purpose.{attribute}.ask")
        stated = talk.purpose
        if stated is None or not opens(stated, _TOPICS[attribute]) or place % _OFF_ONE_IN == 0:
            why = how_to_open(_TOPICS[attribute])
            turn = Turn(question, talk.voice.say("purpose.off", why=why), attribute, OFF)
            yield Conversation("purpose", (Picture.of(photo),), (turn,))
        else:
            system = talk.voice.say("purpose.system", purpose=stated)
            yield Conversation("purpose", (Picture.of(photo),), (_read(photo, attribute, question, talk),), system)


def _attribute(photo: LabelledPhoto) -> str | None:
    if {"expression", "expression doubt"} & photo.facts.keys():
        return "expression"
    return "ethnicity" if "ethnicity" in photo.facts else None


def _read(photo: LabelledPhoto, attribute: str, question: str, talk: Talk) -> Turn:
    doubt = photo.facts.get("expression doubt")
    if attribute == "expression" and doubt:
        return Turn(question, talk.voice.say("purpose.expression.doubt", look=doubt), attribute, ABSTAINED)
    value = photo.facts[attribute]
    return Turn(question, talk.voice.say(f"purpose.{attribute}.answer", look=value), attribute, value)
