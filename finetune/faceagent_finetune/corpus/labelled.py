"""A photo with what its set says of it, the same for all sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faceagent_tools.attributes_visible import THINGS

Facts = Mapping[str, str]
"""By attribute. "yes" or "no" for the names of `attributes_visible.THINGS`; else

- age: "30-39", first and last year that are said; age band: one of `BANDS`, to balance by;
- gender: "male" or "female", as perceived, and left out for small children, whose faces do not show it;
- ethnicity: as perceived, in the set's words; expression: what most annotators saw; expression doubt: "sad or neutral";
- authenticity: "authentic", "manipulated" (the face was exchanged) or "synthetic" (the whole picture was generated);
- colour: "no" for a set of grey photos;
- altered, altered by: the regions that were altered, in words, and how ("swap", "edit"), of forgeries made here;
- pair, same: the two photos of a pair share the first; "yes" if they show one person;
- caption: what somebody or some network wrote of the face; question, annotation: the same as an answer; alt text: what
  stood beside the photo on the web. None of these is known to be true.

An attribute that is missing is not known: nothing may be said about it.
"""
FACTS = (
    *(thing.name for thing in THINGS),
    *("age", "age band", "gender", "ethnicity", "expression", "expression doubt"),
    *("authenticity", "altered", "altered by", "colour", "pair", "same"),
    *("caption", "question", "annotation", "alt text"),
)
"""The names of all of them."""

BANDS = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")
SPLITS = ("val", "train")  # in the order in which they are written


class LabelMissing(ValueError):
    """A row without a usable label; the text says which and why. fault: it ought to be there."""

    def __init__(self, reason: str, fault: bool = True) -> None:
        super().__init__(reason)
        self.fault = fault


@dataclass(frozen=True)
class LeftOut:
    """A photo (or pair) that is not used. fault: something about it is broken, rather than chosen so."""

    name: str
    reason: str
    fault: bool = True


@dataclass(frozen=True)
class Label:
    """What a set says of a photo. group: the person, video or photo that must not be in two splits."""

    facts: Facts
    split: str
    group: str


@dataclass(frozen=True)
class Row:
    """A photo that may be chosen, without its bytes. place: where the set's reader finds it: a row of a Parquet file, a
    byte of another one. unit: photos chosen together.
    """

    place: int
    name: str
    label: Label
    unit: str


@dataclass(frozen=True)
class LabelledPhoto:
    """data: the file's bytes, untouched. name: in its set. group: with the set that it is of."""

    set: str
    name: str
    data: bytes
    facts: Facts
    split: str
    group: str
    licence: str


def band(years: int) -> str:
    """The band of `BANDS` that an age in years is in."""
    for name in BANDS[:-1]:
        if years <= int(name.split("-")[1]):
            return name
    return BANDS[-1]


def years(age: str) -> tuple[int, int]:
    """First and last year of "30-39" or "70+", whose last is 100."""
    if age.endswith("+"):
        return int(age[:-1]), 100
    first, last = age.split("-")
    return int(first), int(last)
