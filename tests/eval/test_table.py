"""Tables of results, and the page of the published ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceagent.errors import UsageError
from faceagent.types import Interval
from faceagent_eval import run, stored, table
from faceagent_eval.benchmark import Figure, Result

DOCS = Path(__file__).parents[2] / "docs"


def result(**given: object) -> Result:
    facts = {"benchmark": "lfw", "backend": "dlib", "protocol": "pairs", "machine": "a machine", "versions": {"b": "1"}}
    figures = (
        Figure(name="accuracy", value=0.98762, interval=Interval(low=0.98, high=0.99, level=0.95), n=1200, note="a|b"),
        Figure(name="detect", value=31.0, unit="ms", n=1583),
    )
    more = {"command": "python -m faceagent_eval run lfw --data DIR", "weights": {"net": "0123456789abcdef"}}
    return Result.model_validate({**facts, **more, "figures": figures, "data": "f" * 64, "seed": 0, **given})


def test_the_docs_page_is_what_the_published_results_say() -> None:
    """Made anew by: python -m faceagent_eval table docs/results --markdown > docs/results.md"""
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    assert page == table.markdown(stored.read_all([DOCS / "results"]))


def test_the_card_of_every_network_of_our_own_points_to_the_page() -> None:
    root = DOCS.parent
    cards = [
        *(root / "tools/faceagent_tools/networks").glob("faceagent-*.md"),
        root / "faceagent/controllers/planner.md",
    ]
    assert len(cards) == 4
    for card in cards:
        link = next(line for line in card.read_text(encoding="utf-8").split("](") if "docs/results.md)" in line)
        assert (card.parent / link.partition(")")[0]).samefile(DOCS / "results.md")


def test_a_table_has_values_intervals_counts_notes_and_the_command_below() -> None:
    page = table.markdown([result(others=0.01, notes=("How to read it",))])
    assert "| accuracy | 0.9876 | 0.98 – 0.99 | 1,200 | a\\|b |" in page
    assert "| detect | 31 ms |" in page
    assert "- How to read it.\n" in page
    assert page.index("| accuracy") < page.index("```sh\npython -m faceagent_eval run lfw --data DIR\n```")
    assert "Data `ffffffffffff`; seed 0; weights net `0123456789ab`; b 1; a machine." in page


@pytest.mark.parametrize(("others", "why"), [(0.4, "other programs took 40%"), (None, "it is not known how busy")])
def test_times_of_a_busy_machine_are_left_out_and_it_is_said(others: float | None, why: str) -> None:
    page = table.markdown([result(others=others)])
    assert "| detect" not in page
    assert f"Times are left out (1): {why}" in page
    assert "| accuracy" in page


def test_a_long_table_is_folded_and_an_incomplete_one_marked() -> None:
    many = tuple(Figure(name=f"figure {n}", value=n) for n in range(60))
    page = table.markdown([result(figures=many, complete=False, unmeasured=3)])
    assert "<summary>All 60 figures</summary>" in page
    assert "**Incomplete:** 3 items could not be measured." in page


def test_above_a_folded_table_stand_the_figures_that_are_asked_for_first() -> None:
    many = tuple(Figure(name=f"set {n}: {kind}", value=n) for n in range(30) for kind in ("AUC", "EER"))
    page = table.markdown([result(benchmark="forensics", figures=many)])
    above, _, folded = page.partition("<details>")
    assert (above.count("AUC |"), above.count("EER |")) == (30, 0)
    assert (folded.count("AUC |"), folded.count("EER |")) == (30, 30)


def test_the_order_is_by_name_whatever_the_order_of_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("vip", "lfw"):
        stored.write(result(benchmark=name), tmp_path)
    stored.write(result(limit=64), tmp_path)
    assert run.main(["table", str(tmp_path), "--markdown"]) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if line.startswith("## ")]
    assert heads == ["## lfw, backend dlib", "## lfw, backend dlib, limit 64", "## vip, backend dlib"]
    assert run.main(["table", str(tmp_path / "vip-dlib.json")]) == 0
    assert "95%: 0.98 – 0.99" in capsys.readouterr().out
    assert run.main(["table", str(tmp_path / "none.json")]) == 2


def test_runs_stand_beside_each_other_figure_by_figure() -> None:
    """Each figure where it stands in its own run; a dash for what a run has not, and for times of a busy machine."""
    plain = Figure(name="accuracy", value=0.5, n=10)
    more = (plain, Figure(name="refused", value=0.25, n=8), Figure(name="detect", value=9.0, unit="ms", n=1))
    told = table.beside(
        [result(others=0.01), result(backend="other", figures=more, others=0.9), result(benchmark="quality")]
    )
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in told.splitlines() if line[:1] == "|"]
    assert rows[0] == ["figure", "dlib", "other"]
    assert rows[2:] == [
        ["accuracy", "0.9876 (0.98 – 0.99)", "0.5"],
        ["refused", "–", "0.25"],
        ["detect", "31 ms", "–"],
    ]
    assert "quality" not in told and "Not measured on the same" not in told
    assert "Not measured on the same items" in table.beside([result(), result(backend="other", data="0" * 64)])
    with pytest.raises(UsageError, match="No two of these results"):
        table.beside([result(), result(benchmark="quality")])


def test_the_command_shows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(stored.write(result(backend=name), tmp_path)) for name in ("dlib", "other")]
    assert run.main(["table", *paths, "--beside"]) == 0
    assert "| accuracy | 0.9876 (0.98 – 0.99) | 0.9876 (0.98 – 0.99) |" in capsys.readouterr().out
    assert run.main(["table", paths[0], "--beside"]) == 2
    assert "Name two runs of it" in capsys.readouterr().err
