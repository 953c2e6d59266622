"""What can be asked with yes or no, and for each yes a no that differs in nothing but the answer.

A question is asked of a photo of which it is true and, word for word, of one of which it is not. What a guess from the
gender would answer well (a beard, lipstick) is asked of two people of the same perceived gender.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from faceagent_finetune.corpus.labelled import Facts, LabelledPhoto, years
from faceagent_finetune.corpus.sources.celeba import USED
from faceagent_finetune.corpus.wording import Voice
from faceagent_tools.attributes_visible import Thing

_MARGIN = 4  # years around a line that are neither older nor younger
_LINES = (10, 20, 30, 40, 50, 60)
GENDERS: Mapping[str, tuple[str, str]] = {"male": ("man", "male"), "female": ("woman", "female")}
CHILD = 15  # years, below which nobody is called a man or a woman


@dataclass(frozen=True)
class Claim:
    """family: of wordings. holds: True, False, or None where the labels do not say. values: for the wording."""

    attribute: str
    family: str
    holds: Callable[[Facts], bool | None]
    values: Mapping[str, str]
    within_gender: bool = False


def words_of(thing: Thing) -> dict[str, str]:
    """noun, does ("wear glasses") and does_s ("wears glasses")."""
    if thing.name == "smiling":
        return {"noun": "a smile", "does": "smile", "does_s": "is smiling"}
    inflected = {"have": "has", "wear": "wears"}[thing.verb]
    return {"noun": thing.noun, "does": f"{thing.verb} {thing.noun}", "does_s": f"{inflected} {thing.noun}"}


def adult(facts: Facts) -> bool:
    """Old enough to be called a man or a woman; a set without ages (CelebA) has adults."""
    return "age" not in facts or years(facts["age"])[0] >= CHILD


def said_age(facts: Facts) -> dict[str, str]:
    """age: "between 30 and 39 years old"; range: "30 to 39"."""
    first, last = years(facts["age"])
    if last == 100:
        return {"age": f"{first} or older", "range": f"{first} or more"}
    if last <= 4:
        return {
            "age": "no older than a toddler" if first == 0 else f"{first} to {last} years old",
            "range": f"{first} to {last}",
        }
    return {"age": f"between {first} and {last} years old", "range": f"{first} to {last}"}


def _has(name: str) -> Callable[[Facts], bool | None]:
    return lambda facts: facts[name] == "yes" if name in facts else None


def _older(line: int) -> Callable[[Facts], bool | None]:
    def holds(facts: Facts) -> bool | None:
        if "age" not in facts:
            return None
        first, last = years(facts["age"])
        return True if first >= line + _MARGIN else False if last <= line - _MARGIN else None

    return holds


def _looks(gender: str) -> Callable[[Facts], bool | None]:
    return lambda facts: facts["gender"] == gender if "gender" in facts and adult(facts) else None


CLAIMS: tuple[Claim, ...] = (
    *(Claim(thing.name, "thing", _has(thing.name), words_of(thing), thing.from_gender) for thing in USED),
    *(Claim("age", "age", _older(line), {"line": str(line)}) for line in _LINES),
    *(Claim("gender", "gender", _looks(gender), {"asked": GENDERS[gender][0]}) for gender in GENDERS),
)


@dataclass(frozen=True)
class Asked:
    """A claim with a question, and two photos: of the first it is true, of the second it is not."""

    claim: Claim
    question: str
    photos: tuple[LabelledPhoto, LabelledPhoto]


def asked_pairs(
    photos: Sequence[LabelledPhoto], rng: random.Random, voice: Voice, claims: Sequence[Claim] = CLAIMS
) -> Iterator[Asked]:
    """Pairs without end, the claims one after the other; none where no claim divides the photos."""
    sides = {place: list(_sides(photos, claim, rng)) for place, claim in enumerate(claims)}
    sides = {place: found for place, found in sides.items() if found}
    turns = {place: cycle(found) for place, found in sides.items()}
    # A claim is not asked more often than a few times the photos that it has.
    left = {place: 2 * len(found) for place, found in sides.items()}
    while left:
        for place in list(left):
            claim = claims[place]
            question = voice.say(f"yes_no.{claim.family}.ask", **{**claim.values, "age": claim.values.get("line", "")})
            yield Asked(claim, question, next(turns[place]))
            left[place] -= 1
            if not left[place]:
                del left[place]


def _sides(
    photos: Sequence[LabelledPhoto], claim: Claim, rng: random.Random
) -> Iterator[tuple[LabelledPhoto, LabelledPhoto]]:
    for gender in ("male", "female", "") if claim.within_gender else (None,):
        here = [photo for photo in photos if gender is None or photo.facts.get("gender", "") == gender]
        yes = [photo for photo in here if claim.holds(photo.facts) is True]
        no = [photo for photo in here if claim.holds(photo.facts) is False]
        yield from zip(rng.sample(yes, len(yes)), rng.sample(no, len(no)), strict=False)


def answered(claim: Claim, photo: LabelledPhoto, voice: Voice, tail: bool = True) -> tuple[str, str]:
    """The answer in words, and "yes" or "no"."""
    value = "yes" if claim.holds(photo.facts) else "no"
    values = dict(claim.values) | {"tail": _tail(claim, photo, voice) if tail else ""}
    if claim.family == "age":
        values |= {"range": said_age(photo.facts)["range"], "age": claim.values["line"]}
    if claim.family == "gender":
        noun, adjective = GENDERS[photo.facts["gender"]]
        values |= {"other": noun, "adjective": adjective}
    return voice.say(f"yes_no.{claim.family}.{value}", **values), value


def _tail(claim: Claim, photo: LabelledPhoto, voice: Voice) -> str:
    """Something else that the photo shows, to end the answer with."""
    if claim.family != "age" and "age" in photo.facts:
        return voice.part("tail.age", **said_age(photo.facts))
    things = [thing for thing in USED if thing.name != claim.attribute and photo.facts.get(thing.name) == "yes"]
    if not things:
        return ""
    return voice.part("tail.thing", noun=things[len(photo.name) % len(things)].noun)
