"""What a photo shows, and one attribute asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceagent_finetune.corpus.claims import GENDERS, adult, said_age
from faceagent_finetune.corpus.conversation import Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.labelled import Facts, LabelledPhoto, years
from faceagent_finetune.corpus.sources.celeba import USED
from faceagent_finetune.corpus.wording import Voice, sentence

_NAMED = 4  # things at most in a sentence
_MISSED = ("glasses", "hat", "beard", "smiling")  # that a reader expects to hear of


def descriptions(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """A description each."""
    able = [photo for photo in talk.shuffled(photos) if {"age", "gender"} & photo.facts.keys()]
    for photo in able[:most]:
        yield Conversation("description", (Picture.of(photo),), (described(photo, talk.voice),))


def attributes(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """A question for the age or the perceived gender."""
    able = [photo for photo in talk.shuffled(photos) if _can_ask(photo.facts)]
    for photo in able[:most]:
        attribute = talk.rng.choice(_can_ask(photo.facts))
        if attribute == "age":
            values, value = said_age(photo.facts), photo.facts["age"]
        else:
            value = photo.facts["gender"]
            values = gendered(value)
        voice = talk.voice
        turn = Turn(voice.say(f"{attribute}.ask"), voice.say(f"{attribute}.answer", **values), attribute, value)
        yield Conversation("attribute", (Picture.of(photo),), (turn,))


def _can_ask(facts: Facts) -> list[str]:
    able = ["age"] if "age" in facts else []
    return [*able, "gender"] if "gender" in facts and adult(facts) else able


def gendered(gender: str) -> dict[str, str]:
    """gender: "man"; adjective: "male"."""
    noun, adjective = GENDERS[gender]
    return {"gender": noun, "adjective": adjective}


def described(photo: LabelledPhoto, voice: Voice) -> Turn:
    """Who it looks like, what can be seen, and at times what cannot."""
    parts = [voice.part("describe.first", who=_who(photo.facts, voice))]
    there = [_noun(thing.name) for thing in USED if photo.facts.get(thing.name) == "yes"][:_NAMED]
    missing = [_noun(name) for name in _MISSED if photo.facts.get(name) == "no"]
    if there:
        parts.append(voice.part("describe.seen", things=listed(there, "and")))
    if missing:
        parts.append(voice.part("describe.unseen", things=listed(missing[:2], "or")))
    parts.append(voice.part("describe.careful"))
    return Turn(voice.say("describe.ask"), sentence(" ".join(parts)), "description", "described")


def _who(facts: Facts, voice: Voice) -> str:
    if "age" not in facts:
        return voice.part("describe.who_only_gender", **gendered(facts["gender"]))
    values = said_age(facts)
    if "gender" in facts and adult(facts):
        return voice.part("describe.who_gender", **values, **gendered(facts["gender"]))
    return voice.part("describe.who", **values)


def _noun(name: str) -> str:
    return next("a smile" if thing.name == "smiling" else thing.noun for thing in USED if thing.name == name)


def listed(things: Sequence[str], joined: str) -> str:
    """ "a, b and c"."""
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} {joined} {things[-1]}"


def apart(one: Facts, other: Facts) -> int | None:
    """Years between two ages as they look: negative where the second is older, 0 where they overlap."""
    if "age" not in one or "age" not in other:
        return None
    (first, last), (begin, end) = years(one["age"]), years(other["age"])
    return first - end if first > end else last - begin if begin > last else 0
