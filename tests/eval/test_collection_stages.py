"""What a photo costs by stage: the benchmark with few photos, its clock, and the table that is made of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from faceagent.errors import InputError, ToolError, UsageError
from faceagent_eval import sizing, stored
from faceagent_eval.benchmark import Result
from faceagent_eval.benchmarks.collection_stages import Around, Clock, CollectionStages, Cost
from faceagent_eval.run import run

DOCS = Path(__file__).parents[2] / "docs"
RESULT = DOCS / "results" / "collection-stages-embedded-limit64.json"


def busy(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def scored(**around: float) -> Result:
    costs = [
        Cost(10, {"detection": 2.0, "forgery": 1.0}, 400.0, 2_000_000, 500_000),
        Cost(10, {"detection": 4.0, "forgery": 1.0}, 500.0, 2_000_000, 500_000),
    ]
    given = {"files": 20, "overview": 0.02, "planning": 20_000_000, **around}
    once = Around(int(given["files"]), given["overview"], int(given["planning"]))
    return CollectionStages().score([*costs, once]).model_copy(update={"command": "measure"})


def test_every_stage_of_a_real_photo_takes_time() -> None:
    benchmark = CollectionStages()
    benchmark.limit = 2
    result = run(benchmark)
    stages = [figure for figure in result.figures if figure.name.startswith("stage ")]
    assert {figure.name for figure in stages} >= {
        *("stage decode", "stage detection", "stage quality", "stage attributes", "stage forgery"),
        *("stage provenance", "stage writing"),
    }
    assert all(figure.value > 0 for figure in stages)
    assert sum(figure.value for figure in stages) == pytest.approx(result.figure("all stages").value)
    assert result.figure("written").value > 1000
    assert set(result.curves) == {"growth", "memory"}


def test_the_folder_of_a_run_that_breaks_off_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = CollectionStages()
    benchmark.limit = 1
    made: list[Path] = []

    def breaks(item: object) -> Cost:
        made.append(benchmark._folder)
        assert made[0].is_dir()
        raise ToolError("broken off")

    monkeypatch.setattr(benchmark, "measure", breaks)
    with pytest.raises(ToolError, match="broken off"):
        run(benchmark)
    assert not made[0].exists()


def test_an_inner_stage_is_not_counted_twice() -> None:
    clock = Clock()
    with clock.stage("outer"):
        busy(0.02)
        with clock.stage("inner"):
            busy(0.06)
        busy(0.02)
    assert clock.spent["outer"] == pytest.approx(0.04, abs=0.015)
    assert clock.spent["inner"] == pytest.approx(0.06, abs=0.015)


def test_figures_are_a_photo_and_growth_is_the_last_against_the_first() -> None:
    result = scored()
    assert result.figure("stage detection").value == pytest.approx(0.3)
    assert result.figure("all stages").value == pytest.approx(0.4)
    assert result.figure("last stretch against first").value == pytest.approx(5 / 3)
    assert result.figure("peak memory").value == 500.0


def test_the_table_says_what_a_day_needs() -> None:
    table = sizing.sized(scored())
    # 1,157.4 photos a second of 0.4 s at 70 %; 200 kB read and 50 kB written a photo; 1 ms of overview, 1 kB of plan.
    assert "| cores, at 70% use | 7 | 662 |" in table
    assert "| machines of 32 cores | 1 | 21 |" in table
    assert "| memory of each | 4 GB | 16 GB |" in table
    assert "| findings written a day | 50 GB | 5,000 GB |" in table
    assert "| collections that a day is split into | 1 | 28 |" in table
    assert "at 100,000,000 photos a day 28 of 3,571,429 photos." in table


def test_a_page_without_marks_and_a_result_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no place"):
        sizing.replaced("# Scale\n", "table")
    with pytest.raises(InputError, match="all stages"):
        sizing.sized(scored().model_copy(update={"figures": ()}))
    (tmp_path / "page.md").write_text(sizing.BEGIN + sizing.END)
    (tmp_path / "result.json").write_text("{}")
    assert sizing.main([str(tmp_path / "result.json"), str(tmp_path / "page.md")]) == 2


def test_the_page_on_scale_has_the_table_of_the_stored_result() -> None:
    page = (DOCS / "scale.md").read_text(encoding="utf-8")
    assert page == sizing.replaced(page, sizing.sized(stored.read(RESULT))), "run python -m faceagent_eval.sizing"
