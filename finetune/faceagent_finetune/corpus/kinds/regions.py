"""Two or three photos compared by six regions of the face: what can be seen there in each, as far as it is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from faceagent_finetune.corpus.claims import words_of
from faceagent_finetune.corpus.conversation import Conversation, Picture, Talk, Turn
from faceagent_finetune.corpus.kinds.describe import listed
from faceagent_finetune.corpus.labelled import Facts, LabelledPhoto
from faceagent_finetune.corpus.sources.celeba import USED
from faceagent_finetune.corpus.wording import sentence

REGIONS: Mapping[str, tuple[str, ...]] = {
    "hair": ("black hair", "brown hair", "blond hair", "grey hair", "bald head"),
    "forehead": ("hat", "fringe"),
    "eyes": ("glasses",),
    "mouth": ("smiling", "open mouth", "lipstick"),
    "chin": ("beard", "goatee", "moustache"),
    "ears": ("earrings",),
}
"""Names of things that are seen there."""
_PLACES = ("first", "second", "third")
_LEAST = 3  # regions of which something is known in all photos
_NOUNS = {thing.name: words_of(thing)["noun"] for thing in USED}


def by_regions(photos: Sequence[LabelledPhoto], most: int, talk: Talk) -> Iterator[Conversation]:
    """Every third one about three photos."""
    left, made = talk.shuffled(photos), 0
    while made < most:
        number = 3 if made % 3 == 2 else 2
        shown, left = left[:number], left[number:]
        if len(shown) < number:
            return
        turn = _compared(shown, talk)
        if turn is not None:
            made += 1
            yield Conversation("comparison", tuple(map(Picture.of, shown)), (turn,))


def _compared(photos: Sequence[LabelledPhoto], talk: Talk) -> Turn | None:
    """None where too little is known."""
    seen = {region: [_seen(photo.facts, region) for photo in photos] for region in REGIONS}
    told = {region: [one for one in found if one] for region, found in seen.items()}
    whole = [region for region in REGIONS if len(told[region]) == len(photos)]
    if len(whole) < _LEAST:
        return None
    talk.rng.shuffle(whole)
    number = {2: "two", 3: "three"}[len(photos)]
    parts = [_part(region, told[region], talk) for region in whole]
    other = [region for region in whole if len(set(told[region])) > 1]
    path = "regions.other" if other else "regions.alike"
    parts.append(talk.voice.part(path, regions=listed([f"the {region}" for region in other], "and") if other else ""))
    asked = talk.voice.say("regions.ask", number=number)
    return Turn(asked, sentence(" ".join(parts)), "regions", f"{len(other)} of {len(whole)} differ")


def _seen(facts: Facts, region: str) -> str | None:
    """What is there, or that nothing is; None where the labels leave open whether something is."""
    there = [_NOUNS[name] for name in REGIONS[region] if facts.get(name) == "yes"]
    if there:
        return listed(there, "and")
    known = all(name in facts for name in REGIONS[region])
    return f"no {listed([_bare(_NOUNS[name]) for name in REGIONS[region]], 'or')}" if known else None


def _bare(noun: str) -> str:
    return noun.removeprefix("a ")


def _part(region: str, seen: Sequence[str], talk: Talk) -> str:
    where: dict[str, list[str]] = defaultdict(list)
    for place, one in zip(_PLACES, seen, strict=False):
        where[one].append(place)
    if len(where) == 1:
        together = "both" if len(seen) == 2 else "all three"
        return talk.voice.part("regions.part_alike", region=region, seen=seen[0], together=together)
    told = [f"{one} in the {listed(places, 'and')}" for one, places in where.items()]
    return talk.voice.part("regions.part_other", region=region, told=", ".join(told))
