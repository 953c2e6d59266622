"""UTKFace (Zhang, Song and Qi, CVPR 2017): age in years, gender and one of five ethnic groups.

As published (susanqq.github.io/UTKFace): the labels are the images' names, [age]_[gender]_[race]_[date&time].jpg, in
one or several folders; of a few images a label is missing. The set has no split and names nobody: split by hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from faceagent.errors import UsageError
from faceagent_finetune.corpus.labelled import Label, LabelMissing, LeftOut, Row, band
from faceagent_finetune.corpus.sources.fairface import with_gender
from faceagent_finetune.corpus.sources.published import expect, hashed_split, images_below, listing, row_of

FILE = "attributes/utkface.parquet"
LICENCE = "research use only, non-commercial"
CONSENT = "photos from the web; the people shown were not asked"
COLUMNS = ("age", "gender", "race", "split")
_TOO_YOUNG = 3  # years, the last at which a face hardly shows the gender
_ETHNICITIES = {"White": "White", "Black": "Black", "Indian": "Indian", "Asian": "East Asian or Southeast Asian"}


_GENDERS = ("male", "female")
_RACES = ("White", "Black", "Asian", "Indian", "Others")


def published(root: Path) -> Iterator[Row | LeftOut]:
    """
    Raises:
        UsageError: there is no image.
    """
    expect(root)
    name = ""
    for name in images_below(root):
        yield row_of(name, partial(named, name))
    if not name:
        raise UsageError(
            f"{root}: expected images named like 25_0_2_20170116174525125.jpg; found {listing(root)}",
            "Name the folder that holds them in the recipe's [places]",
        )


def named(name: str) -> Label:
    """What a file's name says, as a label; see `values`."""
    return label(name, {**values(name), "split": hashed_split(name)})


def values(name: str) -> dict[str, Any]:
    """What a file's name says, "[age]_[gender]_[race]_[date&time].jpg": age in years, gender and race in words.

    Raises:
        LabelMissing: one of the three is missing, or no number that the set knows.
    """
    parts = name.rpartition("/")[2].split("_")
    if len(parts) < 4 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts[:3]):
        raise LabelMissing("its name is not [age]_[gender]_[race]_[date&time]")
    age, gender, race = (int(part) for part in parts[:3])
    if gender >= len(_GENDERS) or race >= len(_RACES):
        raise LabelMissing(f"its name has gender {gender} and race {race}; known are 0-1 and 0-4")
    return {"age": age, "gender": _GENDERS[gender], "race": _RACES[race]}


def label(name: str, row: Mapping[str, Any]) -> Label:
    """ "Others" stands for several groups and is not said.

    Raises:
        LabelMissing: a label is missing or impossible.
    """
    if row["age"] is None or not 0 <= row["age"] <= 120:
        raise LabelMissing(f"age is {row['age']!r}")
    if row["gender"] not in ("male", "female"):
        raise LabelMissing(f"gender is {row['gender']!r}")
    facts = {"age": interval(row["age"]), "age band": band(row["age"])}
    if row["race"] in _ETHNICITIES:
        facts["ethnicity"] = _ETHNICITIES[row["race"]]
    return Label(with_gender(facts, row["gender"], row["age"] <= _TOO_YOUNG), str(row["split"]), name)


def interval(years: int) -> str:
    """An age as it can be seen: a year or two either way for children, five for adults, ten for the old."""
    if years >= 75:
        return "70+"
    around = 1 if years < 5 else 2 if years < 13 else 4 if years < 25 else 5 if years < 60 else 7
    return f"{max(years - around, 0)}-{years + around}"
