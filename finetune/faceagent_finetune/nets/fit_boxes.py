"""How YuNet's box and dlib's square lie on the same face: the two numbers of `faceagent_tools.align.square_of`.

    FACEAGENT_MIRROR=… python -m faceagent_finetune.nets.fit_boxes --data DIR

DIR holds identity/lfw_images.parquet and identity/vip_one_person.parquet. Prints medians over the faces that both
detectors find.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faceagent.errors import MissingExtra
from faceagent.media import Photo
from faceagent.types import Face
from faceagent_tools.detection import FaceDetector

SETS = (("identity/lfw_images.parquet", 200), ("identity/vip_one_person.parquet", 105))


def photos(data: Path) -> Iterator[Photo]:
    """The first photos of each set."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("Reading the data sets", "eval") from error
    for name, count in SETS:
        for row in pyarrow.parquet.read_table(data / name, columns=["image"]).to_pylist()[:count]:
            yield Photo.open(row["image"]["bytes"], name=row["image"]["path"])


def pairs(data: Path) -> Iterator[tuple[Face, Face]]:
    """Faces that YuNet (first) and dlib (second) both find, nearly upright."""
    yunet, dlib = FaceDetector("yunet"), FaceDetector("dlib")
    for photo in photos(data):
        squares = dlib.detect(photo, "image 1")
        for face in yunet.detect(photo, "image 1"):
            near = [
                square for square in squares if math.dist(square.box.centre, face.box.centre) < 0.4 * face.box.height
            ]
            if near and abs(face.roll) < 15:
                yield face, near[0]


def main() -> int:
    parser = argparse.ArgumentParser(description="Fit the map from YuNet's box to dlib's square.")
    parser.add_argument("--data", type=Path, required=True)
    rows = np.array(
        [
            (
                (square.box.centre[0] - face.box.centre[0]) / face.box.width,
                (square.box.centre[1] - face.box.centre[1]) / face.box.height,
                square.box.width / math.sqrt(face.box.area),
            )
            for face, square in pairs(parser.parse_args().data)
        ]
    )
    across, down, side = np.median(rows, axis=0)
    sys.stdout.write(f"faces: {len(rows)}\nacross (of the width): {across:.3f}\ndown (of the height): {down:.3f}\n")
    sys.stdout.write(f"side (of the root of the area): {side:.3f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
