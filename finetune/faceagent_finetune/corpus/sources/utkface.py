"""UTKFace (Zhang, Song and Qi, CVPR 2017): age in years, gender and one of five ethnic groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faceagent_finetune.corpus.labelled import Label, LabelMissing, band
from faceagent_finetune.corpus.sources.fairface import with_gender

FILE = "attributes/utkface.parquet"
LICENCE = "research use only, non-commercial"
COLUMNS = ("age", "gender", "race", "split")
_TOO_YOUNG = 3  # years, the last at which a face hardly shows the gender
_ETHNICITIES = {"White": "White", "Black": "Black", "Indian": "Indian", "Asian": "East Asian or Southeast Asian"}


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
