"""Labeled Faces in the Wild (Huang et al. 2007): pairs of photos of one person or of two.

The set has no split. A person is in val or in train by the hash of the name, as in `nets.forensic.crops`; a pair whose
people are in different splits is left out. Who trains on these pairs cannot quote a result on LFW.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from faceagent.errors import InputError, UsageError
from faceagent_finetune.corpus.labelled import Label, LeftOut, Row
from faceagent_finetune.corpus.sources.table import Table
from faceagent_finetune.nets.forensic import crops

FILE, PAIRS = "identity/lfw_images.parquet", "identity/lfw_pairs_folds1-2.csv"
LICENCE = "LFW: research use"
COLUMNS = ("name",)


def rows(table: Table, data: Path) -> Iterator[Row | LeftOut]:
    """Two rows a pair, one after the other; or why a pair is left out.

    Raises:
        UsageError: there is no file of pairs.
        InputError: it lacks a column.
    """
    places = {str(row["name"]): place for place, _, row in table.labels()}
    for number, (a, b, same) in enumerate(_pairs(data / PAIRS)):
        missing = [name for name in (a, b) if name not in places]
        if missing:
            yield LeftOut(f"pair {number}", f"{missing[0]} has no photo in {FILE}")
        elif split(a) != split(b):
            yield LeftOut(f"pair {number}", "its people are in different splits", fault=False)
        else:
            for name in (a, b):
                facts = {"pair": str(number), "same": same}
                yield Row(places[name], name, Label(facts, split(name), crops.person(name)), f"pair {number}")


def _pairs(path: Path) -> Iterator[tuple[str, str, str]]:
    if not path.is_file():
        raise UsageError(f"{path} does not exist", "Put it beside the photos, or take lfw out of the recipe's [sets]")
    with path.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        for column in ("a", "b", "same"):
            if column not in (reader.fieldnames or ()):
                raise InputError(f"{path} has no column {column!r}", "Give it the columns fold, a, b, same")
        for line in reader:
            yield line["a"], line["b"], "yes" if line["same"] == "True" else "no"


def split(name: str) -> str:
    """ "val" for three people in ten, by the hash of the name."""
    return "val" if crops.SOURCES["lfw_images"].val({"name": name}) else "train"
