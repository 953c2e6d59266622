"""FairFace (Karkkainen and Joo, WACV 2021): perceived age group, gender and one of seven ethnic groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faceagent_finetune.corpus.labelled import BANDS, Facts, Label, LabelMissing

FILE = "attributes/fairface.parquet"
LICENCE = "CC BY 4.0"
COLUMNS = ("age_group", "gender", "race", "split")
_TOO_YOUNG = ("0-2",)  # to show whether they are a boy or a girl


def label(name: str, row: Mapping[str, Any]) -> Label:
    """
    Raises:
        LabelMissing: a label is missing or unknown.
    """
    if row["age_group"] not in BANDS:
        raise LabelMissing(f"age_group is {row['age_group']!r}, which is none of the set's nine")
    if row["gender"] not in ("male", "female"):
        raise LabelMissing(f"gender is {row['gender']!r}")
    if not row["race"]:
        raise LabelMissing("race is missing")
    facts = {"age": row["age_group"], "age band": row["age_group"], "ethnicity": row["race"].replace("_", " or ")}
    return Label(with_gender(facts, row["gender"], row["age_group"] in _TOO_YOUNG), str(row["split"]), name)


def with_gender(facts: Facts, gender: str, too_young: bool) -> Facts:
    """The same with the gender, where the face can show it."""
    return facts if too_young else {**facts, "gender": gender}
