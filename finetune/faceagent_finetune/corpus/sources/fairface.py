"""FairFace (Karkkainen and Joo, WACV 2021): perceived age group, gender and one of seven ethnic groups.

As published (github.com/joojs/fairface, README.md): fairface_label_train.csv and fairface_label_val.csv with the
columns file, age, gender, race, service_test; file is the image's path ("train/1.jpg") beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from faceagent_finetune.corpus.labelled import BANDS, SPLITS, Facts, Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import csv_rows, expect, row_of

FILE = "attributes/fairface.parquet"
LICENCE = "CC BY 4.0"
CONSENT = "photos of Flickr users who chose an open licence; the people shown were not asked"
COLUMNS = ("age_group", "gender", "race", "split")
_PUBLISHED = ("file", "age", "gender", "race")
_TOO_YOUNG = ("0-2",)  # to show whether they are a boy or a girl


def published(root: Path) -> Iterator[Row | LeftOut]:
    """
    Raises:
        UsageError: a file is missing. InputError: it lacks a column.
    """
    files = {split: f"fairface_label_{split}.csv" for split in SPLITS}
    expect(root, *files.values())
    for split, file in files.items():
        for line in csv_rows(root / file, _PUBLISHED):
            row = {
                "age_group": "70+" if line["age"] == "more than 70" else line["age"],
                "gender": (line["gender"] or "").lower(),
                "race": line["race"],
                "split": split,
            }
            yield row_of(line["file"], partial(label, line["file"], row))


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
