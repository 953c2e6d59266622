"""Questions that are declined by policy (faceagent/declined.toml), with the policy's own reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent.policy import Topic, topics
from faceagent_finetune.corpus.conversation import DECLINED, Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.labelled import LabelledPhoto


def refusal(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """One question a photo, the topics in turn."""
    known = topics()
    start = talk.rng.randrange(len(known))
    for place, photo in enumerate(talk.shuffled(photos)[:most]):
        turn = declined_turn(known[(start + place) % len(known)], talk)
        yield Conversation("refusal", (Picture.of(photo),), (turn,))


def declined_turn(topic: Topic, talk: Talk) -> Turn:
    offer = talk.voice.part("declined.offer")
    said = talk.voice.say("declined.answer", why=topic.why, offer=offer)
    return Turn(talk.voice.say(f"declined.ask.{topic.name}"), said, topic.name, DECLINED)
