"""Collections: the benchmark itself, with few photos."""

from __future__ import annotations

from faceagent_eval.benchmarks.collection import CollectionBenchmark, Item, Run


def test_a_run_is_a_whole_command() -> None:
    run = CollectionBenchmark().measure(Item(files=2, workers=1))
    assert run.seconds > 0
    assert run.megabytes > 50


def test_the_start_is_taken_off() -> None:
    runs = [Run(Item(1, 1), 4.0, 100.0), Run(Item(5, 1), 6.0, 100.0), Run(Item(10, 1), 8.5, 300.0)]
    runs += [Run(Item(2, 2), 5.0, 100.0), Run(Item(5, 2), 5.75, 100.0), Run(Item(10, 2), 7.0, 100.0)]
    result = CollectionBenchmark().score(runs)
    assert result.figure("10 photos, workers 1").value == 2.0
    assert result.figure("5 photos, workers 2").value == 4.0
    assert result.figure("two workers against one").value == 2.0
    assert result.figure("twice the photos, pace").value == 1.0
    assert result.figure("largest process").value == 300.0
