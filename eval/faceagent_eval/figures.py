"""Figures that bring their interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from faceagent.types import Interval
from faceagent_eval import metrics
from faceagent_eval.benchmark import Figure
from faceagent_eval.metrics import Labels


def proportion(name: str, hits: Sequence[bool] | metrics.Bools, note: str | None = None) -> Figure:
    """A share, 0-1, with Wilson's 95 % interval; 0 of nothing where there is nothing."""
    n = len(hits)
    if not n:
        return Figure(name=name, value=0.0, n=0, note=note)
    found = metrics.wilson(int(np.count_nonzero(hits)), n)
    interval = Interval(low=found.low, high=found.high, level=found.level)
    return Figure(name=name, value=float(np.mean(hits)), interval=interval, n=n, note=note)


def resampled(
    name: str,
    statistic: Callable[..., float],
    columns: Sequence[Labels],
    *,
    strata: Labels | None = None,
    rounds: int = 1000,
    n: int | None = None,
    unit: str = "",
    note: str | None = None,
) -> Figure:
    """A statistic of columns of equal length with a 95 % bootstrap interval over their rows.

    Without an interval where drawing again changes nothing: that it is 0, or all, is not so sure.

    Args:
        columns: each [N]; a row is what is independent of all others, such as a photo with all its faces.
        strata: [N], what is kept in proportion in every draw; see `metrics.bootstrap`.
        n: how many items the figure rests on, if not the rows.
    """
    rows = len(columns[0])
    found = metrics.bootstrap(statistic, columns, np.zeros(rows) if strata is None else strata, rounds=rounds)
    sure = found.low < found.high
    return Figure(
        name=name,
        value=statistic(*columns),
        unit=unit,
        interval=Interval(low=found.low, high=found.high, level=found.level) if sure else None,
        n=rows if n is None else n,
        note=note,
    )
