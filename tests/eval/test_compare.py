"""Two runs held against each other: what differs, what does not, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceagent_eval import compare, run, stored
from faceagent_eval.benchmark import ItemScore, Result


def result(*rows: ItemScore, backend: str = "one", **given: object) -> Result:
    facts = {"benchmark": "b", "protocol": "p", "figures": (), "data": "d", "machine": "m", "versions": {}}
    return Result.model_validate({**facts, "backend": backend, "items": rows, **given})


def right(hits: list[bool], groups: list[str] | None = None) -> list[ItemScore]:
    return [
        ItemScore(id=f"q {n}", of="exact", right=hit, group=groups[n] if groups else None) for n, hit in enumerate(hits)
    ]


def ranked(scores: np.ndarray, labels: np.ndarray) -> list[ItemScore]:
    rows = enumerate(zip(scores.tolist(), labels.tolist(), strict=True))
    return [ItemScore(id=f"pair {n}", of="same person", label=label, score=score) for n, (score, label) in rows]


def told(*pairs: compare.Pair, everything: bool = False) -> list[str]:
    return list(compare.report(pairs, everything))


def test_right_and_wrong_are_compared_by_the_items_on_which_the_runs_differ() -> None:
    first, second = right([True] * 50 + [False] * 50), right([True] * 50 + [True] * 9 + [False] * 41)
    found = next(compare.comparisons(compare.Pair("b", result(*first), result(*second))))
    assert found.values == (0.5, 0.59)
    assert found.p == pytest.approx(2 * 0.5**9)  # nine for the second, none for the first
    assert told(compare.Pair("b", result(*first), result(*first)))[-1].startswith("1 comparisons, 0 of them")


def test_what_is_better_on_the_same_pairs_is_significant_and_what_is_noise_is_not() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(400) % 2 == 0
    first = labels + generator.normal(0, 1.0, 400)
    pair = compare.Pair("b", result(*ranked(first, labels)), result(*ranked(first + 0.3 * labels, labels)))
    line, summary = told(pair)
    assert "b: same person, AUC" in line
    assert summary.startswith("1 comparisons, 1 of them")
    noise = result(*ranked(first + generator.normal(0, 0.05, 400), labels))
    same = compare.Pair("b", pair.first, noise)
    assert len(told(same)) == 1
    assert "b: same person, AUC" in told(same, everything=True)[0]


def test_of_many_comparisons_one_that_would_pass_alone_does_not() -> None:
    first, second = right([False] * 6 + [True] * 94), right([True] * 100)
    pair = compare.Pair("b", result(*first), result(*second))
    assert len(told(pair)) == 2  # p 0.03 alone
    nothing = compare.Pair("c", result(*first), result(*first))
    assert len(told(pair, nothing)) == 1


def test_frames_of_one_video_are_one_thing() -> None:
    """Ten frames more are right, but all of them of one video."""
    groups = [f"video {n // 10}" for n in range(100)]
    first, second = right([False] * 100, groups), right([True] * 10 + [False] * 90, groups)
    found = next(compare.comparisons(compare.Pair("b", result(*first), result(*second))))
    assert found.interval is not None
    assert found.p > 0.05
    alone = next(compare.comparisons(compare.Pair("b", result(*right([False] * 100)), result(*right([True] * 100)))))
    assert alone.interval is None


def test_an_item_without_an_answer_leaves_scores_and_counts_as_wrong() -> None:
    rows = [ItemScore(id=f"{n}", of="age", score=float(n)) for n in range(20)]
    less = [rows[0].model_copy(update={"score": None}), *rows[1:]]
    found = next(compare.comparisons(compare.Pair("b", result(*rows), result(*less))))
    assert (found.what, found.n) == ("mean score", 19)
    silent = [row.model_copy(update={"right": None}) for row in right([True] * 10)]
    found = next(compare.comparisons(compare.Pair("b", result(*right([True] * 10)), result(*silent))))
    assert found.values == (1.0, 0.0)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (result(*right([True]), data="e"), "not measured on the same data"),
        (result(*right([True]), data=None), "not measured on the same data"),
        (result(), "are not there"),
        (result(*right([True, True])), "items are not the same"),
        (result(*right([True]), benchmark="c"), "one is of b and the other of c"),
    ],
)
def test_what_cannot_be_paired_is_refused_in_one_sentence(other: Result, why: str) -> None:
    first = result(*right([True]), data=None if other.data is None else "d")
    assert why in str(compare.why_not(first, other))


def test_files_are_compared_whatever_their_backend_and_folders_by_name(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    a, b = tmp_path / "a", tmp_path / "b"
    hits = [True] * 80 + [False] * 20
    one = stored.write(result(*right(hits)), a)
    two = stored.write(result(*right([not hit for hit in hits]), backend="two"), b)
    assert run.main(["compare", str(one), str(two)]) == 0
    assert "1 of them significant" in capsys.readouterr().out
    assert run.main(["compare", str(a), str(b)]) == 2
    assert "no result of the same name" in capsys.readouterr().err
    stored.write(result(*right(hits), data="other"), b)
    assert run.main(["compare", str(a), str(b)]) == 2
    said = capsys.readouterr()
    assert "b-one cannot be compared: they were not measured on the same data" in said.err
    assert f"b-two is only in {b}." in said.err
    assert "0 comparisons" in said.out
