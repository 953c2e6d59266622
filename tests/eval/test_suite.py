"""Suites, and commands that say nothing of whose machine it was."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from faceagent.errors import UsageError
from faceagent_eval import benchmarks, run
from faceagent_eval.suite import Job, suite, suites


@pytest.mark.parametrize("name", suites())
def test_every_run_of_every_suite_is_one_that_its_benchmark_takes(name: str, tmp_path: Path) -> None:
    jobs = suite(name, tmp_path)
    assert len({job.command for job in jobs}) == len(jobs)
    for job in jobs:
        made = benchmarks.make(job.benchmark, job.data, job.backend, job.limit, job.controller)
        assert bool(made.layout) == (job.data is not None)


def test_without_data_what_needs_none_is_run(tmp_path: Path) -> None:
    assert {job.benchmark for job in suite("quick")} == {"planner", "grounded"}
    assert {job.data for job in suite("quick", tmp_path) if job.benchmark == "lfw"} == {tmp_path / "identity"}


def test_a_suite_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="There are quick, published"):
        suite("quik")
    assert run.main(["suite", "quik"]) == 2


def test_a_command_can_be_repeated_and_names_no_folder(tmp_path: Path) -> None:
    (tmp_path / "facellm").mkdir()
    job = Job("grounded", tmp_path, "dlib", 3, f"transformers:{tmp_path / 'facellm'}+{tmp_path / 'facellm'}")
    words = shlex.split(job.command)
    assert words[:5] == ["python", "-m", "faceagent_eval", "run", "grounded"]
    assert words[5:] == [
        *("--data", "DIR", "--backend", "dlib", "--limit", "3"),
        *("--controller", "transformers:facellm+facellm"),
    ]
    assert str(tmp_path) not in job.command
