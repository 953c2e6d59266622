"""Measure what anonymize_faces leaves of a face, round by round.

    python -m faceagent_finetune.nets.check_hiding --data DIR

DIR holds landmarks/helen68.parquet and identity/lfw_images.parquet. Prints, for each detector that is here, the share
of the 68 landmarks of HELEN faces that the hidden region covers; and, for each method and each number of cells, how
many of the hidden LFW faces are still found, and how like the original they are on compare_faces' scale: at the place
where the face was, and under that a photo of somebody else for comparison.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent_finetune.nets.quality_recognition import Shot, read_rows, shots_of
from faceagent_tools import similarity, weights
from faceagent_tools.anonymize import CELLS
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import YUNET
from faceagent_tools.embedding import FaceEmbedder
from faceagent_tools.hiding import HidingMethod, hide, region_of

METHODS: tuple[HidingMethod, ...] = ("pixelate", "blur", "mask")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m faceagent_finetune.nets.check_hiding")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--faces", type=int, default=60, help="LFW faces to hide")
    chosen = parser.parse_args(arguments)
    helen = read_rows(chosen.data / "landmarks" / "helen68.parquet")
    for backend in ("dlib", "yunet") if weights.find(YUNET) else ("dlib",):
        faces, all_inside, share = coverage(helen, FaceDetector(backend))
        sys.stdout.write(f"{backend}: {share:.2%} of landmarks covered, all 68 of {all_inside} in {faces} faces\n")
    rows = read_rows(chosen.data / "identity" / "lfw_images.parquet")
    reidentification([shot for _, shot in shots_of(rows[:: max(1, len(rows) // chosen.faces)], "name")])
    return 0


def coverage(rows: Sequence[dict[str, object]], detector: FaceDetector) -> tuple[int, int, float]:
    """Faces found, how many of them are covered in all landmarks, and the share of landmarks covered."""
    covered: list[npt.NDArray[np.bool_]] = []
    for row in rows:
        image, points = row["image"], np.array(row["points68"], dtype=np.float64)
        photo = Photo.open(image["bytes"] if isinstance(image, dict) else b"")
        x, y = points[30]
        for face in detector.detect(photo, "image 1"):
            if face.box.x0 < x < face.box.x1 and face.box.y0 < y < face.box.y1:
                covered.append(region_of(face).holds(points[:, 0], points[:, 1]))
                break
    inside = np.array(covered)
    return len(inside), int(inside.all(axis=1).sum()), float(inside.mean())


def reidentification(shots: Sequence[Shot]) -> None:
    """Print a line for each method and strength."""
    embedder, detector = FaceEmbedder(), FaceDetector()
    originals = [embedder.embed(shot.photo, shot.face) for shot in shots]
    others = [
        similarity.similarity(one, two) for one, two in zip(originals, [*originals[1:], originals[0]], strict=True)
    ]
    for method in METHODS:
        for cells in CELLS[:1] if method == "mask" else (12, 8, *CELLS):
            found, alike = 0, []
            for shot, original in zip(shots, originals, strict=True):
                copy = Photo.open(hide(shot.photo.pixels, region_of(shot.face), method, cells))
                found += any(face.box.iou(shot.face.box) > 0.3 for face in detector.detect(copy, "image 1"))
                alike.append(similarity.similarity(original, embedder.embed(copy, shot.face)))
            sys.stdout.write(
                f"{method} {'' if method == 'mask' else cells}: found {found} of {len(shots)}; similarity median "
                f"{np.median(alike):.3f}, highest {max(alike):.3f}\n"
            )
    line = similarity.table().different_below
    sys.stdout.write(f"somebody else: similarity median {np.median(others):.3f}, highest {max(others):.3f}\n")
    sys.stdout.write(f"line: {line:.3f}\n")


if __name__ == "__main__":
    sys.exit(main())
