"""The LFW benchmark on a toy set: six "people" in plain colours, told apart by a fake network."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet
from toy_portraits import NAMES, FakeDetector, FakeEmbedder, original_layout, picture

from faceagent_eval import benchmarks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks import lfw


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    monkeypatch.setattr(lfw, "FaceDetector", FakeDetector)
    monkeypatch.setattr(lfw, "FaceEmbedder", FakeEmbedder)


def parquet_layout(folder: Path) -> Path:
    rows = ["fold,a,b,same"]
    for fold, people in ((1, "ABC"), (2, "DEF")):
        rows += [f"{fold},Person_{who}_0001,Person_{who}_0002,True" for who in people]
        rows += [
            f"{fold},Person_{one}_0001,Person_{other}_0002,False"
            for one, other in zip(people, people[1:] + people[:1], strict=True)
        ]
    (folder / "lfw_pairs_folds1-2.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    images = [{"bytes": picture(name), "path": f"{name}.jpg"} for name in NAMES]
    parquet.write_table(pyarrow.table({"image": images, "name": NAMES}), folder / "lfw_images.parquet")
    return folder


@pytest.mark.parametrize("make", [original_layout, parquet_layout])
def test_both_layouts_hold_the_same_pairs_and_give_the_same_figures(make, tmp_path, capsys):
    data = make(tmp_path)
    assert run.main(["run", "lfw", "--data", str(data), "--out", str(tmp_path / "results")]) == 0
    result = json.loads((tmp_path / "results" / "lfw-dlib.json").read_text(encoding="utf-8"))
    figures = {figure["name"]: figure for figure in result["figures"]}
    assert figures["accuracy"]["value"] == 1.0
    assert figures["accuracy"]["n"] == 12
    assert figures["auc"]["value"] == 1.0
    assert figures["eer"]["value"] == 0.0
    assert figures["failure_to_detect"]["value"] == pytest.approx(2 / 12)
    # Person_F stands in one genuine and two impostor pairs of the second fold.
    assert figures["accuracy_undetected_wrong"]["value"] == pytest.approx(9 / 12)
    assert result["complete"] is True
    assert result["curves"]["det"]["lines"]["pairs of the protocol"][-1] == [0.0, 0.0]
    assert result["command"].startswith("python -m faceagent_eval run lfw")
    assert "accuracy" in capsys.readouterr().out


def test_no_name_of_a_person_is_written_and_pairs_have_scores(tmp_path):
    data = original_layout(tmp_path, without=("Person_B_0001",))
    assert run.main(["run", "lfw", "--data", str(data), "--out", str(tmp_path / "results")]) == 1
    files = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "results").iterdir()}
    assert "Person_B_0001" in files.pop("lfw-dlib.missing.txt")
    assert files.keys() == {"lfw-dlib.json", "lfw-dlib.items.jsonl", "lfw-dlib-det.svg"}
    assert not [name for name, text in files.items() if "Person_" in text or str(tmp_path) in text]
    result = json.loads(files["lfw-dlib.json"])
    assert result["notes"] == ["In 2 portraits no face was found; a weak candidate or the central crop stands in."]
    assert result["unmeasured"] == 1
    rows = [json.loads(line) for line in files["lfw-dlib.items.jsonl"].splitlines()]
    assert len(rows) == 12
    assert rows[0] == {"id": "pair 0", "of": "same person", "label": True, "score": rows[0]["score"], "right": True}
    # Person_B_0001 stands in two pairs.
    assert len([row for row in rows if "score" not in row and "right" not in row]) == 2


def test_both_layouts_have_the_same_items_and_a_limit_other_data(tmp_path):
    made = [tmp_path / "one", tmp_path / "two"]
    for folder, make in zip(made, (original_layout, parquet_layout), strict=True):
        folder.mkdir()
        make(folder)
    whole, other = (run.run(lfw.Lfw(folder)) for folder in made)
    assert whole.items == other.items
    part = run.run(benchmarks.make("lfw", made[0], limit=4))
    assert part.figure("accuracy").n == 8
    assert {row.label for row in part.items} == {True, False}
    assert part.data != whole.data


def test_portraits_are_found_directly_in_the_data_folder_too(tmp_path):
    portraits = lfw.Lfw(original_layout(tmp_path, under=".")).items()
    assert all(portrait.read is not None for portrait in portraits)


def test_missing_and_damaged_portraits_are_listed_and_the_score_is_marked(tmp_path, capsys):
    data = original_layout(tmp_path, without=("Person_B_0001",))
    (data / "lfw" / "Person_E" / "Person_E_0002.jpg").write_bytes(b"no picture")
    assert run.main(["run", "lfw", "--data", str(data)]) == 1
    out = capsys.readouterr().out
    assert "INCOMPLETE: 2 items" in out
    assert "Person_B_0001" in out
    assert "Person_E_0002" in out


def broken(folder: Path, change) -> Path:
    original_layout(folder)
    path = folder / "pairs.txt"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("make", "mismatch"),
    [
        (lambda folder: folder / "nowhere", "is not a folder"),
        (lambda folder: folder, "neither pairs.txt nor lfw_pairs"),
        (lambda folder: original_layout(folder, without=tuple(NAMES)), "the first missing one is Person_A_0001"),
        (lambda folder: broken(folder, lambda text: text.replace("2\t3\n", "")), "line 1 of pairs.txt"),
        (lambda folder: broken(folder, lambda text: text + "Person_A\t1\t2\n"), "announces 12 pairs and has 13"),
        (lambda folder: broken(folder, lambda text: text.replace("Person_A\t1\t2", "Person_A\tx\t2")), "line 2 of"),
        (lambda folder: broken(folder, lambda text: text.replace("Person_A\t1\t2", "Person_A")), "line 2 of"),
        (lambda folder: broken(folder, lambda text: ""), "line 1 of pairs.txt"),
    ],
)
def test_a_wrong_layout_is_shown_with_the_expected_tree(make, mismatch, tmp_path, capsys):
    assert run.main(["run", "lfw", "--data", str(make(tmp_path))]) == 2
    message = capsys.readouterr().err
    assert mismatch in message
    assert "Aaron_Peirsol_0001.jpg" in message
    assert "Traceback" not in message


def test_a_table_without_its_columns_is_refused(tmp_path):
    data = parquet_layout(tmp_path)
    parquet.write_table(pyarrow.table({"picture": ["x"]}), data / "lfw_images.parquet")
    with pytest.raises(LayoutError, match="name, image"):
        lfw.Lfw(data).items()
    (data / "lfw_pairs_folds1-2.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(LayoutError, match="fold,a,b,same"):
        lfw.Lfw(data).items()
    (data / "lfw_pairs_folds1-2.csv").write_text("fold,a,b,same\n1,a_0001,b_0001,perhaps\n", encoding="utf-8")
    with pytest.raises(LayoutError, match="'perhaps'"):
        lfw.Lfw(data).items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "lwf"], "There is no benchmark 'lwf'. The nearest name is lfw."),
        (["run", "lfw"], "The benchmark lfw needs data. Name their folder with --data."),
        (["run", "lfw", "--data", ".", "--backend", "dlip"], "no backend 'dlip'. Use one of dlib, faceagent, yunet"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(arguments, message, capsys):
    assert run.main(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_list_shows_backends_and_layouts(capsys):
    assert run.main(["list"]) == 0
    out = capsys.readouterr().out
    assert "lfw: " in out
    assert "backends: dlib, faceagent, yunet" in out
    assert "pairs.txt" in out


def test_a_result_that_cannot_be_written_is_reported(tmp_path, capsys):
    data = original_layout(tmp_path)
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    assert run.main(["run", "lfw", "--data", str(data), "--out", str(tmp_path / "taken")]) == 2
    assert "could not be written" in capsys.readouterr().err
