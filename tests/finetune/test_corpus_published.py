"""Sets in the layouts of their authors: each read, each missing file or column told."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyarrow.parquet")

from published_miniatures import MADE, affect_annotated, bench, celeb, fairface, fer, read, vip, wild
from published_sets import lines, photo, put

from faceagent.errors import InputError, MediaError, UsageError
from faceagent.media import Photo
from faceagent_finetune.__main__ import main
from faceagent_finetune.corpus.labelled import Label, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.plan import pool
from faceagent_finetune.corpus.report import records
from faceagent_finetune.corpus.sources import SOURCES, affectnet, lfw, utkface
from faceagent_finetune.corpus.sources.published import Rooted, contents, hashed_split
from faceagent_tools.emotion_words import WORDS


@pytest.mark.parametrize("name", MADE)
def test_each_set_is_read_with_a_photo_for_each_row_and_no_group_in_two_splits(name: str, tmp_path: Path) -> None:
    source, make = MADE[name]
    make(tmp_path / SOURCES[source].file)
    rows, _ = read(source, tmp_path)
    assert rows
    groups = {
        split: {row.label.group for row in rows.values() if row.label.split == split} for split in ("train", "val")
    }
    assert not groups["train"] & groups["val"]


@pytest.mark.parametrize("name", dict(MADE.values()))
def test_a_folder_without_the_set_is_told_with_what_was_expected_and_found(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        list(SOURCES[name].open(tmp_path).rows())
    put(tmp_path / SOURCES[name].file / "misc" / "holiday.txt", 1)
    with pytest.raises(UsageError, match=r"expected .*; found misc.*(Unpack|Name|Put)"):
        list(SOURCES[name].open(tmp_path).rows())


@pytest.mark.parametrize(
    ("name", "file", "column"),
    [
        ("fairface", "fairface_label_train.csv", "race"),
        ("celeba", "list_attr_celeba.txt", "Eyeglasses"),
        ("ferplus", "fer2013new.csv", "contempt"),
        ("ferplus", "fer2013.csv", "pixels"),
        ("affectnet", "Manually_Annotated_file_lists/training.csv", "expression"),
    ],
)
def test_a_missing_column_is_named(name: str, file: str, column: str, tmp_path: Path) -> None:
    source, make = MADE[name]
    root = tmp_path / SOURCES[source].file
    make(root)
    (root / file).write_text((root / file).read_text("utf-8").replace(column, "other", 1), "utf-8")
    with pytest.raises(InputError, match=rf"expected the columns .*{column}.*; found .*other"):
        list(SOURCES[source].open(tmp_path).rows())


@pytest.mark.parametrize(
    ("name", "file", "told"),
    [
        ("celeba", "identity_CelebA.txt", "expected .*identity_CelebA.txt"),
        ("celeba", "img_align_celeba", "expected .*img_align_celeba"),
        ("ferplus", "fer2013.csv", "expected fer2013.csv or FER2013Train"),
        ("affectnet", "Manually_Annotated_Images", "expected Manually_Annotated_Images"),
        ("lfw", "lfw", "expected lfw or"),
    ],
)
def test_a_missing_file_is_named(name: str, file: str, told: str, tmp_path: Path) -> None:
    source, make = MADE[name]
    root = tmp_path / SOURCES[source].file
    make(root)
    gone = root / file
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises(UsageError, match=told):
        list(SOURCES[source].open(tmp_path).rows())


def test_what_labels_say_is_read_off_them(tmp_path: Path) -> None:
    for source, make in (MADE[name] for name in ("fairface", "utkface", "affectnet", "celeba")):
        make(tmp_path / SOURCES[source].file)
    facts = read("fairface_published", tmp_path)[0]["val/1.jpg"].label
    assert facts == Label(
        {"age": "70+", "age band": "70+", "ethnicity": "East Asian", "gender": "male"}, "val", "val/1.jpg"
    )
    rows, left = read("utkface_published", tmp_path)
    assert rows["part1/25_0_2_20170116174525125.jpg"].label.facts["ethnicity"] == "East Asian or Southeast Asian"
    assert "gender" not in rows["part1/1_1_0_20161219140623097.jpg"].label.facts  # of a toddler
    assert [(row.name, row.fault) for row in left] == [("part1/61_1_20170109.jpg", True)]
    rows, left = read("affectnet", tmp_path)
    looks = {name.rpartition("/")[2]: (row.label.facts["expression"], row.label.split) for name, row in rows.items()}
    assert looks["0.jpg"] == ("happy", "train")
    assert looks["5.jpg"] == ("angry", "val")
    assert {row.reason for row in left} == {"its label is: no face"}
    rows, left = read("celeba_published", tmp_path)
    assert {row.label.group for row in rows.values()} == {"2880", "2881", "2883"}
    assert [row.reason for row in left] == ["it is of the set's test split"]


def test_an_annotation_of_affectnet_is_its_expression(tmp_path: Path) -> None:
    affect_annotated(tmp_path / "affectnet")
    np.save(tmp_path / "affectnet" / "train_set" / "annotations" / "8_exp.npy", np.array({}), allow_pickle=True)
    rows, left = read("affectnet", tmp_path)
    said = {name: row.label.facts["expression"] for name, row in rows.items()}
    assert said == {"train_set/images/0.jpg": "happy", "val_set/images/0.jpg": "angry"}
    assert [row.name for row in left if row.fault] == ["train_set/images/8.jpg", "val_set/images/1.jpg"]


def test_files_of_celeba_that_are_not_of_the_same_images_are_no_set(tmp_path: Path) -> None:
    root = tmp_path / "celeba"
    celeb(root)
    lines(root / "identity_CelebA.txt", ["000002.jpg 1", "000001.jpg 2", "000003.jpg 3", "000004.jpg 4"])
    with pytest.raises(InputError, match=r"a line each of the same images; found '000001.jpg"):
        list(SOURCES["celeba_published"].open(tmp_path).rows())


def test_fer_is_read_from_its_csv_and_from_the_pngs_made_of_it_alike(tmp_path: Path) -> None:
    root = tmp_path / "ferplus"
    fer(root)
    found = SOURCES["ferplus_published"].open(tmp_path)
    rows = {row.name: row for row in found.rows() if isinstance(row, Row)}
    assert rows["FER2013Train/a.png"].label.facts == {"colour": "no", "expression": "happy"}
    assert rows["FER2013Valid/b.png"].label.facts["expression doubt"] == "neutral or sad"
    pixels = {name: Photo.open(found.photo(row)[0]).pixels for name, row in rows.items()}
    wanted = Photo.open(photo(1, side=48)).pixels[:, :, 0]
    assert np.array_equal(pixels["FER2013Valid/b.png"][:, :, 0], wanted)
    (root / "fer2013.csv").unlink()
    for name, row in rows.items():
        put(root / name, 0)
        assert found.photo(row)[0] == (root / name).read_bytes()
    left = {row.reason for row in found.rows() if isinstance(row, LeftOut)}
    assert left == {"FER+ took it out", "it is of the set's test split"}


def test_a_line_of_fer_that_is_cut_off_is_a_broken_photo(tmp_path: Path) -> None:
    fer(tmp_path / "ferplus")
    file = tmp_path / "ferplus" / "fer2013.csv"
    file.write_text(file.read_text("utf-8").replace(" ", "", 40), "utf-8")
    found = SOURCES["ferplus_published"].open(tmp_path)
    with pytest.raises(MediaError, match="48 x 48"):
        found.photo(next(row for row in found.rows() if isinstance(row, Row)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ten\n", "line 1 of pairs.txt: expected"),
        ("1 1\nPerson_A 1\n", "line 2 of pairs.txt: expected"),
        ("1 1\nPerson_A one 2\n", "line 2 of pairs.txt: expected"),
    ],
)
def test_a_wrong_line_of_pairs_is_named(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match=told):
        list(lfw.read_pairs(file))


def test_pairs_show_one_person_or_two_on_one_side_of_the_split(tmp_path: Path) -> None:
    wild(tmp_path / "lfw")
    rows = [row for row in SOURCES["lfw_published"].open(tmp_path).rows() if isinstance(row, Row)]
    for one, other in zip(rows[::2], rows[1::2], strict=True):
        assert one.unit == other.unit
        assert one.label.split == other.label.split
        assert (one.label.facts["same"] == "yes") == (one.label.group == other.label.group)


def test_answers_of_vipbench_are_held_against_the_folder(tmp_path: Path) -> None:
    vip(tmp_path / "vipbench")
    rows, left = read("vipbench", tmp_path)
    said = {name.split("/")[2]: row.label.facts["authenticity"] for name, row in rows.items()}
    assert said == {"r_r_i": "authentic", "r_fs_i": "manipulated", "r_efs_i": "synthetic"}
    assert [row.reason for row in left] == ["its answer concludes 'yes', but it lies in r_r_d_i"]
    assert all(row.label.split == hashed_split(row.label.group) for row in rows.values())


def test_deepfakebench_keeps_its_splits_where_they_share_no_video_and_never_uses_test(tmp_path: Path) -> None:
    bench(tmp_path / "deepfakebench")
    rows, left = read("deepfakebench", tmp_path)
    assert {row.label.facts["authenticity"] for row in rows.values()} == {"authentic", "manipulated"}
    assert {row.label.group for row in rows.values() if row.label.split == "val"} == {"FaceForensics++/010"}
    assert not any("020" in row.label.group for row in rows.values())
    assert not left


def test_deepfakebench_splits_by_people_where_its_splits_are_one(tmp_path: Path) -> None:
    root = tmp_path / "deepfakebench"
    people = [f"id{n}" for n in range(40)]
    frames = {"frames": ["a.png"]}
    real = {f"{one}_0000": {"label": "CelebDFv2_real", **frames} for one in people}
    fake = {f"{one}_{two}_0000": {"label": "CelebDFv2_fake", **frames} for one, two in pairwise(people)}
    sets = {
        "Celeb-DF-v2": {"CelebDFv2_real": {"train": real, "val": real, "test": {}}, "CelebDFv2_fake": {"train": fake}}
    }
    put(root / "a.png", 1)
    (root / "Celeb-DF-v2.json").write_text(json.dumps(sets), "utf-8")
    found = list(SOURCES["deepfakebench"].open(tmp_path).rows())
    split = {f"Celeb-DF/{one}": hashed_split(f"Celeb-DF/{one}") for one in people}
    assert set(split.values()) == {"train", "val"}
    assert all(row.label.split == split[row.label.group] for row in found if isinstance(row, Row))
    assert {row.reason for row in found if isinstance(row, LeftOut)} == {"what it was made of is in different splits"}


def listed(root: Path, sets: dict[str, dict[str, list[str]]]) -> list[Row | LeftOut]:
    """Rows of sets of {label: names of videos}, all of them in train and val."""
    for name, labels in sets.items():
        videos = {
            label: {each: {"label": label, "frames": [f"{name}/{each}.png"]} for each in names}
            for label, names in labels.items()
        }
        found = {label: {"train": each, "val": each, "test": {}} for label, each in videos.items()}
        lines(root / f"{name}.json", [json.dumps({name: found})])
    return list(SOURCES["deepfakebench"].open(root.parent).rows())


ACTORS = [f"{n:02d}" for n in range(1, 29)]


@pytest.mark.parametrize(
    ("sets", "people"),
    [
        (
            {
                "DeepFakeDetection": {
                    "DFD_real": [f"{one}__{place}" for one in ACTORS for place in ("exit_phone_room", "hugging_happy")],
                    "DFD_fake": [f"{one}_{two}__exit_phone_room__YVGY8LOK" for one, two in pairwise(ACTORS)],
                }
            },
            r"^(\d\d)_(?:(\d\d)_)?_",
        ),
        (
            {
                "UADFV": {
                    "UADFV_Real": [f"{n:04d}" for n in range(40)],
                    "UADFV_Fake": [f"{n:04d}_fake" for n in range(40)],
                }
            },
            r"(\d{4})",
        ),
        (
            {
                "Celeb-DF-v1": {"CelebDFv1_real": [f"id{n}_0000" for n in range(40)]},
                "Celeb-DF-v2": {"CelebDFv2_fake": [f"id{n}_id{n + 1}_0000" for n in range(40)]},
            },
            r"id(\d+)_(?:id(\d+)_)?",
        ),
        (
            {
                "DFDCP": {
                    "DFDCP_Real": [f"{n}_A_00{clip}" for n in range(1224000, 1224040) for clip in range(3)],
                    "DFDCP_FakeA": [f"{n}_{n + 1}_A_001" for n in range(1224000, 1224040)],
                }
            },
            r"(\d{7})_(?:(\d{7})_)?",
        ),
    ],
    ids=["DeepFakeDetection", "UADFV", "Celeb-DF", "DFDCP"],
)
def test_nobody_in_deepfakebench_is_on_both_sides(
    sets: dict[str, dict[str, list[str]]], people: str, tmp_path: Path
) -> None:
    rows = [row for row in listed(tmp_path / "deepfakebench", sets) if isinstance(row, Row)]
    sides: dict[str, set[str]] = {}
    groups: dict[str, set[str]] = {}
    for row in rows:
        shown = re.search(people, row.name.rpartition("/")[2])
        assert shown
        for person in filter(None, shown.groups()):
            sides.setdefault(person, set()).add(row.label.split)
        groups.setdefault(shown[1], set()).add(row.label.group)
    assert {row.label.facts["authenticity"] for row in rows} == {"authentic", "manipulated"}
    assert set.union(*sides.values()) == {"train", "val"}
    assert all(len(each) == 1 for each in (*sides.values(), *groups.values()))


@pytest.mark.parametrize("name", ["DeepFakeDetection", "UADFV"])
def test_a_set_of_deepfakebench_that_is_all_test_is_not_used(name: str, tmp_path: Path) -> None:
    videos = {"01__kitchen": {"label": "a_real", "frames": ["a.png"]}}
    found = {name: {"a_real": dict.fromkeys(("train", "val", "test"), videos)}}
    lines(tmp_path / "deepfakebench" / "a.json", [json.dumps(found)])
    (row,) = SOURCES["deepfakebench"].open(tmp_path).rows()
    assert isinstance(row, LeftOut)
    assert row.reason == "it is of the set's test split too"


def test_dfdc_in_deepfakebench_which_does_not_say_what_was_forged_is_left_out(tmp_path: Path) -> None:
    sets = {"DFDC": {"DFDC_Real": ["aaabbbcccd"], "DFDC_Fake": ["ddcccbbbaa"]}}
    rows = listed(tmp_path / "deepfakebench", sets)
    assert [row.reason for row in rows if isinstance(row, LeftOut)] == ["the set does not say what it was made of"] * 2


def test_a_frame_that_several_files_of_deepfakebench_list_comes_once(tmp_path: Path) -> None:
    root = tmp_path / "deepfakebench"
    bench(root)
    again = json.loads((root / "FF-DF.json").read_text("utf-8"))["FF-DF"]
    before = list(read("deepfakebench", tmp_path)[0])
    lines(root / "FF-F2F.json", [json.dumps({"FF-F2F": {"FF-real": again["FF-real"]}})])
    names = [row.name for row in SOURCES["deepfakebench"].open(tmp_path).rows() if isinstance(row, Row)]
    assert names == before


def test_a_json_in_another_layout_is_told(tmp_path: Path) -> None:
    lines(tmp_path / "deepfakebench" / "x.json", ['{"set": ["a"]}'])
    with pytest.raises(InputError, match=r"expected \{set: \{label"):
        list(SOURCES["deepfakebench"].open(tmp_path).rows())


RECIPE = """
seed = 3
shard = 100
[sets]
fairface_published = 50
deepfakebench = 50
lfw_published = 50
[places]
lfw_published = "pairs/here"
[duplicates]
bits = 0
[kinds]
description = 1.0
forgery = 1.0
comparison = 1.0
"""


def test_a_corpus_is_made_of_them_and_a_missing_photo_is_named(tmp_path: Path, capsys: Any) -> None:
    fairface(tmp_path / "fairface")
    bench(tmp_path / "deepfakebench")
    wild(tmp_path / "pairs" / "here")
    (tmp_path / "fairface" / "train" / "2.jpg").unlink()
    (tmp_path / "recipe.toml").write_text(RECIPE, "utf-8")
    out = tmp_path / "out"
    assert main(["corpus", str(tmp_path / "recipe.toml"), "--data", str(tmp_path), "--out", str(out)]) == 1
    assert "fairface_published: 1 photos are broken" in capsys.readouterr().err
    left = json.loads((out / "report.json").read_text("utf-8"))["left_out"]["fairface_published"]
    assert "cannot be read (No such file or directory)" in left["broken_named"][0]
    kinds = {(record["set"], record["kind"]) for record in records(out)}
    assert {("fairface_published", "description"), ("lfw_published", "comparison")} <= kinds
    assert "| pairs/here |" in (out / "README.md").read_text("utf-8")


def test_frames_that_are_not_unpacked_end_the_run_before_it_takes_them_for_done(tmp_path: Path, capsys: Any) -> None:
    root = tmp_path / "deepfakebench"
    bench(root)
    lines(tmp_path / "recipe.toml", [line for line in RECIPE.splitlines() if "published" not in line])
    away = {folder: folder.rename(root / f"{folder.name} packed") for folder in (root / "FF-real", root / "FF-DF")}
    command = ["corpus", str(tmp_path / "recipe.toml"), "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "deepfakebench: none of the 8 photos of val/deepfakebench-00000 opens, such as " in told
    assert not list(tmp_path.glob("out/*/*/shard.json"))
    for folder, packed in away.items():
        packed.rename(folder)
    assert main(command) == 0
    assert {record["kind"] for record in records(tmp_path / "out")} == {"forgery"}


def test_of_a_set_without_end_a_sample_by_hash_is_kept_in_its_order() -> None:
    rows = [Row(place, f"{place}", Label({}, "train", f"{place}"), f"pair {place // 2}") for place in range(2000)]
    kept = pool(iter(rows), 100)
    places = [row.place for row in kept]
    assert len(places) == 100
    assert places == sorted(places)
    assert max(places) > 1500 > 500 > min(places)
    assert sum(place ^ 1 in places for place in places) >= 98  # units are kept or left together
    assert pool(iter(rows), 5000) == rows


def test_names_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    put(tmp_path / "secret.jpg", 1)
    (tmp_path / "set").mkdir()
    with pytest.raises(MediaError, match="outside"):
        contents(tmp_path / "set", "../secret.jpg")
    assert Rooted(tmp_path / "set").name("/etc/../../secret.jpg") == "etc/secret.jpg"


@given(st.text(max_size=40))
def test_any_name_of_utkface_is_a_label_or_a_reason(name: str) -> None:
    try:
        label = utkface.named(name)
    except LabelMissing:
        return
    assert label.split in ("train", "val")
    assert label.facts["age"]


@given(st.integers(0, 120), st.integers(0, 1), st.integers(0, 4), st.text("0123456789.jpg", max_size=20))
def test_a_name_of_utkface_in_the_published_form_is_a_label(age: int, gender: int, race: int, rest: str) -> None:
    facts = utkface.named(f"{age}_{gender}_{race}_{rest}").facts
    assert facts.get("gender", ("male", "female")[gender]) == ("male", "female")[gender]


@given(st.text(max_size=12))
def test_any_word_for_an_expression_is_one_of_eight_or_a_reason(said: str) -> None:
    try:
        assert affectnet.label("a", said, "train").facts["expression"] in WORDS.values()
    except LabelMissing as missing:
        assert str(missing)


def test_votes_that_are_no_numbers_are_a_fault(tmp_path: Path) -> None:
    fer(tmp_path / "ferplus")
    file = tmp_path / "ferplus" / "fer2013new.csv"
    file.write_text(file.read_text("utf-8").replace("a.png,0,9", "a.png,0,many"), "utf-8")
    left = [row for row in SOURCES["ferplus_published"].open(tmp_path).rows() if isinstance(row, LeftOut)]
    assert [row.fault for row in left if row.name == "FER2013Train/a.png"] == [True]
