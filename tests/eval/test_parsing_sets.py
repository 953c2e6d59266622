"""CelebAMask-HQ and iBugMask as miniatures in their published layouts, labelled by what the product itself outlines."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import EXAMPLES
from published_sets import lines

from faceagent.geometry import Affine
from faceagent.media import Photo
from faceagent_eval import benchmarks, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.benchmarks.parsing import REGIONS
from faceagent_tools.detection import FaceDetector
from faceagent_tools.multitask import FaceReader
from faceagent_tools.parsing import Cut, filled, polygons

PORTRAIT = EXAMPLES / "portrait.jpg"
SIDE = 256


@pytest.fixture(scope="module")
def outlined() -> dict[str, np.ndarray]:
    """The product's regions of the portrait, [256, 256]."""
    photo = Photo.open(PORTRAIT)
    face = FaceDetector("auto").detect(photo, "image 1")[0]
    cut = Cut(np.zeros((SIDE, SIDE, 3), np.uint8), Affine.scaling(photo.width / SIDE, photo.height / SIDE))
    return filled(polygons(FaceReader().read_photo(photo, face).points), cut)


def put(path: Path, raw: bytes | np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(raw, np.ndarray):
        assert cv2.imwrite(str(path), raw)
    else:
        path.write_bytes(PORTRAIT.read_bytes() if raw is None else raw)


def celeba(root: Path, outlined: dict[str, np.ndarray]) -> Path:
    """Skin below all other regions, as the set draws it; an eye is covered by hair."""
    folder = root / "CelebAMask-HQ"
    put(folder / "CelebA-HQ-img" / "2001.jpg")
    face = np.logical_or.reduce(list(outlined.values()))
    brows, eyes = (
        np.logical_or.reduce([outlined[name] for name in outlined if name.startswith(part)]) for part in ("brow", "eye")
    )
    hair = outlined["eye_nearer_left_edge"]
    drawn = {
        "skin": face,
        "nose": outlined["nose"],
        "l_brow": brows,
        "l_eye": eyes,
        "u_lip": outlined["lips"],
        "hair": hair,
    }
    drawn["mouth"] = outlined["mouth_opening"]
    for name, mask in drawn.items():
        put(folder / "CelebAMask-HQ-mask-anno" / "1" / f"02001_{name}.png", mask.astype(np.uint8) * 255)
    return folder


def ibug(root: Path, outlined: dict[str, np.ndarray], name: str = "a") -> None:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    for parts, number in (
        ("skin", 1),
        ("brow", 2),
        ("eye", 4),
        ("nose", 6),
        ("lips", 7),
        ("mouth_opening", 8),
    ):
        for region, mask in outlined.items():
            if region.startswith(parts):
                labels[mask] = number
    put(root / "ibugmask_release" / "test" / f"{name}.jpg")
    put(root / "ibugmask_release" / "test" / f"{name}.png", labels)


def test_what_agrees_overlaps_wholly_and_what_is_covered_does_not(tmp_path, outlined):
    celeba(tmp_path, outlined)
    result = run.run(benchmarks.make("parsing", tmp_path))
    assert result.complete
    for region in ("skin", "nose", "lips", "brows"):
        assert result.figure(f"CelebAMask-HQ: IoU of {region}").value == pytest.approx(1, abs=0.02)
    hidden, seen = (outlined[f"eye_nearer_{side}_edge"].sum() for side in ("left", "right"))
    covered = seen / (hidden + seen)
    assert result.figure("CelebAMask-HQ: IoU of eyes").value == pytest.approx(covered, abs=0.03)
    assert result.figure("CelebAMask-HQ: F1 of eyes").value == pytest.approx(2 * covered / (1 + covered), abs=0.03)
    assert {row.of.rpartition(" ")[2] for row in result.items} == {region.rpartition(" ")[2] for region in REGIONS}


def test_ibugmask_is_read_by_its_label_map(tmp_path, outlined):
    ibug(tmp_path, outlined)
    result = run.run(benchmarks.make("parsing", tmp_path))
    assert result.figure("iBugMask: mean IoU").value == pytest.approx(1, abs=0.02)
    assert result.figure("iBugMask: face found").value == 1.0


def test_a_face_that_is_not_found_answers_nothing_and_loses_its_pixels(tmp_path, outlined):
    ibug(tmp_path, outlined)
    elsewhere = {name: np.roll(mask, SIDE // 2, axis=1) for name, mask in outlined.items()}
    ibug(tmp_path, elsewhere, "b")
    result = run.run(benchmarks.make("parsing", tmp_path))
    assert result.figure("iBugMask: face found").value == 0.5
    assert result.figure("iBugMask: IoU of nose").value == pytest.approx(0.5, abs=0.02)


def test_only_the_test_part_is_taken_where_it_is_known(tmp_path, outlined):
    folder = celeba(tmp_path, outlined)
    put(folder / "CelebA-HQ-img" / "7.jpg")
    mapping = ["idx\torig_idx\torig_file", "7 119613 119614.jpg", "2001 99094 099095.jpg"]
    lines(folder / "CelebA-HQ-to-CelebA-mapping.txt", mapping)
    lines(folder / "list_eval_partition.txt", ["119614.jpg 0", "099095.jpg 2"])
    assert [item.photo.name for item in benchmarks.make("parsing", tmp_path).items()] == ["2001.jpg"]
    lines(folder / "list_eval_partition.txt", ["119614.jpg"])
    with pytest.raises(LayoutError, match=r"(?s)not as published.*ibugmask_release"):
        benchmarks.make("parsing", tmp_path).items()


def test_photos_and_masks_that_are_missing_are_counted(tmp_path, outlined, capsys):
    folder = celeba(tmp_path, outlined)
    put(folder / "CelebA-HQ-img" / "7.jpg")
    ibug(tmp_path, outlined)
    put(tmp_path / "ibugmask_release" / "test" / "b.jpg", b"no photo")
    assert run.main(["run", "parsing", "--data", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "INCOMPLETE: 2 items" in said
    assert "CelebAMask-HQ/CelebA-HQ-img/7.jpg" in said and "ibugmask_release/test/b.jpg" in said
    (tmp_path / "empty").mkdir()
    assert run.main(["run", "parsing", "--data", str(tmp_path / "empty")]) == 2
