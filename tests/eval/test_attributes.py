"""FairFace, UTKFace, CelebA and IMDB-Clean as miniatures in their published layouts, made of one real portrait."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES
from published_sets import film, lines

from faceagent.media import Photo
from faceagent_eval import benchmarks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_tools.detection import FaceDetector
from faceagent_tools.multitask import ATTRIBUTES, FaceReader, Reading

PORTRAIT = EXAMPLES / "portrait.jpg"


@pytest.fixture(scope="module")
def face():
    return FaceDetector("faceagent").detect(Photo.open(PORTRAIT), "image 1")[0]


@pytest.fixture(scope="module")
def reading(face) -> Reading:
    return FaceReader().read_photo(Photo.open(PORTRAIT), face)


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PORTRAIT.read_bytes())


@pytest.fixture
def data(tmp_path, face, reading) -> Path:
    """The portrait under labels that are what is read of it, and under others."""
    gender = "Male" if reading.male > 0.5 else "Female"
    other = {"Male": "Female", "Female": "Male"}[gender]
    head = "file,age,gender,race,service_test"
    rows = [f"val/1.jpg,more than 70,{gender},Black,True", f"val/2.jpg,0-2,{other},White,False"]
    lines(tmp_path / "fairface" / "fairface_label_val.csv", [head, *rows])
    for n in (1, 2):
        put(tmp_path / "fairface" / "val" / f"{n}.jpg")
    put(tmp_path / "UTKFace" / "part1" / f"{round(reading.age) + 7}_0_0_20170116174525125.jpg")
    put(tmp_path / "UTKFace" / "part1" / "61_1_20170109.jpg")
    so = [value > 0.5 for value in reading.attributes]
    marks = " ".join("1" if value else "-1" for value in so)
    unlike = " ".join("-1" if value else "1" for value in so)
    names = " ".join(ATTRIBUTES)
    photos = [f"000001.jpg {marks}", f"000002.jpg  {unlike}", f"000003.jpg {unlike}"]
    lines(tmp_path / "celeba" / "list_attr_celeba.txt", ["3", names, *photos])
    lines(tmp_path / "celeba" / "list_eval_partition.txt", ["000001.jpg 2", "000002.jpg 2", "000003.jpg 0"])
    for n in (1, 2):
        put(tmp_path / "celeba" / "img_align_celeba" / f"00000{n}.jpg")
    box = f"{face.box.x0},{face.box.y0},{face.box.x1},{face.box.y1}"
    clean = ["filename,age,gender,x_min,y_min,x_max,y_max", f"00/nm1.jpg,{reading.age - 2},F,{box}"]
    lines(tmp_path / "imdb-clean" / "csvs" / "imdb_test_new_1024.csv", clean)
    put(tmp_path / "imdb-clean" / "data" / "imdb-clean-1024" / "00" / "nm1.jpg")
    return tmp_path


def test_each_set_is_scored_by_what_it_says(data, reading):
    result = run.run(benchmarks.make("attributes", data, "faceagent"))
    assert result.complete
    assert result.figure("FairFace: face found").n == 2
    assert result.figure("FairFace: accuracy of gender").value == 0.5
    assert result.figure("FairFace: accuracy of age group").value == 0.0
    assert result.figure("FairFace: accuracy of gender by race, Black").value == 1.0
    assert result.figure("UTKFace: MAE of age").value == pytest.approx(round(reading.age) + 7 - reading.age, abs=1e-6)
    assert result.figure("CelebA: mean accuracy of 40 attributes").value == 0.5
    assert result.figure("CelebA: balanced accuracy of Smiling").n == 2
    assert result.figure("IMDB-Clean: MAE of age").value == pytest.approx(2)
    assert any("1 photos are left out because their names lack a label" in note for note in result.notes)
    measured = {row.of for row in result.items}
    assert "FairFace: error of age" not in measured
    assert "CelebA: accuracy of attributes" in measured
    assert {row.score for row in result.items if row.of == "CelebA: accuracy of attributes"} == {0.0, 1.0}


def test_casual_conversations_is_told_by_skin_type_age_gender_and_light(tmp_path, reading):
    root = tmp_path / "CasualConversations"
    own = "Male" if reading.male > 0.5 else "Female"
    files = [f"CasualConversationsA/1/1_0{n}.MP4" for n in range(3)]
    told = {
        "1": {"label": {"age": "31", "gender": own, "skin-type": "5"}, "files": files, "dark_files": files[1:2]},
        "2": {"label": {"age": "N/A", "gender": "Other", "skin-type": "1"}, "files": ["a.MP4"], "dark_files": []},
    }
    (root / "CC_annotations").mkdir(parents=True)
    path = root / "CC_annotations" / "CasualConversations.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    pixels = Photo.open(PORTRAIT).pixels
    film(root / files[0], [pixels] * 31)
    film(root / files[1], [np.zeros_like(pixels)] * 31)
    film(root / files[2], [pixels] * 5)
    result = run.run(benchmarks.make("attributes", tmp_path, "faceagent"))
    name = "Casual Conversations"
    assert set(result.missing) == {f"CasualConversations/{files[2]}", "CasualConversations/a.MP4"}
    assert result.figure(f"{name}: face found by light, dark").value == 0.0
    assert result.figure(f"{name}: face found by skin type, 5").n == 2
    assert result.figure(f"{name}: accuracy of gender").value == 1.0
    assert result.figure(f"{name}: accuracy of gender by age, 31-45").n == 1
    assert not [row for row in result.items if row.of.endswith("ethnicity")]
    path.write_text(json.dumps({"1": {"files": []}}), encoding="utf-8")
    with pytest.raises(LayoutError, match="somebody without label and files"):
        run.run(benchmarks.make("attributes", tmp_path))


def test_a_photo_that_is_missing_is_counted_and_named(data, capsys):
    (data / "fairface" / "val" / "2.jpg").unlink()
    (data / "celeba" / "img_align_celeba" / "000002.jpg").write_bytes(b"no photo")
    assert run.main(["run", "attributes", "--data", str(data), "--backend", "faceagent"]) == 1
    said = capsys.readouterr().out
    assert "INCOMPLETE: 2 items" in said
    assert "fairface/val/2.jpg" in said and "celeba/img_align_celeba/000002.jpg" in said


def changed(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "mismatch"),
    [
        ("fairface/fairface_label_val.csv", "race", "group", "expected the columns file, age, gender, race"),
        ("fairface/fairface_label_val.csv", "0-2", "0 to 2", "has '0 to 2', "),
        ("celeba/list_attr_celeba.txt", "Smiling", "Laughing", "line 2 of list_attr_celeba"),
        ("celeba/list_attr_celeba.txt", "000002.jpg  ", "000002.jpg 1 ", "line 4 of list_attr_celeba"),
        ("celeba/list_eval_partition.txt", "000001.jpg 2", "000001.jpg", "is not a photo and a part"),
        ("imdb-clean/csvs/imdb_test_new_1024.csv", ",F,", ",woman,", "no age, gender"),
    ],
)
def test_a_wrong_list_shows_the_tree_and_the_first_mismatch(data, file, old, new, mismatch):
    changed(data / file, old, new)
    with pytest.raises(LayoutError, match=rf"(?s){mismatch}.*fairface_label_val\.csv"):
        run.run(benchmarks.make("attributes", data, "faceagent"))


def test_a_folder_without_any_of_the_sets_is_refused(tmp_path):
    (tmp_path / "something").mkdir()
    with pytest.raises(LayoutError, match="holds none of these; it holds something"):
        run.run(benchmarks.make("attributes", tmp_path))
    (tmp_path / "celeba").mkdir()
    with pytest.raises(LayoutError, match="there is no celeba/list_eval_partition"):
        run.run(benchmarks.make("attributes", tmp_path))
