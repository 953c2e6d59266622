"""Part of a benchmark's items, for a quick look: evenly spread over all of them, of each kind as many."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np

AnyT = TypeVar("AnyT")


def evenly(items: Sequence[AnyT], most: int | None) -> list[AnyT]:
    """At most so many items, evenly spread, in their order; all for None."""
    count = len(items) if most is None else min(most, len(items))
    return [items[place] for place in np.linspace(0, len(items) - 1, count).astype(int).tolist()]


def thinned(items: Iterable[AnyT], limit: int | None, by: Callable[[AnyT], Hashable]) -> list[AnyT]:
    """At most so many items of each kind, evenly spread, kind by kind; all for None."""
    kinds: dict[Hashable, list[AnyT]] = {}
    for item in items:
        kinds.setdefault(by(item), []).append(item)
    return [item for part in kinds.values() for item in evenly(part, limit)]
