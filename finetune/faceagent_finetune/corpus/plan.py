"""Which photos go into which shard, before any of them is read."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceagent.errors import UsageError
from faceagent_finetune.corpus.labelled import SPLITS, LeftOut, Row
from faceagent_finetune.corpus.recipe import Recipe
from faceagent_finetune.corpus.sampler import balanced
from faceagent_finetune.corpus.sources import SOURCES
from faceagent_finetune.corpus.sources.table import Table


@dataclass(frozen=True)
class Shard:
    """name: "train/fairface-00000", a folder of the corpus."""

    name: str
    set: str
    split: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Plan:
    """tables: opened, by set. left_out: by set; what the labels alone rule out."""

    shards: tuple[Shard, ...]
    tables: Mapping[str, Table]
    left_out: Mapping[str, Sequence[LeftOut]]


def planned(recipe: Recipe, data: Path, sample: int | None) -> Plan:
    """Val first, so that where two photos are alike it is train that loses one.

    Args:
        sample: photos in all, shared out as [sets] does; None takes as many as [sets] says.

    Raises: see `Table`.
    """
    tables = {name: SOURCES[name].open(data) for name in recipe.sets}
    rows: dict[str, list[Row]] = {}
    left: dict[str, list[LeftOut]] = {}
    for name, table in tables.items():
        found = list(SOURCES[name].rows(table, data))
        left[name] = [row for row in found if isinstance(row, LeftOut)]
        rows[name], mixed = _kept_apart([row for row in found if isinstance(row, Row)])
        left[name] += mixed
    shards = [
        shard
        for split in SPLITS
        for name, most in _shares(recipe, sample).items()
        for shard in _shards(name, split, _chosen(rows[name], split, most, name, recipe), recipe.shard)
    ]
    if not shards:
        raise UsageError("No photo is left to make conversations of", "Raise the numbers in the recipe's [sets]")
    return Plan(tuple(shards), tables, left)


def _shares(recipe: Recipe, sample: int | None) -> Mapping[str, int]:
    """Photos of each set."""
    if sample is None:
        return recipe.sets
    total = sum(recipe.sets.values()) or 1
    return {name: round(sample * most / total) for name, most in recipe.sets.items()}


def _kept_apart(rows: Sequence[Row]) -> tuple[list[Row], list[LeftOut]]:
    """Without the rows of train whose person, video or photo is in val too."""
    val = {row.label.group for row in rows if row.label.split == "val"}
    mixed = [row for row in rows if row.label.split == "train" and row.label.group in val]
    names = {row.name for row in mixed}
    kept = [row for row in rows if not (row.label.split == "train" and row.name in names)]
    return kept, [LeftOut(row.name, "its person, video or photo is in val too", fault=False) for row in mixed]


def _chosen(rows: Sequence[Row], split: str, most: int, name: str, recipe: Recipe) -> list[Row]:
    here = [row for row in rows if row.label.split == split]
    share = round(most * len(here) / len(rows)) if rows else 0
    return balanced(here, share, recipe.balance, random.Random(f"{recipe.seed}/{name}/{split}"))


def _shards(name: str, split: str, rows: Sequence[Row], size: int) -> list[Shard]:
    """Stretches of about this many rows; those of a unit stay together."""
    stretches: list[list[Row]] = [[]]
    for row in rows:
        full = len(stretches[-1]) >= size
        if full and row.unit != stretches[-1][-1].unit:
            stretches.append([])
        stretches[-1].append(row)
    numbered = enumerate(stretch for stretch in stretches if stretch)
    return [Shard(f"{split}/{name}-{number:05d}", name, split, tuple(stretch)) for number, stretch in numbered]
