"""Which of CelebA's 40 attributes are spoken of, and when: see docs/decisions/0004-which-attributes-are-said.md.

Left out are judgements of taste and of bodies (Attractive, Chubby, Double_Chin, Bags_Under_Eyes, Receding_Hairline),
shapes and shades whose labels follow the annotators' idea of a people (Big_Lips, Big_Nose, Pointy_Nose, Narrow_Eyes,
High_Cheekbones, Oval_Face, Pale_Skin, Rosy_Cheeks, eyebrows, straight or wavy hair), what lies outside the network's
crop (Wearing_Necklace, Wearing_Necktie), and what is measured better elsewhere (Male, Young, Blurry).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from faceagent_tools.multitask import ATTRIBUTES, Floats

Kind = Literal["glasses", "hat", "facial_hair", "hair", "smile", "mouth", "makeup", "earrings"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CALLED: Mapping[Kind, str] = {
    "glasses": "glasses",
    "hat": "a hat",
    "facial_hair": "facial hair",
    "hair": "hair",
    "smile": "a smile",
    "mouth": "an open mouth",
    "makeup": "make-up",
    "earrings": "earrings",
}

ENOUGH = 0.75
"""Balanced accuracy on val photos below which a thing is not spoken of: half way from guessing to never wrong."""
PRESENT, ABSENT = 0.7, 0.3
"""Scores between are left undecided: the accuracies were measured with one line at 0.5, about which most errors lie."""


@dataclass(frozen=True)
class Thing:
    """Something that can be seen on a face.

    name: as in evidence. column: of CelebA; inverted: which says that it is missing. verb, noun: how it is said.
    missed: whether it is said that it is missing, where its kind was asked for; "chiefly" of what every description is
    expected to mention, so that it is said as well if the network does not tell it well enough.
    from_gender: whether a guess from gender alone gets it right far more often than chance on CelebA, so that a figure
    over everybody does not show that the thing itself is seen.
    """

    name: str
    column: str
    kind: Kind
    verb: str
    noun: str
    missed: Literal["chiefly", "asked", "never"] = "never"
    inverted: bool = False
    from_gender: bool = False

    def denied(self, asked: bool) -> bool:
        """Whether it is said that it is missing: never unasked, for what is there is missed now and then."""
        return asked and self.missed != "never"


THINGS = (
    Thing("smiling", "Smiling", "smile", "smile", "a smile", missed="chiefly"),
    Thing("glasses", "Eyeglasses", "glasses", "wear", "glasses", missed="chiefly"),
    Thing("hat", "Wearing_Hat", "hat", "wear", "a hat", missed="chiefly"),
    Thing("beard", "No_Beard", "facial_hair", "have", "a beard", missed="chiefly", inverted=True, from_gender=True),
    Thing("goatee", "Goatee", "facial_hair", "have", "a goatee", from_gender=True),
    Thing("stubble", "5_o_Clock_Shadow", "facial_hair", "have", "stubble", from_gender=True),
    Thing("moustache", "Mustache", "facial_hair", "have", "a moustache", missed="asked", from_gender=True),
    Thing("sideburns", "Sideburns", "facial_hair", "have", "sideburns", from_gender=True),
    Thing("bald head", "Bald", "hair", "have", "a bald head", from_gender=True),
    Thing("black hair", "Black_Hair", "hair", "have", "black hair"),
    Thing("brown hair", "Brown_Hair", "hair", "have", "brown hair"),
    Thing("blond hair", "Blond_Hair", "hair", "have", "blond hair"),
    Thing("grey hair", "Gray_Hair", "hair", "have", "grey hair"),
    Thing("fringe", "Bangs", "hair", "have", "a fringe"),
    Thing("open mouth", "Mouth_Slightly_Open", "mouth", "have", "a slightly open mouth", missed="asked"),
    Thing("make-up", "Heavy_Makeup", "makeup", "wear", "make-up", missed="asked", from_gender=True),
    Thing("lipstick", "Wearing_Lipstick", "makeup", "wear", "lipstick", missed="asked", from_gender=True),
    Thing("earrings", "Wearing_Earrings", "earrings", "wear", "earrings", missed="asked", from_gender=True),
)
BY_NAME: Mapping[str, Thing] = {thing.name: thing for thing in THINGS}
COLOURS = ("black hair", "brown hair", "blond hair", "grey hair")
_BEARDS = ("goatee", "stubble")  # kinds of beard: said in its place


@dataclass(frozen=True)
class Findings:
    """Scores (0-1) by name. told: balanced accuracy of each; untold: what the network does not tell well enough."""

    present: Mapping[str, float]
    absent: Mapping[str, float]
    undecided: Mapping[str, float]
    told: Mapping[str, float]
    untold: tuple[str, ...]


def said(found: Findings, asked: bool) -> list[str]:
    """Names of what the answer speaks of: all that is there, and what is missing as far as that is told."""
    return [*found.present, *(name for name in found.absent if BY_NAME[name].denied(asked))]


def accuracy(thing: Thing, figures: Mapping[str, Any]) -> float | None:
    """Balanced accuracy of one thing, the lowest of what was measured over everybody, among women and among men.

    None where it was not measured; for things that gender alone gives away, where it was not measured within a gender.

    Args:
        figures: "by_attribute" of the set celeba40 in the network's table.
    """
    row = figures.get(thing.column)
    if row is None or row.get("balanced") is None:
        return None
    within = [group["balanced"] for group in row.get("within_gender", {}).values()]
    return None if thing.from_gender and not within else float(min([row["balanced"], *within]))


def find(scores: Floats, figures: Mapping[str, Any], kinds: Sequence[Kind] = KINDS) -> Findings:
    """What is there, what is not, and what stays open, among the kinds asked for.

    Args:
        scores: [40] in the order of `multitask.ATTRIBUTES`.
        figures: as in `accuracy`; a score counts as "absent" only below the share of photos that have the thing, so
            that something rare is not denied on a picture that makes it likelier than before.
    """
    asked = [thing for thing in THINGS if thing.kind in kinds]
    told = {thing.name: found for thing in asked if (found := accuracy(thing, figures)) is not None and found >= ENOUGH}
    score = {name: _score(BY_NAME[name], scores) for name in told}
    present = dict(_present(score))
    absent = {name: found for name, found in score.items() if found <= _absent_below(BY_NAME[name], figures)}
    return Findings(
        present=present,
        absent=absent,
        undecided={name: found for name, found in score.items() if name not in present and name not in absent},
        told=told,
        untold=tuple(thing.name for thing in asked if thing.name not in told),
    )


def _score(thing: Thing, scores: Floats) -> float:
    found = round(float(scores[ATTRIBUTES.index(thing.column)]), 3)
    return round(1.0 - found, 3) if thing.inverted else found


def _present(score: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """One colour of hair, none on a bald head; a kind of beard only with a beard."""
    high = {name: found for name, found in score.items() if found >= PRESENT}
    colour = max(
        (name for name in COLOURS if name in high and "bald head" not in high), key=high.__getitem__, default=""
    )
    for name, found in high.items():
        if (name in COLOURS and name != colour) or (name in _BEARDS and "beard" not in high):
            continue
        yield name, found


def _absent_below(thing: Thing, figures: Mapping[str, Any]) -> float:
    share = float(figures[thing.column].get("share", ABSENT))
    return min(ABSENT, 1.0 - share if thing.inverted else share)


def present_in_words(names: Sequence[str]) -> str:
    """ "smile, wear glasses and have brown hair and a fringe"; a beard is left to its kind."""
    said = [BY_NAME[name] for name in names if name != "beard" or not any(kind in names for kind in _BEARDS)]
    parts = ["smile"] if any(thing.verb == "smile" for thing in said) else []
    for verb in ("wear", "have"):
        nouns = [thing.noun for thing in said if thing.verb == verb]
        if nouns:
            parts.append(f"{verb} {listed(nouns)}")
    return listed(parts)


def listed(items: Sequence[str], word: str = "and") -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"
