"""MesoNet: four small networks that look for Deepfakes and Face2Face in faces of video frames.

The published models of Afchar et al. 2018 (arXiv:1809.00888, Apache-2.0), which download on request
(`faceagent models get mesoinception4-df`, and so on). The published files are Keras's; `hdf5` reads them without
TensorFlow, and they are put into the graphs in networks/ (networks/mesonet.md), which hold no weights. Answers are raw:
how much they are worth on other forgeries than those of 2018 is in calibration/forensic_signals.json.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent_tools import hdf5, runtime, weights
from faceagent_tools.forensics.view import Floats

SIDE = 256
"""Side of a crop in pixels."""
GRAPHS: Mapping[str, str] = {
    "meso4-df": "meso4",
    "meso4-f2f": "meso4",
    "mesoinception4-df": "mesoinception4",
    "mesoinception4-f2f": "mesoinception4",
}
"""By weights: the graph. "df" was trained on Deepfakes (swaps of 2018), "f2f" on Face2Face (expressions)."""
_REACH = 2.2 * 1.3  # upstream's K and l_factor


class MesoNet:
    """One of `GRAPHS`. Weights are loaded by the first call."""

    def __init__(self, name: str = "mesoinception4-df", threads: int = 1) -> None:
        self._name, self._threads = name, threads
        self._session: Any = None
        self._lock = threading.Lock()

    def forged(self, pixels: Pixels, points: Floats) -> float:
        """How sure the network is of a forgery, 0-1; no probability, as it is not calibrated.

        Args:
            pixels: uint8 RGB [H, W, 3], the photo. points: [78, 2] in its pixels, as `multitask.Reading.points`.

        Raises:
            WeightsError: the model file is missing or damaged.
        """
        with self._lock:
            if self._session is None:
                self._session = session(self._name, weights.path(self._name), self._threads)
        crop = cut(pixels, points).astype(np.float32)[None] / 255
        return 1.0 - float(self._session.run(["real"], {"pixels": crop})[0][0, 0])


def session(name: str, path: Path, threads: int = 1) -> Any:
    """A graph of networks/ with the weights of a published file: an onnxruntime.InferenceSession.

    Raises:
        WeightsCorrupt: the file cannot be read, or its names and shapes are not those of the graph.
    """
    graph = files("faceagent_tools").joinpath("networks", f"{GRAPHS[name]}.onnx").read_bytes()
    return runtime.filled(graph, _as_onnx(hdf5.read(path)), path, threads)


def _as_onnx(arrays: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
    """Keras's arrays by layer and name ("conv2d_1/kernel"), filters with their channels first."""
    named = {path.partition("/")[2].removesuffix(":0"): values for path, values in arrays.items()}
    return {
        name: np.ascontiguousarray(values.transpose(3, 2, 0, 1)) if values.ndim == 4 else values
        for name, values in named.items()
    }


def cut(pixels: Pixels, points: Floats) -> Pixels:
    """The crop that upstream makes (pipeline.py, find_coordinates and get_aligned_face): [256, 256, 3].

    A square about the nose, turned upright by the line from the eyes to the mouth; the photo's mirror image fills it
    beyond the frame. Upstream enlarges by splines, we by cubic convolution; of large faces both would skip pixels,
    which are averaged here.
    """
    one, other, mouth = (points[part].mean(axis=0) for part in (slice(36, 42), slice(42, 48), slice(48, 68)))
    eyes = (one + other) / 2
    x, y = (points[27:31].mean(axis=0) + points[31:36].mean(axis=0)) / 2
    side = max(math.dist(one, other), math.dist(mouth, eyes)) * _REACH
    lean = math.atan2(mouth[0] - eyes[0], mouth[1] - eyes[1])
    shrink = max(1, math.floor(side / SIDE))
    size = SIDE * shrink
    cos, sin = math.cos(lean) * side / size, math.sin(lean) * side / size
    # From the crop's pixels to the photo's, whose centres OpenCV puts at whole numbers.
    turn = np.array([[cos, sin], [-sin, cos]])
    shift = np.array([x, y]) - 0.5 - turn @ [size / 2 - 0.5, size / 2 - 0.5]
    crop = cv2.warpAffine(
        pixels,
        np.column_stack([turn, shift]),
        (size, size),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)
