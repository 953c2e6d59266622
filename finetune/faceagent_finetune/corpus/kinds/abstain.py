"""What a photo does not show: because a copy was degraded until it does not, or because no photo of a face shows it.

Beside each degraded copy whose question cannot be answered stands one, degraded in the same way, with a question that
can be: or a model would learn that a bad photo is always to be declined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent_finetune.corpus.claims import CLAIMS, Asked, answered, asked_pairs
from faceagent_finetune.corpus.conversation import ABSTAINED, Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.degrade import CHANGES, changes_for, degraded
from faceagent_finetune.corpus.labelled import LabelledPhoto
from faceagent_finetune.corpus.wording import table

_OF_FACES = ("shoes", "height", "place")  # what only photos that are cut to a face never show, or tell as if cut


def abstention(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """A third about what photos of faces never show, the rest about degraded copies."""
    made = 0
    for conversation in _degraded(photos, most - most // 3, talk):
        made += 1
        yield conversation
    for photo in talk.shuffled(photos)[: max(most // 3, most // 2 - made)]:
        if "pair" not in photo.facts:
            yield Conversation("abstention", (Picture.of(photo),), (unseen(photo, talk),))


def unseen(photo: LabelledPhoto, talk: Talk) -> Turn:
    """A question about something that such a photo never shows, or, of a grey photo, for a colour."""
    if photo.facts.get("colour") == "no" and talk.rng.random() < 0.5:
        asked, topic = talk.rng.choice(
            (("What colour is the hair?", "its colour"), ("What colour are the eyes?", "their colour"))
        )
        reason = talk.voice.part("abstain.reason.grey")
        return Turn(asked, talk.voice.say("abstain.answer", reason=reason, topic=topic), "colour", ABSTAINED)
    name = talk.rng.choice([name for name in table()["unseen"] if name not in _OF_FACES or _cut_to_face(photo)])
    topic, reason = talk.voice.part(f"unseen.{name}.topic"), talk.voice.part(f"unseen.{name}.reason")
    said = talk.voice.say("abstain.answer", reason=reason, topic=topic)
    return Turn(talk.voice.say(f"unseen.{name}.ask"), said, name, ABSTAINED)


def _cut_to_face(photo: LabelledPhoto) -> bool:
    """Photos that somebody wrote of come whole."""
    return not {"caption", "annotation", "alt text"} & photo.facts.keys()


def _degraded(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """Hidden yes and hidden no alike, so that neither is what a bad photo hints at."""
    if not photos:
        return
    changes = changes_for(photos[0].set)
    share = max(most // (len(changes) * 4), 1)
    for change in changes:
        for hidden in (True, False):
            names = CHANGES[change].hides if hidden else CHANGES[change].keeps
            claims = [claim for claim in CLAIMS if claim.attribute in names]
            for _, asked in zip(range(share), asked_pairs(photos, talk.rng, talk.voice, claims), strict=False):
                for photo in asked.photos:
                    yield _about(photo, asked, change, hidden, talk)


def _about(photo: LabelledPhoto, asked: Asked, change: str, hidden: bool, talk: Talk) -> Conversation:
    claim, question = asked.claim, asked.question
    picture, pixels = degraded(photo, change, talk.rng)
    if not hidden:
        said, value = answered(claim, photo, talk.voice, tail=False)
        return Conversation("answered_though_degraded", (picture,), (Turn(question, said, claim.attribute, value),))
    reason = talk.voice.part(f"abstain.reason.{change}", pixels=pixels)
    topic = claim.values.get("noun", f"the {claim.attribute}")
    turn = Turn(question, talk.voice.say("abstain.answer", reason=reason, topic=topic), claim.attribute, ABSTAINED)
    return Conversation("abstention", (picture,), (turn,))
