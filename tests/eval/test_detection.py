"""The detection benchmark's arithmetic, on faces that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceagent.media import Photo
from faceagent.types import Box, Face
from faceagent_eval.benchmarks import detection
from faceagent_eval.benchmarks.detection import GROUPS, PORTRAITS, Detection, Item, Looks, Seen
from faceagent_tools.detection import FaceDetector

PHOTO = Photo.open(np.zeros((100, 100, 3), np.uint8))


def face(x: float, y: float, size: float = 20.0, score: float = 0.9) -> Face:
    return Face(id="face 1.1", image="image 1", box=Box(x0=x, y0=y, x1=x + size, y1=y + size), score=score)


class Told:
    """A detector that finds what it was told."""

    def __init__(self, *faces: Face) -> None:
        self._faces = faces

    def detect(self, photo: Photo, image_id: str) -> tuple[Face, ...]:
        return self._faces


def test_found_and_invented_faces_are_told_apart() -> None:
    seen = detection._seen(Told(face(1, 0), face(70, 70, score=0.4)), PHOTO, [face(0, 0), face(30, 0)])
    assert seen.found == (0.9, -1.0)
    assert seen.invented == (0.4,)
    assert seen.errors == pytest.approx((0.025,))
    assert not seen.middle
    assert detection._seen(Told(face(40, 45)), PHOTO, []).middle


def test_figures_are_shares_of_faces_and_photos(tmp_path: Path) -> None:
    group = Item(GROUPS[0], "group", b"")
    portrait = Item(PORTRAITS[0], "portrait", b"")
    none = Seen((), (), False, (), 0.01)
    own = [Seen((0.9, -1.0), (), False, (0.02,), 0.02), Seen((0.45,), (0.55,), False, (), 0.04)]
    rows = [Looks(group, {"faceagent": one, "dlib": none}, {"faceagent": one, "dlib": none}, False) for one in own]
    for middle in (True, False):
        shown = {"faceagent": Seen((), (), middle, (), 0.0), "dlib": none}
        rows.append(Looks(portrait, shown, {}, True))
    benchmark = Detection(tmp_path, "embedded")
    benchmark._yunet = FaceDetector("yunet")
    benchmark._detectors = {name: FaceDetector(name) for name in detection.DETECTORS["embedded"]}
    rows[0].all["dlib"] = rows[0].shown["dlib"] = Seen((0.1, -1.0), (), False, (), 0.01)
    result = benchmark.score(rows)
    assert result.figure("faceagent: recall").value == pytest.approx(2 / 3)
    assert result.figure("faceagent: invented").value == 50.0
    assert result.figure("faceagent: recall at 0.5").value == pytest.approx(1 / 3)
    assert result.figure("faceagent: invented at 0.6").value == 0.0
    assert result.figure("dlib: recall at 0.2").value == 0.0
    assert result.figure("fairface: faceagent finds it").value == 0.5
    assert result.figure("fairface: yunet finds it").value == 1.0
    assert result.figure("faceagent: a photo").value == pytest.approx(30.0)
    interval = result.figure("faceagent: recall").interval
    assert interval is not None and (interval.low, interval.high) == (0.5, 1.0)  # a photo is drawn with all its faces
    told = {(row.of, row.id): row for row in result.items}
    assert told["faceagent: recall, by photo", "photo 0"].score == 0.5
    assert told["faceagent: portrait found", "photo 3"].right is False
    assert len(told) == 7  # dlib had no face to find in one photo
    broken = benchmark.measure(Item(GROUPS[0], "group", b"no picture"))
    result = benchmark.score([*rows, broken])
    assert result.missing == (f"{GROUPS[0]}, photo 4",) and not result.complete
    assert result.figure("faceagent: recall").value == pytest.approx(2 / 3)
