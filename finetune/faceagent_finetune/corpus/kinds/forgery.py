"""Forged or not, said with doubt; where, of forgeries made here; nothing where the photo has lost what would tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent_finetune.corpus.conversation import ABSTAINED, Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.degrade import degraded
from faceagent_finetune.corpus.labelled import LabelledPhoto

_SPOILT_ONE_IN = 5
_WHERE_ONE_IN = 3  # of the forgeries of which it is known, that are asked where


def forgery(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """The same question of an authentic photo and of a forged one; of every fifth pair, degraded copies are shown."""
    known = [photo for photo in talk.shuffled(photos) if "authenticity" in photo.facts]
    authentic = [photo for photo in known if photo.facts["authenticity"] == "authentic"]
    forged = [photo for photo in known if photo.facts["authenticity"] != "authentic"]
    for place, pair in enumerate(list(zip(authentic, forged, strict=False))[: most // 2]):
        where = "altered" in pair[1].facts and talk.rng.randrange(_WHERE_ONE_IN) == 0
        question = talk.voice.say("forgery.where" if where else "forgery.ask")
        change = talk.rng.choice(("blurred", "tiny")) if place % _SPOILT_ONE_IN == 0 else ""
        for photo in pair:
            yield _spoilt(photo, question, change, talk) if change else _asked(photo, question, talk)


def _asked(photo: LabelledPhoto, question: str, talk: Talk) -> Conversation:
    value = photo.facts["authenticity"]
    doubt = talk.voice.part("forgery.doubt")
    if "altered" in photo.facts:
        reason = talk.voice.part(f"forgery.reason.{photo.facts['altered by']}")
        said = talk.voice.say("forgery.altered", region=photo.facts["altered"], reason=reason, doubt=doubt)
        turn = Turn(question, said, "altered region", photo.facts["altered"])
    else:
        turn = Turn(question, talk.voice.say(f"forgery.{value}", doubt=doubt), "authenticity", value)
    return Conversation("forgery", (Picture.of(photo),), (turn,))


def _spoilt(photo: LabelledPhoto, question: str, change: str, talk: Talk) -> Conversation:
    picture, pixels = degraded(photo, change, talk.rng)
    reason = talk.voice.part(f"abstain.reason.{change}", pixels=pixels)
    turn = Turn(question, talk.voice.say("forgery.degraded", reason=reason), "authenticity", ABSTAINED)
    return Conversation("forgery", (picture,), (turn,))
