"""DISFA, BP4D and Aff-Wild2 as miniatures in their published layouts: a real portrait, as photos and as a video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES
from published_sets import film, lines

from faceagent.media import Photo
from faceagent_eval import benchmarks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks.action_units import UNITS
from faceagent_tools.detection import FaceDetector
from faceagent_tools.multitask import FaceReader

PORTRAIT = EXAMPLES / "portrait.jpg"


@pytest.fixture(scope="module")
def said() -> dict[int, bool]:
    """What the product reads of the portrait, by unit."""
    photo = Photo.open(PORTRAIT)
    face = FaceDetector("faceagent").detect(photo, "image 1")[0]
    reading = FaceReader().read_photo(photo, face)
    return {unit: stands(reading) for unit, stands in UNITS.items()}


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PORTRAIT.read_bytes())


def disfa(root: Path, said: dict[int, bool]) -> Path:
    """Five frames are labelled, of which the third is black and the last beyond the end of the video."""
    folder = root / "DISFA" / "ActionUnit_Labels" / "SN001"
    for unit in (12, 25):
        level = 5 if said[unit] else 1
        lines(folder / f"SN001_au{unit}.txt", [f"{frame},{level}" for frame in range(1, 6)])
    lines(folder / "SN001_au4.txt", [f"{frame},0" for frame in range(1, 6)])
    shown = Photo.open(PORTRAIT).pixels
    film(root / "DISFA" / "Videos_LeftCamera" / "LeftVideoSN001_comp.avi", [shown, shown, np.zeros_like(shown), shown])
    return folder


def test_frames_of_disfa_are_read_from_the_video_in_their_order(tmp_path, said):
    disfa(tmp_path, said)
    result = run.run(benchmarks.make("action-units", tmp_path, "faceagent"))
    assert result.missing == ("DISFA/Videos_LeftCamera/LeftVideoSN001_comp.avi, frame 5",)
    assert result.figure("DISFA: face found").value == 0.75
    for unit in (12, 25):
        figure = result.figure(f"DISFA: F1 of AU{unit}")
        assert (figure.value, figure.n) == (float(said[unit]), 3)
    assert result.notes == ("DISFA: coded, and read by no tool: AU4.",)
    rights = [row.right for row in result.items if row.of == "DISFA: AU12"]
    assert rights == [True, True, None, True, None]


def test_a_video_that_is_missing_is_told_frame_by_frame(tmp_path, said):
    disfa(tmp_path, said)
    put(tmp_path / "BP4D" / "F001" / "T1" / "2440.jpg")
    lines(tmp_path / "BP4D" / "AUCoding" / "AU_OCC" / "F001_T1.csv", ["0,12", f"2440,{int(said[12])}"])
    (tmp_path / "DISFA" / "Videos_LeftCamera" / "LeftVideoSN001_comp.avi").unlink()
    result = run.run(benchmarks.make("action-units", tmp_path, "faceagent"))
    assert len(result.missing) == 5
    assert result.figure("BP4D: F1 of AU12").n == 1


def test_bp4d_is_read_by_frame_and_what_is_not_coded_has_no_part(tmp_path, said):
    table = tmp_path / "BP4D" / "AUCoding" / "AU_OCC" / "F001_T1.csv"
    yes, no = int(said[25]), int(not said[25])
    lines(table, ["0,1,25,45", f"7,0,{yes},9", f"8,1,{no},9", "9,9,9,9"])
    for name in ("0007", "0008"):
        put(tmp_path / "BP4D" / "BP4D-training" / "F001" / "T1" / f"{name}.jpg")
    result = run.run(benchmarks.make("action-units", tmp_path, "faceagent"))
    assert result.complete
    assert [row.right for row in result.items] == [True, False]
    assert not [figure for figure in result.figures if "AU45" in figure.name]
    lines(table, ["0,1,25", "7,0"])
    with pytest.raises(LayoutError, match=r"(?s)F001_T1\.csv is not a line of units.*Aff-Wild2"):
        run.run(benchmarks.make("action-units", tmp_path))


def test_affwild2_is_read_by_its_header(tmp_path, said):
    notes = tmp_path / "Aff-Wild2" / "AU_Detection_Challenge" / "Validation_Set" / "7.txt"
    lines(notes, ["AU1,AU12", f"0,{int(said[12])}", "-1,-1"])
    put(tmp_path / "Aff-Wild2" / "cropped_aligned" / "7" / "00001.jpg")
    result = run.run(benchmarks.make("action-units", tmp_path, "faceagent"))
    assert result.complete and [row.right for row in result.items] == [True]
    lines(notes, ["AU1,AU12", "0"])
    with pytest.raises(LayoutError, match="a number for each of AU1, AU12"):
        run.run(benchmarks.make("action-units", tmp_path))


def test_a_wrong_line_of_disfa_is_named(tmp_path, said):
    folder = disfa(tmp_path, said)
    lines(folder / "SN001_au12.txt", ["1 5"])
    with pytest.raises(LayoutError, match=r"SN001_au12\.txt has a line that is not frame,intensity"):
        run.run(benchmarks.make("action-units", tmp_path))
