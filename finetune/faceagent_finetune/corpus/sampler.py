"""Which photos of a set are taken, so that no group of people outnumbers the others more than the set forces it to."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

from faceagent_finetune.corpus.labelled import Facts, Row


def stratum(facts: Facts, by: Sequence[str]) -> tuple[str, ...]:
    """The group that a photo counts with; "" where its set does not know."""
    return tuple(facts.get(field, "") for field in by)


def balanced(rows: Sequence[Row], most: int, by: Sequence[str], rng: random.Random) -> list[Row]:
    """At most this many rows, in the order of the set, as evenly over the groups as there are photos for.

    Rows of one unit (a pair) are taken together.
    """
    units: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        units[row.unit].append(row)
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for unit, members in units.items():
        strata[stratum(members[0].label.facts, by)].append(unit)
    size = max((len(members) for members in units.values()), default=1)
    shares = evenly({group: len(found) for group, found in strata.items()}, most // size)
    chosen = {unit for group in sorted(strata) for unit in rng.sample(strata[group], shares[group])}
    return [row for row in rows if row.unit in chosen]


def evenly(there: Mapping[tuple[str, ...], int], most: int) -> dict[tuple[str, ...], int]:
    """How many to take of each group: the same of all, and all of those that have fewer."""
    shares: dict[tuple[str, ...], int] = {}
    left = most
    for place, group in enumerate(sorted(there, key=lambda group: (there[group], group))):
        shares[group] = min(there[group], left // (len(there) - place))
        left -= shares[group]
    return shares
