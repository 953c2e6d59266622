"""insightface's packed pairs: a miniature of real faces, files that are hostile, files that are wrong."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceagent.errors import InputError
from faceagent.media import Photo
from faceagent_eval import benchmarks, run
from faceagent_eval.packed_pairs import read_packed
from faceagent_tools.detection import FaceDetector

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def crops() -> list[bytes]:
    """JPEG crops of 112 pixels: of each of two people, at two margins."""
    photo = Photo.open(EXAMPLES / "group.jpg")
    faces = sorted(FaceDetector("dlib").detect(photo, "image 1"), key=lambda face: -face.box.area)[:2]
    found = []
    for face in faces:
        for margin in (0.75, 0.8):
            (x, y), half = face.box.centre, margin * max(face.box.x1 - face.box.x0, face.box.y1 - face.box.y0)
            top, left = max(int(y - half), 0), max(int(x - half), 0)
            crop = photo.pixels[top : int(y + half), left : int(x + half)]
            done, raw = cv2.imencode(".jpg", cv2.cvtColor(cv2.resize(crop, (112, 112)), cv2.COLOR_RGB2BGR))
            assert done
            found.append(raw.tobytes())
    return found


def packed(crops: list[bytes]) -> tuple[list[bytes], list[bool]]:
    """Ten folds of two genuine and two impostor pairs."""
    a, also_a, b, also_b = crops
    return [a, also_a, b, also_b, a, b, also_a, also_b] * 10, [True, True, False, False] * 10


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("as_array", [False, True])
def test_every_way_of_packing_gives_the_same_bytes(tmp_path, protocol, as_array):
    pictures, same = [b"\xff\xd8one", b"\xff\xd8two"], [True]
    held = [np.frombuffer(one, np.uint8) for one in pictures] if as_array else pictures
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps((held, same), protocol))
    assert read_packed(tmp_path / "lfw.bin") == (tuple(pictures), tuple(same))


def test_each_set_is_scored_by_itself(crops, tmp_path, capsys):
    for name in ("agedb_30", "cfp_fp"):
        (tmp_path / f"{name}.bin").write_bytes(pickle.dumps(packed(crops), 2))
    assert run.main(["run", "packed-pairs", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    result = json.loads((tmp_path / "out" / "packed-pairs-dlib.json").read_text(encoding="utf-8"))
    figures = {figure["name"]: figure for figure in result["figures"]}
    for name in ("agedb_30", "cfp_fp"):
        assert figures[f"{name}: accuracy"]["value"] == 1.0
        assert figures[f"{name}: accuracy"]["n"] == 40
        assert f"{name}-det" in result["curves"]
    assert not [name for name in figures if "all_pairs" in name]


def test_folds_with_one_kind_of_pair_are_scored_like_any_other(crops, tmp_path):
    pictures, same = packed(crops)
    order = sorted(range(len(same)), key=lambda place: same[place])
    pictures = [picture for place in order for picture in pictures[2 * place : 2 * place + 2]]
    (tmp_path / "cfp_fp.bin").write_bytes(pickle.dumps((pictures, [same[place] for place in order])))
    result = run.run(benchmarks.make("packed-pairs", tmp_path))
    assert result.figure("cfp_fp: accuracy").value == 1.0
    assert len(result.items) == 40
    assert {row.of for row in result.items} == {"cfp_fp: same person"}
    assert all(row.right for row in result.items)


def test_a_limit_is_of_pairs_of_each_kind(crops, tmp_path):
    (tmp_path / "cfp_fp.bin").write_bytes(pickle.dumps(packed(crops), 2))
    benchmark = benchmarks.make("packed-pairs", tmp_path, limit=5)
    assert len(benchmark.items()) == 20
    assert [pair.same for pair in benchmark._sets["cfp_fp"]].count(True) == 5


def test_a_picture_that_cannot_be_read_is_counted_and_named(crops, tmp_path, capsys):
    pictures, same = packed(crops)
    pictures[0] = b"no picture"
    (tmp_path / "cfp_fp.bin").write_bytes(pickle.dumps((pictures, same)))
    assert run.main(["run", "packed-pairs", "--data", str(tmp_path)]) == 1
    assert "INCOMPLETE: 1 items could not be measured (cfp_fp picture 0)" in capsys.readouterr().out


class Calls:
    """Becomes a call as it is read back."""

    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_a_file_that_asks_for_code_to_be_run_is_refused(tmp_path):
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps(([Calls(os.mkdir, str(tmp_path / "made"))], [True])))
    with pytest.raises(InputError, match="mkdir"):
        read_packed(tmp_path / "lfw.bin")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("code", ["O", "V8"])
def test_arrays_of_objects_are_refused(code, tmp_path):
    held = np.array([b"a"], dtype=object) if code == "O" else np.zeros(1, code)
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps(([held, held], [True])))
    with pytest.raises(InputError, match=f"array of {code}"):
        read_packed(tmp_path / "lfw.bin")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no pickle"),
        (pickle.dumps([b"a", b"b"])[:-3], "no pickle"),
        (pickle.dumps(5), "two parts"),
        (pickle.dumps(([b"a"], [True])), "two pictures"),
        (pickle.dumps(([b"a", b"b"], ["yes"])), "neither true nor false"),
        (pickle.dumps(([1, b"b"], [True])), "a int where"),
    ],
)
def test_a_file_that_is_wrong_shows_the_tree_and_what_is_wrong(content, what, tmp_path, capsys):
    (tmp_path / "lfw.bin").write_bytes(content)
    assert run.main(["run", "packed-pairs", "--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert what in said
    assert "cfp_fp.bin" in said
