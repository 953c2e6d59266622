"""Two photos or three: one person or two, who looks older, in which something can be seen, and region by region."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from faceagent_finetune.corpus.claims import CLAIMS, asked_pairs, said_age
from faceagent_finetune.corpus.conversation import ABSTAINED, Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.kinds.describe import apart
from faceagent_finetune.corpus.kinds.regions import by_regions
from faceagent_finetune.corpus.labelled import LabelledPhoto

_OLDER = 8  # years between two ages from which it is said who looks older
_NUMBERED = (("first", "1"), ("second", "2"))
_THINGS = tuple(claim for claim in CLAIMS if claim.family == "thing")


def comparison(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """Of the sort that the photos' set has labels for."""
    if any("pair" in photo.facts for photo in photos):
        yield from _same(photos, most, talk)
    elif any("age" in photo.facts for photo in photos):
        yield from _older(photos, most, talk)
    else:
        yield from _which(photos, most // 2, talk)
        yield from by_regions(photos, most - most // 2, talk)


def _same(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """As many of one person as of two, each question asked of both; a pair that lost a photo is not asked about."""
    pairs: dict[str, list[LabelledPhoto]] = defaultdict(list)
    for photo in photos:
        pairs[photo.facts["pair"]].append(photo)
    whole = [pair for pair in pairs.values() if len(pair) == 2]
    same = [pair for pair in whole if pair[0].facts["same"] == "yes"]
    other = [pair for pair in whole if pair[0].facts["same"] == "no"]
    for both in list(zip(same, other, strict=False))[: most // 2]:
        question = talk.voice.say("same.ask")
        for pair in both:
            value = pair[0].facts["same"]
            doubt = talk.voice.part("same.doubt")
            turn = Turn(question, talk.voice.say(f"same.{value}", doubt=doubt), "same person", value)
            shown = tuple(Picture.of(photo) for photo in talk.shuffled(pair))
            yield Conversation("comparison", shown, (turn,))


def _older(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """The first is the older one as often as the second; some pairs look alike in age, and that is the answer."""
    able = [photo for photo in talk.shuffled(photos) if "age" in photo.facts]
    made = 0
    for one, other in zip(able[::2], able[1::2], strict=False):
        years = apart(one.facts, other.facts)
        alike = one.facts["age band"] == other.facts["age band"]
        if years is None or made >= most or not (abs(years) >= _OLDER or alike):
            continue
        made += 1
        elder, younger = (one, other) if years >= 0 else (other, one)
        place = made % 2
        shown = (elder, younger) if place == 0 else (younger, elder)
        which, number = _NUMBERED[place]
        values = {"older": said_age(elder.facts)["range"], "younger": said_age(younger.facts)["range"]}
        path, value = ("older.alike", ABSTAINED) if alike else ("older.answer", which)
        said = talk.voice.say(path, which=which, number=number, **values)
        turn = Turn(talk.voice.say("older.ask"), said, "who looks older", value)
        yield Conversation("comparison", tuple(map(Picture.of, shown)), (turn,))


def _which(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """The same question of the same two photos in either order."""
    for _, asked in zip(range(most // 2), asked_pairs(photos, talk.rng, talk.voice, _THINGS), strict=False):
        question = talk.voice.say("which.ask", **asked.claim.values)
        for place, (which, number) in enumerate(_NUMBERED):
            shown = asked.photos if place == 0 else asked.photos[::-1]
            said = talk.voice.say("which.answer", which=which, number=number, **asked.claim.values)
            yield Conversation(
                "comparison", tuple(map(Picture.of, shown)), (Turn(question, said, asked.claim.attribute, which),)
            )
