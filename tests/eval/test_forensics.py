"""The forensics benchmark on miniatures of its three layouts, with an ensemble that goes by brightness."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pyarrow
import pytest
from forgery_fakes import picture, put, use
from pyarrow import parquet

from faceagent.errors import WeightsMissing
from faceagent_eval import benchmarks, forensic_sets, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks.forensics import Forensics
from faceagent_eval.forensic_figures import ALL, UNFITTED
from faceagent_eval.forensic_look import Looker
from faceagent_finetune.nets.forensic.crops import SOURCES


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    use(monkeypatch)


def folders(folder: Path) -> Path:
    """Log odds of -4, -3, 3 and 1, none, -4 of a face that is too small; and of 4, 2, -1 and -5."""
    for name, level in {"a": 88, "b": 98, "c": 158, "deep/d": 138, "e": 0}.items():
        put(folder / "Real" / f"{name}.png", level)
    put(folder / "Real" / "f.png", 88, side=20)
    for name, level in {"g": 168, "h": 148, "i": 118, "j": 78}.items():
        put(folder / "swapper" / f"{name}.png", level)
    (folder / "swapper" / "notes.txt").write_text("no photo", encoding="utf-8")
    return folder


def test_figures_by_hand(tmp_path, capsys):
    data, out = folders(tmp_path / "photos"), tmp_path / "results"
    assert run.main(["run", "forensics", "--data", str(data), "--out", str(out)]) == 0
    result = json.loads((out / "forensics-faceagent.json").read_text(encoding="utf-8"))
    figures = {figure["name"]: figure for figure in result["figures"]}
    expected = {
        "authentic with a face found": 5 / 6,
        "forged with a face found": 1.0,
        "AUC": 12 / 20,
        "false alarms": 1 / 5,
        "cleared": 2 / 5,
        "authentic left inconclusive": 1 / 5,
        "authentic abstained from": 1 / 5,
        "found": 2 / 4,
        "missed": 1 / 4,
        "forged left inconclusive": 1 / 4,
        "accuracy where decided": 4 / 6,
        "AUC of network alone": 12 / 20,
        "AUC of swap alone": 8 / 20,
        "AUC of synthesis alone": 1 / 2,
    }
    for name, value in expected.items():
        for row in ("photos swapper", ALL):
            assert figures[f"{row}: {name}"]["value"] == pytest.approx(value), name
    interval = figures["all: AUC"]["interval"]
    assert interval["low"] <= 0.6 <= interval["high"]
    assert interval["low"] < interval["high"]
    assert f"{UNFITTED}: AUC" not in figures
    # Both kinds weigh one half: two of five authentic photos and two of four forgeries have the wrong sign.
    assert result["curves"]["coverage"]["lines"]["all"][-1] == [1.0, pytest.approx(2 / 5 / 2 + 2 / 4 / 2)]
    for curve in ("roc", "reliability", "coverage"):
        assert "<polyline" in (out / f"forensics-faceagent-{curve}.svg").read_text(encoding="utf-8")
    assert "AUC" in capsys.readouterr().out


def test_items_say_what_was_found_and_no_name(tmp_path):
    result = run.run(Forensics(folders(tmp_path / "photos")))
    rows = result.items
    assert len(rows) == 10
    assert [row.right for row in rows] == [True, True, False, True, None, True, True, True, False, False]
    assert (rows[0].score, rows[0].label, rows[4].score) == (pytest.approx(-4), False, None)
    assert len({row.group for row in rows}) == 10
    assert not [row for row in rows if "png" in row.model_dump_json()]


def test_files_that_are_no_photo_are_listed(tmp_path, capsys):
    data = folders(tmp_path / "photos")
    (data / "swapper" / "k.jpg").write_bytes(b"no picture")
    assert run.main(["run", "forensics", "--data", str(data)]) == 1
    assert "INCOMPLETE: 1 items could not be measured (swapper/k.jpg)" in capsys.readouterr().out


def test_a_limit_is_of_each_kind_and_evenly_spread(tmp_path):
    found = benchmarks.make("forensics", folders(tmp_path / "photos"), limit=2).items()
    assert [item.name for item in found] == ["Real/a.png", "Real/f.png", "swapper/g.png", "swapper/j.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["forensics", "--data", ".", "--limit", "0"], "The benchmark forensics needs a limit of at least 1"),
        (["vip", "--data", ".", "--limit", "5"], "The benchmark vip always measures all"),
    ],
)
def test_a_limit_that_is_not_heeded_is_refused(arguments, message, capsys):
    assert run.main(["run", *arguments]) == 2
    assert message in capsys.readouterr().err


def bench(folder: Path) -> Path:
    """Celeb-DF with two splits, FaceForensics++ with two compressions; frames of 40 to a video named by number."""
    celeb = {"real": {}, "fake": {}}
    for kind, level in (("real", 98), ("fake", 158)):
        for split, video in (("train", "id0"), ("test", "id1"), ("test", "id2")):
            frames = [f"Celeb\\{kind}\\{video}\\{number:03d}.png" for number in range(40)]
            for frame in frames:
                # One authentic video has one frame that looks forged; its mean does not.
                odd = kind == "real" and frame.endswith("id1\\000.png")
                put(folder / frame.replace("\\", "/"), 178 if odd else level)
            videos = celeb[kind].setdefault(split, {})
            videos[video] = {"label": f"CelebDFv2_{kind}", "frames": frames}
    write(folder / "Celeb-DF-v2.json", {"Celeb-DF-v2": {f"CelebDFv2_{kind}": part for kind, part in celeb.items()}})
    forensics = {}
    for label, level in (("FF-real", 98), ("FF-DF", 158)):
        forensics[label] = {"test": {}}
        for compression in ("c23", "c40"):
            put(folder / compression / label / "0.png", level)
            video = {"label": label, "frames": [f"./{compression}/{label}/0.png"]}
            forensics[label]["test"][compression] = {"000": video}
    write(folder / "FF-DF.json", {"FF-DF": forensics})
    return folder


def write(path: Path, found: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found), encoding="utf-8")


def test_frames_of_deepfakebench_come_of_the_test_split_and_each_compression_is_a_set(tmp_path):
    found = list(forensic_sets.deepfakebench(bench(tmp_path)))
    celeb = [item for item in found if item.set == "Celeb-DF-v2"]
    assert len(celeb) == 4 * forensic_sets.FRAMES
    assert {item.split for item in celeb} == {"test"}
    assert {item.generator for item in celeb} == {"", "CelebDFv2_fake"}
    assert len({item.group for item in celeb}) == 4
    assert {item.set for item in found} == {"Celeb-DF-v2", "FF-DF c23", "FF-DF c40"}
    assert all(item.frame and item.photo.is_file() for item in found)


def test_videos_are_ranked_by_the_mean_of_their_frames(tmp_path):
    result = run.run(Forensics(bench(tmp_path)))
    row = "Celeb-DF-v2 CelebDFv2_fake"
    assert result.figure(f"{row}: AUC").value == pytest.approx(63 / 64)
    assert result.figure(f"{row}: AUC of videos").value == 1.0
    assert result.figure(f"{row}: AUC of videos").n == 4
    assert result.figure("FF-DF c40 FF-DF: AUC").n == 2


def test_a_video_without_frames_is_missing_and_not_dropped(tmp_path):
    put(tmp_path / "0.png", 98)
    videos = {"000": {"label": "FF-real", "frames": ["0.png"]}, "001": {"label": "FF-real", "frames": []}}
    write(tmp_path / "some.json", {"some": {"FF-real": {"val": videos}}})
    result = run.run(Forensics(tmp_path))
    assert result.missing == ("001",)
    assert result.figure("some: false alarms").value == 0.0


def tables(folder: Path) -> dict[str, list[str]]:
    """Two groups of the val photos of three sets, one that the calibration was fitted on and one that it was not."""
    names = {"calibration": [], "val": []}
    for number in range(400):
        name = f"{number}.jpg"
        names["calibration" if zlib.crc32(f"dfdc_faces {name}".encode()) % 2 == 0 else "val"].append(name)
    rows = [
        {"label": label, "split": split, "group_original": group, "native_px": 0, **image(f"{label} {group}", level)}
        for label, level in (("REAL", 98), ("FAKE", 158))
        for split, group in (("val", names["val"][0]), ("val", names["calibration"][0]), ("train", names["val"][1]))
    ]
    save(folder, "dfdc_faces", rows)
    people = [f"Person_{letter}_{number:04d}" for letter in "ABCDEFGHIJKL" for number in (1, 2)]
    save(folder, "lfw_images", [{"name": name, **image(f"{name}.jpg", 158)} for name in people])
    save(folder, "vip_one_person", [{"relation": "r_efs_i", **image("id0.png", 158)}])
    return names


def image(path: str, level: int) -> dict[str, object]:
    return {"image": {"bytes": picture(level), "path": path}}


def save(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    path = folder / SOURCES[name].file
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def test_of_the_parquet_files_the_val_photos_are_taken_and_what_the_calibration_saw_is_told_apart(tmp_path):
    names = tables(tmp_path)
    found = list(forensic_sets.parquet(tmp_path))
    swaps = [item for item in found if item.set == "dfdc_faces"]
    assert [(item.generator, item.split, item.group) for item in swaps] == [
        (generator, split, f"dfdc_faces {names[split][0]}")
        for generator in ("", "swap")
        for split in ("val", "calibration")
    ]
    people = [item for item in found if item.set == "lfw_images"]
    assert 0 < len(people) < 24
    assert all(item.group in ("lfw_images Person_" + letter for letter in "ABCDEFGHIJKL") for item in people)
    result = run.run(Forensics(tmp_path))
    assert result.figure("dfdc_faces swap: AUC").n == 4
    assert result.figure("lfw_images: false alarms").value == 1.0
    assert result.figure("lfw_images: false alarms").interval is None  # drawing again could not vary it
    assert result.figure("vip_one_person synthesis against other sets: found").value == 1.0
    assert result.figure(f"{UNFITTED}: found").n < result.figure(f"{ALL}: found").n == 3


def only_forged(folder: Path) -> Path:
    put(folder / "swapper" / "a.png", 158)
    return folder


def of_json(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "some.json").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("make", "mismatch"),
    [
        (lambda folder: folder / "nowhere", "is not a folder"),
        (lambda folder: folder, "holds none of these"),
        (only_forged, "only forgeries are there, the first is swapper/a.png"),
        (lambda folder: of_json(folder, "{"), "some.json is no JSON"),
        (lambda folder: of_json(folder, '{"a": {"b": []}}'), "some.json: at a > b it is not"),
        (lambda folder: of_json(folder, '{"a": {"frames": []}}'), "some.json: at a it is not"),
    ],
)
def test_a_wrong_layout_is_shown_with_the_expected_tree(make, mismatch, tmp_path):
    with pytest.raises(LayoutError, match=r"stylegan_ffhq\.parquet") as caught:
        Forensics(make(tmp_path)).items()
    assert mismatch in str(caught.value)


def test_with_clip_its_weights_have_to_be_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEAGENT_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissing, match="models get clip-vit-b16"):
        Looker(clip=True)
