"""FER+, RAF-DB, AffectNet, Aff-Wild2 and EmoNet-Face as miniatures in their published layouts, of a real portrait."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pyarrow
import pytest
from conftest import EXAMPLES
from PIL import Image
from published_sets import lines
from pyarrow import parquet

from faceagent.errors import UsageError
from faceagent.media import Photo
from faceagent_eval import agreement, benchmarks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks import expressions
from faceagent_eval.expression_sets import ABAW, EMONET, RAF
from faceagent_tools.detection import FaceDetector
from faceagent_tools.emotion_words import WORDS
from faceagent_tools.multitask import EMOTIONS, FaceReader

PORTRAIT = EXAMPLES / "portrait.jpg"
HEADER = ",".join(("Usage", "Image name", *WORDS, "unknown", "NF"))


@pytest.fixture(scope="module")
def look() -> str:
    """What the product reads of the portrait."""
    photo = Photo.open(PORTRAIT)
    face = FaceDetector("auto").detect(photo, "image 1")[0]
    return EMOTIONS[int(FaceReader().read_photo(photo, face).emotions.argmax())]


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PORTRAIT.read_bytes())


def votes(**cast: int) -> str:
    return ",".join(str(cast.get(name, 0)) for name in (*WORDS, "unknown", "NF"))


def fer(root: Path, look: str) -> None:
    other = next(name for name in EMOTIONS if name != look)
    rows = [
        f"Training,a.png,{votes(**{other: 10})}",
        f"PrivateTest,b.png,{votes(**{look: 5, other: 5})}",
        f"PrivateTest,c.png,{votes(**{other: 10})}",
        f"PrivateTest,d.png,{votes(unknown=6, **{look: 4})}",
        f"PrivateTest,,{votes(NF=10)}",
    ]
    lines(root / "FERPlus" / "fer2013new.csv", [HEADER, *rows])


def fer_pixels(root: Path) -> None:
    """The pixels of the face in grey, as FER2013 has them."""
    photo = Photo.open(PORTRAIT)
    box = FaceDetector("auto").detect(photo, "image 1")[0].box.scaled_about_centre(1.5)
    inside = box.clipped(photo.width, photo.height)
    crop = photo.pixels[int(inside.y0) : int(inside.y1), int(inside.x0) : int(inside.x1)]
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (48, 48), interpolation=cv2.INTER_AREA)
    row = f"0,{' '.join(map(str, grey.ravel()))},PrivateTest"
    lines(root / "FERPlus" / "fer2013.csv", ["emotion,pixels,Usage", *[row] * 5])


def test_ties_of_votes_count_for_any_of_the_leaders_and_what_is_no_expression_is_told(tmp_path, look):
    fer(tmp_path, look)
    for name in "bcd":
        put(tmp_path / "FERPlus" / "FER2013Test" / f"{name}.png")
    result = run.run(benchmarks.make("expressions", tmp_path))
    assert result.figure("FER+: face found").n == 2
    assert result.figure("FER+: accuracy").value == 0.5
    assert any("1 photos are left out" in note for note in result.notes)
    assert [row.right for row in result.items if row.of == "FER+: accuracy"] == [True, False]


def test_the_pixels_of_fer2013_are_read_in_place_of_pngs_and_hashed_once(tmp_path, look):
    fer(tmp_path, look)
    fer_pixels(tmp_path)
    benchmark = benchmarks.make("expressions", tmp_path)
    result = run.run(benchmark)
    assert result.figure("FER+: face found").value == 1.0
    hashed = list(benchmark.measured_data(benchmark.items()))
    assert [one for one in hashed if isinstance(one, Path)] == [tmp_path / "FERPlus" / "fer2013.csv"]


def test_damaged_pixels_are_a_photo_that_cannot_be_read(tmp_path, look):
    fer(tmp_path, look)
    fer_pixels(tmp_path)
    path = tmp_path / "FERPlus" / "fer2013.csv"
    rows = path.read_text(encoding="utf-8").splitlines()
    rows[2] = "0,1 2 3,PrivateTest"
    lines(path, rows)
    result = run.run(benchmarks.make("expressions", tmp_path))
    assert not result.complete and len(result.missing) == 1
    assert result.missing[0].startswith("FERPlus/fer2013.csv, ")
    lines(path, rows[:3])
    with pytest.raises(LayoutError, match="fewer lines than fer2013new"):
        run.run(benchmarks.make("expressions", tmp_path))


def test_raf_is_scored_by_group_and_among_its_own_seven(tmp_path, look):
    basic = tmp_path / "RAF-DB" / "basic"
    code = RAF.index(look) + 1
    lines(basic / "EmoLabel" / "list_patition_label.txt", ["train_00001.jpg 1", f"test_0001.jpg {code}"])
    put(basic / "Image" / "aligned" / "test_0001_aligned.jpg")
    points = ["1.0\t2.0"] * 5
    lines(basic / "Annotation" / "manual" / "test_0001_manu_attri.txt", [*points, "1", "2", "3"])
    result = run.run(benchmarks.make("expressions", tmp_path))
    assert result.figure("RAF-DB: accuracy").value == 1.0
    groups = {figure.name.rpartition(", ")[2] for figure in result.figures if " by " in figure.name}
    assert groups == {"female", "Asian", "40-69"}
    (basic / "EmoLabel" / "list_patition_label.txt").write_text("test_0001.jpg 8\n", encoding="utf-8")
    with pytest.raises(LayoutError, match=r"(?s)line 1 of list_patition_label.*RAF-DB/basic/"):
        run.run(benchmarks.make("expressions", tmp_path))


def affect_list(root: Path, code: int) -> None:
    head = "subDirectory_filePath,face_x,expression,valence,arousal"
    rows = [head, f"689/1.jpg,0,{code},0.5,-0.25", "689/2.jpg,0,10,-2,-2"]
    lines(root / "Manually_Annotated_file_lists" / "validation.csv", rows)
    put(root / "Manually_Annotated_Images" / "689" / "1.jpg")


def affect_arrays(root: Path, code: int) -> None:
    put(root / "val_set" / "images" / "7.jpg")
    (root / "val_set" / "annotations").mkdir()
    for part, value in (("exp", str(code)), ("val", "0.5"), ("aro", "-0.25")):
        np.save(root / "val_set" / "annotations" / f"7_{part}.npy", np.array(value))


def affect_folders(root: Path, code: int) -> None:
    put(root / "val" / str(code) / "1.jpg")
    put(root / "train" / "0" / "2.jpg")


@pytest.mark.parametrize("make", [affect_list, affect_arrays, affect_folders])
def test_affectnet_is_read_in_each_of_its_layouts(make, tmp_path, look):
    numbered = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
    make(tmp_path / "AffectNet", numbered.index(look))
    result = run.run(benchmarks.make("expressions", tmp_path))
    assert result.figure("AffectNet: accuracy").value == 1.0
    assert result.figure("AffectNet: accuracy").n == 1
    unread = any("not measured" in note for note in result.notes)
    assert unread == (make is not affect_folders)


def wild(root: Path, look: str) -> Path:
    notes = root / "Aff-Wild2" / "annotations"
    lines(notes / "VA_Estimation_Challenge" / "Validation_Set" / "5.txt", ["valence,arousal", "0.5,0.1", "-5,-5"])
    codes = [str(ABAW.index(look)), "7", "-1", "7"]
    lines(notes / "EXPR_Recognition_Challenge" / "Validation_Set" / "6.txt", [",".join(ABAW), *codes])
    for frame in ("5/00001", "6/00001", "6/00002"):
        put(root / "Aff-Wild2" / "cropped_aligned" / f"{frame}.jpg")
    return notes


def test_frames_of_affwild2_are_counted_with_other_and_what_is_missing_is_told(tmp_path, look):
    notes = wild(tmp_path, look)
    result = run.run(benchmarks.make("expressions", tmp_path))
    assert result.figure("Aff-Wild2 EXPR: accuracy").value == 0.5
    # Of the expression half of what is said is right and all is found: F1 2/3; "other" is never said: 0.
    assert result.figure("Aff-Wild2 EXPR: macro F1").value == pytest.approx(1 / 3)
    assert result.missing == ("Aff-Wild2/cropped_aligned/6/00004.jpg",)
    lines(notes / "VA_Estimation_Challenge" / "Validation_Set" / "5.txt", ["valence,arousal", "0.5;0.1"])
    with pytest.raises(LayoutError, match="not valence,arousal"):
        run.run(benchmarks.make("expressions", tmp_path))


def emonet(root: Path, labels: list[str]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(Photo.open(PORTRAIT).pixels).save(buffer, "PNG")
    blank = io.BytesIO()
    Image.new("RGB", (200, 200), "grey").save(blank, "PNG")
    photos = [{"bytes": raw.getvalue(), "path": None} for raw in (buffer, blank, buffer)]
    folder = root / "emonet-face-hq" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({"path": photos, "label": labels})
    parquet.write_table(table, folder / "train-00000-of-00001.parquet", row_group_size=2)


def rated(*ratings: int) -> str:
    experts = [
        {f"human-{number}": {f"Family|{name}": value for name in EMONET.values()}}
        for number, value in enumerate(ratings)
    ]
    return str(experts)


def test_emonet_is_held_against_the_experts_mean(tmp_path):
    emonet(tmp_path, [rated(7, 4), rated(1), rated(0, 1)])
    benchmark = benchmarks.make("expressions", tmp_path)
    assert benchmark.items()[0].ratings["surprise"] == 5.5
    result = run.run(benchmark)
    assert result.figure("EmoNet-Face HQ: face found").value == pytest.approx(2 / 3)
    assert {figure.name.rpartition(" ")[2] for figure in result.figures if "rank correlation of" in figure.name} == {
        *EMONET
    }
    emonet(tmp_path, ["{}", "[1]", ""])
    with pytest.raises(LayoutError, match="not a list of experts"):
        run.run(benchmarks.make("expressions", tmp_path))


def test_scales_are_scored_where_the_network_reads_them(tmp_path, monkeypatch, look):
    for variable in (expressions.hsemotion.VARIABLE,):
        monkeypatch.delenv(variable, raising=False)
    affect_list(tmp_path / "AffectNet", 1)
    with pytest.raises(UsageError, match="needs its model file"):
        benchmarks.make("expressions", tmp_path, "hsemotion")
    benchmark = benchmarks.make("expressions", tmp_path)
    items = benchmark.items()
    shares = dict.fromkeys(EMOTIONS, 0.125)
    seen = [
        expressions.Seen(expressions.replace(items[0], valence=v, arousal=a), expressions.Read(shares, v / 2, a))
        for v, a in ((0.5, 0.1), (-0.5, 0.2), (0.1, -0.4))
    ]
    result = benchmark.score(seen)
    true = np.array([0.5, -0.5, 0.1])
    assert result.figure("AffectNet: CCC of valence").value == pytest.approx(agreement.concordance(true / 2, true))
    assert result.figure("AffectNet: CCC of arousal").value == pytest.approx(1)
    assert result.figure("AffectNet: mean CCC").value == pytest.approx((1 + agreement.concordance(true / 2, true)) / 2)
    assert not any("not measured" in note for note in result.notes)
