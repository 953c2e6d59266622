"""WIDER FACE, 300-W, WFLW, AFLW2000-3D and BIWI as miniatures in their published layouts, made of real faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from published_sets import EXAMPLES, lines
from scipy.io import savemat

from faceagent.media import Photo
from faceagent_eval import benchmarks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks import head_pose, landmarks
from faceagent_tools.detection import FaceDetector
from faceagent_tools.multitask import FaceReader, Reading

GROUP = (EXAMPLES / "group.jpg").read_bytes()


@pytest.fixture(scope="module")
def boxes() -> list[list[float]]:
    """x, y, width, height of the faces of the group."""
    faces = FaceDetector("faceagent").detect(Photo.open(GROUP), "image 1")
    return [[face.box.x0, face.box.y0, face.box.width, face.box.height] for face in faces]


@pytest.fixture(scope="module")
def reading() -> Reading:
    photo = Photo.open(GROUP)
    return FaceReader().read_photo(photo, FaceDetector("faceagent").detect(photo, "image 1")[0])


def put(path: Path, raw: bytes = GROUP) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def wider(root: Path, boxes: list[list[float]]) -> Path:
    """One photo with its faces and one that is nowhere, and a photo without faces."""
    faces = [" ".join(map(str, [*box, 0, 0, 0, 0, 0, 0])) for box in boxes]
    rows = ["0--Parade/0_a_1.jpg", str(len(faces)), *faces, "0--Parade/0_b_2.jpg", "0", "0 0 0 0 0 0 0 0 0 0"]
    lines(root / "wider_face_split" / "wider_face_val_bbx_gt.txt", rows)
    put(root / "WIDER_val" / "images" / "0--Parade" / "0_a_1.jpg")
    return root


def cell(*values: object) -> np.ndarray:
    """A cell array, one below the other."""
    held = np.empty((len(values), 1), object)
    held[:, 0] = values
    return held


def ground_truth(root: Path, faces: dict[str, list[int]]) -> None:
    folder = root / "eval_tools" / "ground_truth"
    folder.mkdir(parents=True)
    names = cell("0_a_1", "0_b_2")
    savemat(folder / "wider_face_val.mat", {"event_list": cell("0--Parade"), "file_list": cell(names)})
    for subset, kept in faces.items():
        rows = cell(np.array(kept).reshape(-1, 1), np.zeros((0, 1)))
        savemat(folder / f"wider_{subset}_val.mat", {"gt_list": cell(rows)})


def test_wider_face_is_scored_by_subset_and_what_is_missing_is_told(tmp_path, boxes, capsys):
    root = wider(tmp_path, boxes)
    ground_truth(root, {"easy": [1], "medium": [1, 2], "hard": [2]})
    result = run.run(benchmarks.make("wider-face", root, "faceagent"))
    assert [result.figure(f"{name}: AP").value for name in ("easy", "medium", "hard")] == [1.0, 1.0, 1.0]
    assert [result.figure(f"{name}: AP").n for name in ("easy", "medium", "hard")] == [1, 2, 1]
    assert (result.complete, result.missing) == (False, ("WIDER_val/images/0--Parade/0_b_2.jpg",))
    assert run.main(["run", "wider-face", "--data", str(root), "--backend", "faceagent"]) == 1
    assert "INCOMPLETE: 1 items" in capsys.readouterr().out


def test_without_the_subsets_all_valid_faces_are_one_set(tmp_path, boxes):
    moved = [boxes[0], *([x + 5000, *rest] for x, *rest in boxes[1:])]
    put(wider(tmp_path, moved) / "WIDER_val" / "images" / "0--Parade" / "0_b_2.jpg")
    result = run.run(benchmarks.make("wider-face", tmp_path, "faceagent"))
    assert result.figure("all: recall of all detections").value == pytest.approx(1 / len(boxes))
    assert result.figure("all: AP").value < 1
    assert any("one set" in note for note in result.notes)
    assert result.complete


@pytest.mark.parametrize(
    ("change", "mismatch"),
    [
        (lambda text: text.replace("0--Parade/0_a_1.jpg", "3"), "line 1 of wider_face_val_bbx_gt.txt"),
        (lambda text: text.replace(" 0 0 0 0 0 0\n", " 0 0\n", 1), "line 3 of wider_face_val_bbx_gt.txt"),
        (lambda text: text.replace("0_a_1", "0_c_1"), "no photo is there"),
        (lambda text: "", "holds none of these"),
    ],
)
def test_a_wrong_list_of_wider_face_is_named_by_line(change, mismatch, tmp_path, boxes):
    path = wider(tmp_path, boxes) / "wider_face_split" / "wider_face_val_bbx_gt.txt"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(LayoutError, match=mismatch):
        run.run(benchmarks.make("wider-face", tmp_path))


def test_damaged_ground_truth_and_an_empty_folder_are_refused(tmp_path, boxes):
    root = wider(tmp_path, boxes)
    put(root / "eval_tools" / "ground_truth" / "wider_face_val.mat", b"no matrix")
    with pytest.raises(LayoutError, match=r"ground_truth/wider_face_val\.mat cannot be read as a MATLAB file"):
        run.run(benchmarks.make("wider-face", root))
    (root / "wider_face_split" / "wider_face_val_bbx_gt.txt").unlink()
    with pytest.raises(LayoutError, match=r"(?s)no wider_face_split/wider_face_val_bbx_gt\.txt.*WIDER_val"):
        run.run(benchmarks.make("wider-face", root))


def pts(path: Path, points: np.ndarray) -> None:
    rows = [f"{x} {y}" for x, y in points + 0.5]
    lines(path, ["version: 1", "n_points: 68", "{", *rows, "}"])


def test_300w_and_wflw_measure_the_same_points(tmp_path, reading):
    points = reading.points[:68]
    unit = np.linalg.norm(points[36] - points[45])
    put(tmp_path / "300W" / "helen" / "testset" / "1.jpg")
    pts(tmp_path / "300W" / "helen" / "testset" / "1.pts", points)
    put(tmp_path / "300W" / "ibug" / "image 2.jpg")
    pts(tmp_path / "300W" / "ibug" / "image 2.pts", points + np.array([0.09 * unit, 0]))
    all98 = np.zeros((98, 2))
    all98[list(landmarks.WFLW_68)] = points
    row = [*all98.ravel(), 0, 0, 9, 9, 1, 0, 0, 0, 0, 1, "0--Parade/1.jpg"]
    lines(tmp_path / "WFLW" / landmarks._WFLW, [" ".join(map(str, row))])
    put(tmp_path / "WFLW" / "WFLW_images" / "0--Parade" / "1.jpg")
    result = run.run(benchmarks.make("landmarks", tmp_path, "faceagent"))
    assert result.figure("300-W common: NME").value == pytest.approx(0, abs=1e-6)
    assert result.figure("300-W challenging: NME").value == pytest.approx(0.09, abs=1e-6)
    assert result.figure("300-W full: failures at 8%").value == 0.5
    assert result.figure("300-W full: failures at 10%").value == 0.0
    assert result.figure("300-W challenging: AUC at 10%").value == pytest.approx(0.1, abs=1e-6)
    assert result.figure("WFLW: NME").value == pytest.approx(0, abs=1e-5)
    named = {figure.name for figure in result.figures}
    assert {"WFLW pose: NME", "WFLW blur: NME"} <= named
    assert "WFLW occlusion: NME" not in named


def test_a_face_that_is_not_found_is_a_failure(tmp_path, reading):
    put(tmp_path / "300W" / "ibug" / "1.jpg")
    pts(tmp_path / "300W" / "ibug" / "1.pts", reading.points[:68] + 3000)
    result = run.run(benchmarks.make("landmarks", tmp_path, "faceagent"))
    assert result.figure("300-W full: failures at 10%").value == 1.0
    assert result.figure("300-W full: face found").value == 0.0
    with pytest.raises(KeyError):
        result.figure("300-W full: NME")


def test_a_wrong_points_file_is_named(tmp_path):
    lines(tmp_path / "300W" / "ibug" / "1.pts", ["version: 1", "{", "1 2", "}"])
    with pytest.raises(LayoutError, match=r"300W/ibug/1\.pts does not hold 68 points"):
        run.run(benchmarks.make("landmarks", tmp_path))


def test_pose_is_held_against_both_sets(tmp_path, reading):
    pose, points = reading.pose, reading.points[:68]
    turn = np.radians([pose.pitch, pose.yaw + 10, pose.roll])
    for name, angles in (("image1", turn), ("image2", np.radians([0, 120, 0]))):
        put(tmp_path / "AFLW2000" / f"{name}.jpg")
        held = {"Pose_Para": [[*angles, 0, 0, 0, 1]], "pt3d_68": np.vstack([points.T, np.zeros(68)])}
        savemat(tmp_path / "AFLW2000" / f"{name}.mat", held)
    put(tmp_path / "hpdb" / "01" / "frame_00003_rgb.png", (EXAMPLES / "portrait.jpg").read_bytes())
    lines(tmp_path / "hpdb" / "01" / "frame_00003_pose.txt", ["1 0 0", "0 1 0", "0 0 1", "", "5 6 900"])
    result = run.run(benchmarks.make("pose", tmp_path, "faceagent"))
    assert result.figure("AFLW2000-3D: MAE of yaw").value == pytest.approx(10, abs=1e-3)
    assert result.figure("AFLW2000-3D: MAE of pitch").value == pytest.approx(0, abs=1e-3)
    assert result.figure("AFLW2000-3D: MAE of yaw").n == 1  # the other is turned too far
    assert result.figure("BIWI: MAE of yaw").value < 40


def test_rotations_of_biwi_become_angles() -> None:
    angle = np.radians(30)
    about_y = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    yaw, pitch, roll = head_pose.angles_of(about_y)
    assert (abs(yaw), pitch, roll) == pytest.approx((30, 0, 0), abs=1e-9)


def test_a_wrong_pose_file_is_named(tmp_path):
    lines(tmp_path / "hpdb" / "01" / "frame_00003_pose.txt", ["1 0 0"])
    with pytest.raises(LayoutError, match="is not a rotation in three lines"):
        run.run(benchmarks.make("pose", tmp_path))


def test_a_damaged_pose_of_aflw_is_named(tmp_path):
    put(tmp_path / "AFLW2000" / "image1.mat", b"no matrix")
    with pytest.raises(LayoutError, match=r"AFLW2000/image1\.mat cannot be read as a MATLAB file"):
        run.run(benchmarks.make("pose", tmp_path))
