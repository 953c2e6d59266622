"""What differs between two runs of the same benchmark on the same items, beyond chance.

Scores that rank what is so before what is not are compared by their ROC's area, other scores by their mean, each by
paired bootstrap; right and wrong answers by McNemar's exact test, or, where items come in groups that are not
independent (frames of one video), by paired bootstrap over groups. An item without an answer in one of the runs is left
out of scores and counts as wrong where answers are right or wrong. p values are adjusted for the number of comparisons
(Holm).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceagent.errors import UsageError
from faceagent_eval import metrics, stored
from faceagent_eval.benchmark import ItemScore, Result
from faceagent_eval.metrics import Floats, Labels

_LEVEL = 0.05


@dataclass(frozen=True)
class Pair:
    """Two results whose items are the same, in the same order."""

    name: str
    first: Result
    second: Result


@dataclass(frozen=True)
class Comparison:
    """One measure of one pair. of: pair and measure. values: of the first run and the second. n: items."""

    of: str
    what: str
    values: tuple[float, float]
    interval: tuple[float, float] | None
    p: float
    n: int


@dataclass(frozen=True)
class Matched:
    """What can be compared; sentences on what is refused, and on what has no counterpart."""

    pairs: tuple[Pair, ...]
    refused: tuple[str, ...]
    alone: tuple[str, ...]


def match(a: Path, b: Path) -> Matched:
    """The results of two files, or those of two folders that have the same name.

    Raises:
        InputError: a path is not there, a file is no result, or there is nothing to compare.
    """
    first, second = ({stored.stem(one): one for one in stored.read_all([path])} for path in (a, b))
    if not a.is_dir() and not b.is_dir():
        # Two files are compared whatever their backends.
        (of, one), (_, other) = *first.items(), *second.items()
        first, second = {of: one}, {of: other}
    common = [Pair(name, first[name], second[name]) for name in first if name in second]
    if not common:
        raise UsageError(f"{a} and {b} have no result of the same name", "Name two results of the same benchmark")
    reasons = [why_not(pair.first, pair.second) for pair in common]
    return Matched(
        tuple(pair for pair, reason in zip(common, reasons, strict=True) if not reason),
        tuple(f"{pair.name} cannot be compared: {why}." for pair, why in zip(common, reasons, strict=True) if why),
        tuple(f"{name} is only in {a if name in first else b}." for name in sorted(set(first) ^ set(second))),
    )


def why_not(first: Result, second: Result) -> str | None:
    """Why two results cannot be held against each other item by item; None where they can."""
    if first.benchmark != second.benchmark:
        return f"one is of {first.benchmark} and the other of {second.benchmark}"
    if first.data is None or first.data != second.data:
        return "they were not measured on the same data (the hash `data` differs)"
    if not first.items or not second.items:
        return "the items of one of them (*.items.jsonl) are not there"
    if [_key(row) for row in first.items] != [_key(row) for row in second.items]:
        return "their items are not the same"
    return None


def _key(row: ItemScore) -> tuple[str, str, bool | str | None]:
    return row.of, row.id, row.label


def report(found: Sequence[Pair], everything: bool = False) -> Iterator[str]:
    """A line for each comparison: all of them, or those that differ significantly, and how many do not."""
    rows = [row for pair in found for row in comparisons(pair)]
    adjusted = metrics.holm([row.p for row in rows])
    shown = [(row, p) for row, p in zip(rows, adjusted, strict=True) if everything or p < _LEVEL]
    width = max((len(f"{row.of}, {row.what}") for row, _ in shown), default=0)
    for row, p in shown:
        first, second = row.values
        ends = f"95 %: {row.interval[0]:+.4f} – {row.interval[1]:+.4f}" if row.interval else ""
        yield (
            f"{f'{row.of}, {row.what}':<{width}}  {first:.4f} → {second:.4f}  {second - first:+.4f}  {ends:<26}  "
            f"adjusted p {p:.4f}  n {row.n:,}"
        )
    differing = sum(p < _LEVEL for p in adjusted)
    yield f"{len(rows)} comparisons, {differing} of them significant at {_LEVEL:.0%} after Holm's adjustment."


def comparisons(pair: Pair) -> Iterator[Comparison]:
    """All measures of a pair."""
    parts: dict[str, list[tuple[ItemScore, ItemScore]]] = {}
    for both in zip(pair.first.items, pair.second.items, strict=True):
        parts.setdefault(both[0].of, []).append(both)
    for part, rows in parts.items():
        of = f"{pair.name}: {part}"
        yield from _scores(of, [both for both in rows if both[0].score is not None and both[1].score is not None])
        if any(row.right is not None for both in rows for row in both):
            yield _answers(of, rows)


def _scores(of: str, rows: Sequence[tuple[ItemScore, ItemScore]]) -> Iterator[Comparison]:
    if not rows:
        return
    first, second = (np.array([both[run].score for both in rows], np.float64) for run in (0, 1))
    ranked = all(isinstance(one.label, bool) for one, _ in rows)
    labels = np.array([bool(one.label) if ranked else False for one, _ in rows])
    if ranked and (labels.all() or not labels.any()):
        return
    statistic, what = (_auc, "AUC") if ranked else (_mean, "mean score")
    yield _by_bootstrap(of, what, statistic, (first, second), labels, _groups(rows))


def _answers(of: str, rows: Sequence[tuple[ItemScore, ItemScore]]) -> Comparison:
    first, second = (np.array([bool(both[run].right) for both in rows]) for run in (0, 1))
    groups = _groups(rows)
    if groups is not None:
        alike = np.zeros(len(rows), np.bool_)
        return _by_bootstrap(of, "right", _mean, (first.astype(float), second.astype(float)), alike, groups)
    values = float(first.mean()), float(second.mean())
    return Comparison(of, "right", values, None, metrics.mcnemar(first, second), len(rows))


def _by_bootstrap(
    of: str, what: str, statistic: metrics.Statistic, runs: tuple[Floats, Floats], labels: Labels, groups: Labels | None
) -> Comparison:
    found = metrics.paired_bootstrap(statistic, *runs, labels, groups)
    values = statistic(runs[0], labels), statistic(runs[1], labels)
    return Comparison(of, what, values, (found.low, found.high), found.p, len(labels))


def _groups(rows: Sequence[tuple[ItemScore, ItemScore]]) -> Labels | None:
    """What is drawn together: the items of one group and one label; None where no group has two."""
    names = [f"{one.group or one.id} {one.label}" for one, _ in rows]
    return np.array(names) if len(set(names)) < len(names) else None


def _auc(scores: Floats, labels: Labels) -> float:
    return metrics.auc(metrics.roc(scores, labels))


def _mean(values: Floats, labels: Labels) -> float:
    return float(values.mean())
