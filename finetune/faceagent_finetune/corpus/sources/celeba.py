"""CelebA (Liu et al., ICCV 2015): forty attributes, of which those are used that `estimate_attributes` speaks of.

The labels contradict each other at times (a goatee and no beard, two colours of hair). Where they do, none of them is a
fact. What the annotators judged by taste (heavy make-up) or what photos of this size hardly show (sideburns, stubble)
is left out; why the other attributes are is in docs/decisions/0004-which-attributes-are-said.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faceagent_finetune.corpus.labelled import Facts, Label, LabelMissing
from faceagent_tools.attributes_visible import COLOURS, THINGS, Thing

FILE = "attributes/celeba40.parquet"
LICENCE = "CelebA agreement: non-commercial research only"
USED = tuple(thing for thing in THINGS if thing.name not in ("make-up", "sideburns", "stubble"))
COLUMNS = ("identity", "Male", *(thing.column for thing in USED), "split")
# Of two colours that shade into each other, neither says that the other is missing.
_UNLIKE = {
    "black hair": ("blond hair", "grey hair"),
    "brown hair": ("grey hair",),
    "blond hair": ("black hair",),
    "grey hair": ("black hair", "brown hair"),
}


def label(name: str, row: Mapping[str, Any]) -> Label:
    """
    Raises:
        LabelMissing: a label is missing.
    """
    for column in COLUMNS[:-1]:
        if row[column] is None:
            raise LabelMissing(f"{column} is missing")
    facts = {thing.name: _answer(thing, row) for thing in USED}
    facts["gender"] = "male" if row["Male"] > 0 else "female"
    return Label(agreeing(facts), str(row["split"]), str(row["identity"]))


def _answer(thing: Thing, row: Mapping[str, Any]) -> str:
    return "yes" if (row[thing.column] > 0) != thing.inverted else "no"


def agreeing(facts: Facts) -> Facts:
    """The facts without those that contradict each other, or cannot be seen because of another."""
    kept = dict(facts)
    if facts["goatee"] == "yes" and facts["beard"] == "no":
        del kept["goatee"], kept["beard"]
    colours = [colour for colour in COLOURS if facts[colour] == "yes"]
    covered = facts["hat"] == "yes" or facts["bald head"] == "yes"
    for colour in COLOURS:
        if covered or len(colours) != 1 or (colour != colours[0] and colour not in _UNLIKE[colours[0]]):
            del kept[colour]
    if facts["hat"] == "yes":
        del kept["bald head"], kept["fringe"]
    return kept
