"""CelebA (Liu et al., ICCV 2015): forty attributes, of which those are used that `estimate_attributes` speaks of.

The labels contradict each other at times (a goatee and no beard, two colours of hair). Where they do, none of them is a
fact. What the annotators judged by taste (heavy make-up) or what photos of this size hardly show (sideburns, stubble)
is left out; why the other attributes are is in docs/decisions/0004-which-attributes-are-said.md.

As published (read as github.com/pytorch/vision, torchvision/datasets/celeba.py, does): list_attr_celeba.txt (a count,
the names, then a line an image), identity_CelebA.txt and list_eval_partition.txt (0 train, 1 val, 2 test), all in the
same order, beside img_align_celeba/. Photos of the test split are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from faceagent.errors import InputError
from faceagent_finetune.corpus.labelled import Facts, Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import TEST, expect, has_columns, row_of
from faceagent_tools.attributes_visible import COLOURS, THINGS, Thing

FILE = "attributes/celeba40.parquet"
LICENCE = "CelebA agreement: non-commercial research only"
CONSENT = "photos of celebrities from the web; the people shown were not asked"
USED = tuple(thing for thing in THINGS if thing.name not in ("make-up", "sideburns", "stubble"))
COLUMNS = ("identity", "Male", *(thing.column for thing in USED), "split")
# Of two colours that shade into each other, neither says that the other is missing.
_UNLIKE = {
    "black hair": ("blond hair", "grey hair"),
    "brown hair": ("grey hair",),
    "blond hair": ("black hair",),
    "grey hair": ("black hair", "brown hair"),
}

_ATTRIBUTES, _PEOPLE, _PARTS = "list_attr_celeba.txt", "identity_CelebA.txt", "list_eval_partition.txt"
_IMAGES = "img_align_celeba"
_SPLITS = {"0": "train", "1": "val"}


def published(root: Path) -> Iterator[Row | LeftOut]:
    """
    Raises:
        UsageError: a file or the folder is missing.
        InputError: an attribute is missing, or the files are not of the same images.
    """
    expect(root, _ATTRIBUTES, _PEOPLE, _PARTS, _IMAGES)
    with (
        (root / _ATTRIBUTES).open(encoding="utf-8", errors="replace") as attributes,
        (root / _PEOPLE).open(encoding="utf-8", errors="replace") as people,
        (root / _PARTS).open(encoding="utf-8", errors="replace") as parts,
    ):
        next(attributes, "")  # how many there are
        columns = next(attributes, "").split()
        has_columns(root / _ATTRIBUTES, COLUMNS[1:-1], columns)
        for lines in zip_longest(attributes, people, parts, fillvalue=""):
            values, person, part = (line.split() for line in lines)
            if not values and not person and not part:
                continue
            if (
                len(values) != len(columns) + 1
                or len(person) != 2
                or len(part) != 2
                or len({values[0], person[0], part[0]}) > 1
            ):
                raise InputError(
                    f"{root}: expected {_ATTRIBUTES}, {_PEOPLE} and {_PARTS} to have a line each of the same images; "
                    f"found {lines[0].strip()[:40]!r}, {lines[1].strip()[:40]!r}, {lines[2].strip()[:40]!r}",
                    "Fetch the three again",
                )
            row = {"identity": person[1], "split": part[1], **dict(zip(columns, values[1:], strict=True))}
            yield row_of(f"{_IMAGES}/{values[0]}", partial(_of_line, values[0], row))


def _of_line(name: str, row: dict[str, Any]) -> Label:
    if row["split"] == "2":
        raise LabelMissing(TEST, fault=False)
    for column in COLUMNS[1:-1]:
        if row[column] not in ("1", "-1"):
            raise LabelMissing(f"{column} is {row[column]!r}, neither 1 nor -1")
        row[column] = int(row[column])
    return label(name, {**row, "split": _SPLITS.get(row["split"], row["split"])})


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
