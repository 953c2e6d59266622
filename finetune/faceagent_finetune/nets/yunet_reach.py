"""How small a face YuNet still finds: HELEN's labelled faces, scaled down.

    FACEAGENT_MIRROR=… python -m faceagent_finetune.nets.yunet_reach --data DIR

DIR holds landmarks/helen68.parquet. Prints the share of labelled faces found at each width (the extent of the 68 points
in pixels of the searched picture). It decides when faceagent_tools.detection searches a photo a second time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra
from faceagent.media import Photo, Pixels
from faceagent_tools import weights
from faceagent_tools.yunet import MULTIPLE, YuNet

WIDTHS = (8, 10, 12, 14, 16, 20, 24)
Floats = npt.NDArray[np.float64]


def labelled(data: Path) -> Iterator[tuple[Pixels, Floats]]:
    """Photos with the 68 points of their main face."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("Reading the data sets", "eval") from error
    for row in pyarrow.parquet.read_table(data / "landmarks/helen68.parquet").to_pylist():
        yield Photo.open(row["image"]["bytes"]).pixels, np.array(row["points68"], dtype=np.float64)


def found(network: YuNet, pixels: Pixels, points: Floats, width: float) -> bool:
    """Whether a box of about the right size holds the middle of the face when the face is that wide."""
    scale = width / float(np.ptp(points[:, 0]))
    size = (max(round(pixels.shape[1] * scale), MULTIPLE), max(round(pixels.shape[0] * scale), MULTIPLE))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    x, y = points[17:].mean(axis=0) * (size[0] / pixels.shape[1], size[1] / pixels.shape[0])
    return any(
        x0 < x < x1 and y0 < y < y1 and 0.5 < (x1 - x0) / width < 2 for x0, y0, x1, y1 in network.detect(small).boxes
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how small a face YuNet still finds.")
    parser.add_argument("--data", type=Path, required=True)
    faces = list(labelled(parser.parse_args().data))
    network = YuNet(weights.path("yunet_n_dynamic"))
    for width in WIDTHS:
        share = np.mean([found(network, pixels, points, width) for pixels, points in faces])
        sys.stdout.write(f"{width:3d} px wide: {share:.3f} of {len(faces)} found\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
