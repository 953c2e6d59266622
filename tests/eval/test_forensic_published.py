"""Sets in the layouts of their authors, as miniatures: of which photos they consist, and what is said of people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from forgery_fakes import picture, use
from published_sets import lines, put

from faceagent_eval import fairness, forensic_published, forensic_sets, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks.forensics import Forensics

AI_FACE = "Image Path,Gender,Age,Skin Tone,Intersection,Target"


def ai_face(folder: Path) -> Path:
    rows = [
        ("Real/FFHQ/0.png", "0,1,3,0,0"),
        ("Real/imdb_wiki/00/1.png", "1,5,8,5,0"),
        ("GANs/AttGAN/2.png", "1,9,x,,1"),
        ("deepfakes/dfdc/vid/3.png", "0,0,10,2,1"),
    ]
    for number, (path, _) in enumerate(rows):
        put(folder / path, number)
    lines(folder / "test.csv", [AI_FACE, *(f"/somewhere/AI-Face/{path},{codes}" for path, codes in rows)])
    return folder


def deepfake_eval(folder: Path) -> Path:
    rows = ["a.jpg,Real,Test", "b.png,Fake,Test", "c.jpg,Unknown,Test", "d.jpg,Fake,Train", "gone.jpg,Fake,Test"]
    for number, name in enumerate(["a.jpg", "b.png", "c.jpg", "d.jpg"]):
        put(folder / "image-data" / name, number)
    lines(folder / "image-metadata-publish.csv", ["Filename,Ground Truth,Finetuning Set", *rows])
    return folder


def multifakeverse(folder: Path) -> Path:
    places = (
        "real_data/PISC_Dataset/image/02.jpg",
        "real_data/PISC_Dataset/image/03.jpg",
        "real_data/emotic/04.jpg",
        "gemini_images/gemini-2.0-flash_PISC/02_1.jpg",
        "gemini_images/gemini-2.0-flash_PISC/03_1.jpg",
        "icedit_images/chatgpt-4o-latest_PISC/02_4.jpg",
        "gpt_images/gemini-2.0-flash_emotic/04_0.jpg",
    )
    for number, place in enumerate(places):
        put(folder / place, number)
    splits = {"train": {"PISC": ["03.jpg"]}, "val": {}, "test": {"PISC": ["02.jpg"], "emotic": ["04.jpg"]}}
    lines(folder / "splits.json", [json.dumps(splits)])
    return folder


def in_folders(folder: Path, *parts: str) -> Path:
    for number, part in enumerate(parts):
        put(folder / part / "00" / f"{number}.jpg", number)
    return folder


def kinds(folder: Path) -> dict[str, tuple[str, str]]:
    """Set and generator of each photo, by name."""
    return {item.name: (item.set, item.generator) for item in forensic_sets.items(folder)}


def test_ai_face_says_what_made_a_photo_and_whom_it_shows(tmp_path):
    found = {item.name: item for item in forensic_sets.items(ai_face(tmp_path))}
    assert [(name, item.generator) for name, item in found.items()] == [
        ("Real/FFHQ/0.png", ""),
        ("Real/imdb_wiki/00/1.png", ""),
        ("GANs/AttGAN/2.png", "AttGAN"),
        ("deepfakes/dfdc/vid/3.png", "dfdc"),
    ]
    assert all(item.photo.is_file() for item in found.values())
    assert dict(found["Real/imdb_wiki/00/1.png"].people) == {
        "gender": "male",
        "age": "senior",
        "gender and skin tone": "male, dark",
        "skin tone (Monk)": "08",
    }
    assert dict(found["GANs/AttGAN/2.png"].people) == {"gender": "male"}


def test_of_deepfake_eval_the_test_part_of_known_truth(tmp_path):
    assert kinds(deepfake_eval(tmp_path)) == {
        "a.jpg": ("Deepfake-Eval-2024", ""),
        "b.png": ("Deepfake-Eval-2024", "circulated"),
        "gone.jpg": ("Deepfake-Eval-2024", "circulated"),
    }


def test_an_edit_of_multifakeverse_is_in_the_split_of_its_photo(tmp_path):
    found = {item.name: item for item in forensic_sets.items(multifakeverse(tmp_path))}
    assert {name: item.generator for name, item in found.items()} == {
        "real_data/PISC_Dataset/image/02.jpg": "",
        "real_data/emotic/04.jpg": "",
        "gemini_images/gemini-2.0-flash_PISC/02_1.jpg": "gemini, asked by gemini-2.0-flash",
        "icedit_images/chatgpt-4o-latest_PISC/02_4.jpg": "icedit, asked by chatgpt-4o-latest",
        "gpt_images/gemini-2.0-flash_emotic/04_0.jpg": "gpt, asked by gemini-2.0-flash",
    }
    assert found["real_data/emotic/04.jpg"].group == found["gpt_images/gemini-2.0-flash_emotic/04_0.jpg"].group


@pytest.mark.parametrize(
    ("name", "real", "forged"),
    [("DFF", "wiki", ("inpainting", "text2img")), ("GPT4MF", "Real_512Size", ("LD_raw_512Size",))],
)
def test_the_authentic_folder_of_a_set_in_folders(name, real, forged, tmp_path):
    found = kinds(in_folders(tmp_path, real, *forged, "something else"))
    assert {place.split("/")[0]: kind for place, kind in found.items()} == {
        real: (name, ""),
        **{part: (name, part) for part in forged},
    }


def test_in_other_folders_wiki_is_a_generator(tmp_path):
    assert kinds(in_folders(tmp_path, "real", "wiki"))["wiki/00/1.jpg"][1] == "wiki"


def test_false_alarms_by_group_of_people(tmp_path, monkeypatch):
    """Ten people, of whom the men's authentic photos all look forged to the ensemble, which goes by brightness."""
    use(monkeypatch)
    monkeypatch.setattr(fairness, "FEWEST", 5)
    rows = []
    for number in range(12):
        path, level = f"Real/FFHQ/{number}.png", 178 if number % 2 else 78
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(picture(level))
        rows.append(f"{path},{number % 2},1,3,,0")
    (tmp_path / "GANs" / "AttGAN").mkdir(parents=True)
    (tmp_path / "GANs" / "AttGAN" / "a.png").write_bytes(picture(178))
    lines(tmp_path / "test.csv", [AI_FACE, *rows, "GANs/AttGAN/a.png,0,1,3,,1"])
    result = run.run(Forensics(tmp_path))
    assert result.figure("all: false alarms by gender, male").value == 1.0
    assert result.figure("all: false alarms by gender, female").value == 0.0
    assert result.figure("all: false alarms by gender: largest gap").value == 1.0
    assert result.figure("all: false alarms by gender: worst group").note == "male"
    assert "too few" in result.figure("all: found by gender, female").note


def test_a_photo_that_is_not_there_is_listed(tmp_path, monkeypatch):
    use(monkeypatch)
    result = run.run(Forensics(deepfake_eval(tmp_path)))
    assert result.missing == ("gone.jpg",)
    assert "1 photos of unknown truth are left out: lines 4 of image-metadata-publish.csv." in result.notes


def broken(folder: Path, name: str, *rows: str) -> Path:
    lines(folder / name, rows)
    return folder


@pytest.mark.parametrize(
    ("make", "mismatch"),
    [
        (lambda folder: broken(folder, "test.csv", "Image Path,Target", "a.png,0"), "expected the columns Image Path"),
        (lambda folder: broken(folder, "test.csv", AI_FACE, "a.png,0,1,3,0,x"), "line 2 of test.csv: `Target` is 'x'"),
        (lambda folder: broken(folder, "image-metadata-publish.csv", "Filename"), "Ground Truth"),
        (
            lambda folder: broken(
                folder, "image-metadata-publish.csv", "Filename,Ground Truth,Finetuning Set", "a.jpg,Faked,Test"
            ),
            "line 2 of image-metadata-publish.csv: `Ground Truth` is 'Faked'",
        ),
        (lambda folder: broken(multifakeverse(folder), "splits.json", "{"), "splits.json is no JSON"),
        (lambda folder: broken(multifakeverse(folder), "splits.json", '{"test": []}'), 'splits.json has no "test"'),
    ],
)
def test_a_wrong_layout_is_shown_with_the_expected_tree(make, mismatch, tmp_path):
    with pytest.raises(LayoutError, match="Deepfake-Eval-2024") as caught:
        Forensics(make(tmp_path)).items()
    assert mismatch in str(caught.value)


def video(name: str, label: str) -> dict[str, object]:
    return {"label": label, "frames": [f"{name}.png"]}


# As preprocessing/rearrange.py of SCLBD/DeepfakeBench writes them.
BENCH = {
    "DeepFakeDetection": {
        label: {split: {"c23": {f"{label}-1": video("a", label)}} for split in ("train", "test", "val")}
        for label in ("DFD_real", "DFD_fake")
    },
    "DeeperForensics-1.0": {
        label: {"train": {}, "val": {}, "test": {f"{label}-1": video("b", label)}} for label in ("DF_real", "DF_fake")
    },
    "UADFV": {label: {"test": {"0000": video("c", label)}} for label in ("UADFV_Real", "UADFV_Fake")},
    # A slip of rearrange.py: the last video stands in place of the val split.
    "DFDC": {
        label: {"train": {}, "val": video("x", label), "test": {"v": video("d", label)}}
        for label in ("DFDC_Real", "DFDC_Fake")
    },
    "DFDCP": {label: {"test": {"v": video("e", label)}} for label in ("DFDCP_Real", "DFDCP_FakeA", "DFDCP_FakeB")},
}


@pytest.mark.parametrize("name", BENCH)
def test_the_variants_of_deepfakebench(name, tmp_path):
    lines(tmp_path / f"{name}.json", [json.dumps({name: BENCH[name]})])
    found = list(forensic_sets.deepfakebench(tmp_path))
    assert {item.split for item in found} == {"test"}
    assert len(found) == len(BENCH[name])
    assert [item.generator for item in found if not item.forged] == [""]
    assert {item.generator for item in found if item.forged} == {
        label for label in BENCH[name] if not label.casefold().endswith("real")
    }
    assert forensic_published.items(tmp_path) == []
