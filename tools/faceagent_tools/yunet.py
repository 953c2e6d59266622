"""YuNet, decoded by hand (Wu, Peng, Yu 2023, doi:10.1007/s11633-023-1423-y).

The network gives, for each cell of three grids (strides 8, 16, 32), a class score, an objectness, a box relative to
the cell and five points relative to the cell. faceagent-detector, which YuNet taught, answers in the same form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent_tools import runtime

Floats = npt.NDArray[np.float32]

STRIDES = (8, 16, 32)
MULTIPLE = 32
"""Sides of the input are padded to a multiple of this."""


@dataclass(frozen=True)
class Found:
    """Faces in one image: boxes [n, 4] as x0, y0, x1, y1; scores [n] in 0-1; points [n, 5, 2]; all in pixels."""

    boxes: Floats
    scores: Floats
    points: Floats


class YuNet:
    """The network in ONNX Runtime. Loads when made.

    Args:
        path: yunet_n_dynamic.onnx or faceagent-detector.onnx.
        score: faces below are dropped (0.6 as in OpenCV's FaceDetectorYN example).
        overlap: IoU above which the weaker of two boxes is dropped.
    """

    def __init__(self, path: Path, *, score: float = 0.6, overlap: float = 0.3, threads: int = 2) -> None:
        self._session: Any = runtime.session(path, threads)
        self._names = [output.name for output in self._session.get_outputs()]
        self._score = score
        self._overlap = overlap

    def detect(self, pixels: Pixels) -> Found:
        """Find faces in RGB uint8 [H, W, 3] at the size given."""
        height, width = pixels.shape[:2]
        bgr = np.zeros((1, 3, height + -height % MULTIPLE, width + -width % MULTIPLE), np.float32)  # 0-255
        # Plane by plane, since cv2.dnn.blobFromImage takes many times as long.
        for plane, colour in zip(bgr[0, ::-1], cv2.split(pixels), strict=True):
            plane[:height, :width] = colour
        outputs = self._session.run(self._names, {"input": bgr})
        found = decode(dict(zip(self._names, outputs, strict=True)), bgr.shape[3], self._score)
        return suppress(found, self._overlap)


def decode(outputs: Mapping[str, Floats], width: int, score: float) -> Found:
    """Raw outputs into faces above a score, unsorted, before suppression.

    Args:
        outputs: "cls_S", "obj_S" [1, n, 1], "bbox_S" [1, n, 4], "kps_S" [1, n, 10] for S in STRIDES, cells row by row.
        width: of the padded input, a multiple of MULTIPLE.
    """
    boxes, scores, points = [], [], []
    for stride in STRIDES:
        product = np.clip(outputs[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(outputs[f"obj_{stride}"][0, :, 0], 0, 1)
        keep = np.flatnonzero(np.sqrt(product) >= score)
        cell = np.column_stack([keep % (width // stride), keep // (width // stride)]).astype(np.float32)
        box = outputs[f"bbox_{stride}"][0][keep]
        centre = (cell + box[:, :2]) * stride
        # A size beyond the image is a fault of the network, not an overflow of ours.
        half = np.exp(np.minimum(box[:, 2:], 12.0)) * stride / 2
        boxes.append(np.concatenate([centre - half, centre + half], axis=1))
        scores.append(np.sqrt(product[keep]))
        points.append((outputs[f"kps_{stride}"][0][keep].reshape(-1, 5, 2) + cell[:, None]) * stride)
    return Found(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))


def suppress(found: Found, overlap: float) -> Found:
    """Non-maximum suppression: the strongest of overlapping boxes stays, strongest first."""
    if not len(found.scores):
        return found
    corners = found.boxes
    sized = [(float(x0), float(y0), float(x1 - x0), float(y1 - y0)) for x0, y0, x1, y1 in corners]
    kept = np.asarray(cv2.dnn.NMSBoxes(sized, found.scores.tolist(), 0.0, overlap), dtype=np.intp).reshape(-1)
    return Found(found.boxes[kept], found.scores[kept], found.points[kept])
