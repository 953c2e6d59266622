"""Which photos go into which shard, before any of them is read."""

from __future__ import annotations

import heapq
import random
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from faceagent.errors import UsageError
from faceagent_finetune.corpus.labelled import SPLITS, LeftOut, Row
from faceagent_finetune.corpus.left_out import LeftOuts
from faceagent_finetune.corpus.recipe import Recipe
from faceagent_finetune.corpus.sampler import balanced, stratum
from faceagent_finetune.corpus.sources import SOURCES
from faceagent_finetune.corpus.sources.published import Opened

_POOL = 20  # rows that are kept of a set, for each photo that may be chosen of it


@dataclass(frozen=True)
class Shard:
    """name: "train/fairface-00000", a folder of the corpus."""

    name: str
    set: str
    split: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Plan:
    """sets: opened. left_out: by set; what the labels alone rule out."""

    shards: tuple[Shard, ...]
    sets: Mapping[str, Opened]
    left_out: Mapping[str, LeftOuts]


def planned(recipe: Recipe, data: Path, sample: int | None) -> Plan:
    """Val first, so that where two photos are alike it is train that loses one.

    Args:
        sample: photos in all, shared out as [sets] does; None takes as many as [sets] says.

    Raises: see `Opened` and `Source.open`.
    """
    sets = {name: SOURCES[name].open(data, recipe.places.get(name)) for name in recipe.sets}
    rows: dict[str, list[Row]] = {}
    left = {name: LeftOuts() for name in sets}
    for name, found in sets.items():
        there = pool(_told(found.rows(), left[name]), _POOL * recipe.sets[name])
        rows[name], mixed = _kept_apart(there)
        left[name].add_all(mixed)
    shards = [
        shard
        for split in SPLITS
        for name, most in _shares(recipe, sample).items()
        for shard in _shards(name, split, _chosen(rows[name], split, most, name, recipe), recipe)
    ]
    if not shards:
        raise UsageError("No photo is left to make conversations of", "Raise the numbers in the recipe's [sets]")
    return Plan(tuple(shards), sets, left)


def _told(found: Iterable[Row | LeftOut], left: LeftOuts) -> Iterator[Row]:
    for row in found:
        if isinstance(row, LeftOut):
            left.add(row)
        else:
            yield row


def pool(rows: Iterable[Row], most: int) -> list[Row]:
    """Of a set that does not fit into memory, at most so many rows, by a hash of their units; in the set's order."""
    kept: list[tuple[int, int, Row]] = []
    for number, row in enumerate(rows):
        item = (-zlib.crc32(row.unit.encode()), -number, row)
        if len(kept) < most:
            heapq.heappush(kept, item)
        else:
            heapq.heappushpop(kept, item)
    return [row for _, _, row in sorted(kept, key=lambda item: -item[1])]


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


def _shards(name: str, split: str, rows: Sequence[Row], recipe: Recipe) -> list[Shard]:
    """Of about as many rows each as the recipe says, in the set's order; those of a unit stay together.

    Units are dealt out, group after group, for a question is asked of two photos of one shard of which one has what the
    other lacks, and sets are sorted by age, list all authentic photos first or the two kinds in turn.
    """
    group = {row.unit: stratum(row.label.facts, recipe.balance) for row in rows}
    number = min(ceil(len(rows) / recipe.shard), len(group))
    rng = random.Random(f"{recipe.seed}/{name}/{split}/dealt")
    units = sorted(rng.sample(list(group), len(group)), key=group.__getitem__)
    hand = {unit: place % number for place, unit in enumerate(units)}
    dealt: list[list[Row]] = [[] for _ in range(number)]
    for row in rows:
        dealt[hand[row.unit]].append(row)
    return [Shard(f"{split}/{name}-{place:05d}", name, split, tuple(hold)) for place, hold in enumerate(dealt)]
