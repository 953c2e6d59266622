"""A saved model in the controller's seat of the benchmarks, from the command line to the table. Nobody trained it: what
is seen here is that its figures come out, not that they are good."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")
pytest.importorskip("llguidance", reason="needs the extra local")

import tiny_vlm
from photo_files import EXAMPLES

from faceagent_eval import run, stored
from faceagent_eval.benchmark import Result
from faceagent_eval.benchmarks import grounded


@pytest.fixture(scope="module")
def seat(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"transformers:{tiny_vlm.build(tmp_path_factory.mktemp('seat') / 'tiny')}"


def ran(out: Path, *arguments: str) -> Result:
    before = set(out.glob("*.json"))
    assert run.main(["run", *arguments, "--out", str(out)]) == 0
    (path,) = set(out.glob("*.json")) - before
    return stored.read(path)


def shares(result: Result, *names: str) -> None:
    for name in names:
        figure = result.figure(name)
        assert 0 <= figure.value <= (100 if figure.unit == "%" else 1) and figure.n


def test_planner(seat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ran(tmp_path, "planner", "--controller", seat, "--limit", "1")
    assert (model.backend, model.limit, len(model.items)) == ("transformers-tiny", 1, 3)
    assert "transformers:tiny" in model.protocol and "transformers:tiny" in model.command
    shares(model, "natural: exact", "natural: a call that was refused", "natural: no usable answer")
    # Its turns are held to a grammar.
    assert model.figure("natural: a tool called that does not exist").value == 0
    embedded = ran(tmp_path, "planner", "--limit", "1")
    assert embedded.data == model.data
    capsys.readouterr()
    assert run.main(["table", str(tmp_path), "--beside"]) == 0
    told = capsys.readouterr().out
    assert "Not measured on the same" not in told
    assert "embedded, limit 1" in told and "transformers-tiny, limit 1" in told
    assert run.main(["compare", *map(str, sorted(tmp_path.glob("*.json"))), "--all"]) == 0


def test_grounded(
    seat: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(grounded, "QUESTIONS", ("How many faces are there?", "Is he a criminal?"))
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name in ("portrait.jpg", "group.jpg"):
        shutil.copy(EXAMPLES / name, photos)
    model = ran(out, "grounded", "--data", str(photos), "--controller", seat, "--limit", "1")
    assert len(model.items) == 2 and model.complete
    shares(model, "conversations carried whole", "no tool called", "stopped by the budget")
    assert model.figure("said: carried by evidence").value in (0, 100)
    assert ran(out, "grounded", "--data", str(photos), "--limit", "1").data == model.data
    capsys.readouterr()
    assert run.main(["table", str(out), "--beside"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "conversations carried whole" in line)
    assert "100 % (" in row.split("|")[2]
