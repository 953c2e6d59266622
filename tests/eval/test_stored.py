"""Results as files: what is written where, read back, and never replaced or told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faceagent.errors import InputError, UsageError
from faceagent_eval import stored
from faceagent_eval.benchmark import Figure, ItemScore, Result
from faceagent_finetune.plot import Chart


def result(**given: object) -> Result:
    facts = {"benchmark": "lfw", "backend": "dlib", "protocol": "p", "machine": "m", "versions": {}}
    figures = (Figure(name="accuracy", value=0.5, n=2),)
    return Result.model_validate({**facts, "figures": figures, **given})


def test_a_look_at_a_part_never_replaces_the_whole(tmp_path: Path) -> None:
    whole, part = stored.write(result(), tmp_path), stored.write(result(limit=64), tmp_path)
    assert whole.name == "lfw-dlib.json"
    assert part.name == "lfw-dlib-limit64.json"
    assert [one.limit for one in stored.read_all([tmp_path])] == [None, 64]


def test_items_are_lines_beside_it_and_come_back(tmp_path: Path) -> None:
    rows = (
        ItemScore(id="pair 0", of="same", label=True, score=0.1, right=True),
        ItemScore(id="q", of="x", label="age"),
    )
    path = stored.write(result(items=rows), tmp_path)
    lines = (tmp_path / "lfw-dlib.items.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[1]) == {"id": "q", "of": "x", "label": "age"}
    assert stored.read(path).items == rows
    stored.write(result(), tmp_path)
    assert not (tmp_path / "lfw-dlib.items.jsonl").exists()


def test_names_of_missing_files_are_not_in_the_json(tmp_path: Path) -> None:
    path = stored.write(result(missing=("Ada_Lovelace_0001",), unmeasured=1, complete=False), tmp_path)
    assert "Ada" not in path.read_text(encoding="utf-8")
    assert stored.read(path).unmeasured == 1
    assert (tmp_path / "lfw-dlib.missing.txt").read_text(encoding="utf-8") == "Ada_Lovelace_0001\n"


def test_charts_are_drawn(tmp_path: Path) -> None:
    chart = Chart(title="t", x="x", y="y", lines={"a": ((0.0, 0.0), (1.0, 1.0))})
    stored.write(result(curves={"roc": chart, "raw": [1, 2]}), tmp_path)
    assert [path.name for path in tmp_path.glob("*.svg")] == ["lfw-dlib-roc.svg"]
    assert stored.read(tmp_path / "lfw-dlib.json").curves["roc"] == chart


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.json", "{", "a.json is no result of a benchmark"),
        ("a.json", '{"benchmark": "lfw"}', "a.json is no result of a benchmark"),
        ("lfw-dlib.items.jsonl", '{"id": 5}\n', r"items\.jsonl is no result of a benchmark"),
    ],
)
def test_what_is_no_result_is_named(name: str, content: str, what: str, tmp_path: Path) -> None:
    stored.write(result(), tmp_path)
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=what):
        stored.read_all([tmp_path])


def test_where_nothing_is_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no result in"):
        stored.read_all([tmp_path])
    with pytest.raises(UsageError, match="is not there"):
        stored.read_all([tmp_path / "nowhere"])
