"""Several benchmarks in one run, and what a result says of the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from faceagent.errors import WeightsMissing
from faceagent_eval import benchmarks, machine_load, run, stored
from faceagent_eval.benchmark import Benchmark, Figure, Result, machine
from faceagent_tools import weights

RUNS = "counted"


class Counted(Benchmark[str, str]):
    """Measures names; the one called `missing` cannot be."""

    name = RUNS
    about = "a benchmark for tests"
    backends = ("one", "two")
    takes_limit = True

    def items(self) -> Sequence[str]:
        return ["a", "b", "missing"][: self.limit]

    def measure(self, item: str) -> str:
        if self.backend == "two":
            raise WeightsMissing("The model file two is not on this machine")
        return item

    def score(self, measured: Sequence[str]) -> Result:
        missing = tuple(one for one in measured if one == "missing")
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol="counting",
            figures=(Figure(name="items", value=len(measured)),),
            complete=not missing,
            missing=missing,
            methods=(weights.method("faceagent-multitask"),),
            weights={"another": "00"},
            machine=machine(),
            versions={},
        )


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(benchmarks.HOME, RUNS, f"{__name__}:Counted")
    load = benchmarks.load
    monkeypatch.setattr(benchmarks, "load", lambda name: Counted if name == RUNS else load(name))


def test_what_fails_is_told_and_the_others_still_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results"
    assert run.main(["run", "lfw", RUNS, "cuonted", RUNS, "--limit", "2", "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert "The benchmark lfw needs data" in said.err
    assert "There is no benchmark 'cuonted'" in said.err
    assert said.out.count("Written: ") == 2
    assert [path.name for path in out.glob("*.json")] == ["counted-one-limit2.json"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [((RUNS, "--limit", "2"), 0), ((RUNS,), 1), ((RUNS, "--backend", "two"), 1), ((RUNS, "--backend", "three"), 2)],
)
def test_the_status_says_how_it_went(arguments: tuple[str, ...], status: int) -> None:
    assert run.main(["run", *arguments]) == status


def test_a_result_says_what_it_rests_on(tmp_path: Path) -> None:
    run.main(["run", RUNS, "--limit", "2", "--out", str(tmp_path)])
    result = stored.read(tmp_path / "counted-one-limit2.json")
    assert (result.limit, result.seed, result.unmeasured) == (2, 0, 0)
    network = weights.row("faceagent-multitask")
    assert result.weights == {"faceagent-multitask": network.sha256, "another": "00"}
    assert result.command == "python -m faceagent_eval run counted --limit 2"
    assert result.data is not None and result.data != run.run(Counted()).data
    assert run.run(Counted()).unmeasured == 1


def test_how_busy_the_machine_was_is_counted_less_what_was_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = machine_load.Load(100.0, 50.0, 10.0), machine_load.Load(120.0, 65.0, 15.0)
    monkeypatch.setattr(machine_load, "reading", lambda: now)
    assert machine_load.others_since(before) == 0.5
    assert machine_load.others_since(None) is None
    monkeypatch.setattr(machine_load, "reading", lambda: before)
    assert machine_load.others_since(before) is None


def test_the_counters_of_this_machine_rise() -> None:
    first = machine_load.reading()
    if first is None:
        pytest.skip("this system does not tell")
    sum(range(3_000_000))
    second = machine_load.reading()
    assert second is not None and second.own > first.own and second.whole >= first.whole >= first.busy
