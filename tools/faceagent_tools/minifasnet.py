"""MiniFASNet: two small networks that tell a face in front of the camera from one on paper or on a screen.

The published models of Silent-Face-Anti-Spoofing (Minivision 2020, Apache-2.0), which download on request
(`faceagent models get minifasnet-v2`, and `minifasnet-v1se`). The published files are torch's; `pth` reads them without
torch, and they are put into the graphs in networks/ (networks/minifasnet.md), which hold no weights. Each network looks
at the face with its surroundings, one at 2.7 and one at 4 times the size of the face's box; their answers are averaged.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceagent.media import Pixels
from faceagent.types import Box
from faceagent_tools import pth, runtime, weights

SIDE = 80
"""Side of a crop in pixels."""
CLASSES = ("attack, kind 0", "live", "attack, kind 2")
"""Class 1 is a live face. Upstream does not say which attack (print, replay) classes 0 and 2 are."""
LIVE = 1
_PREFIX = "module."  # left by torch's DataParallel
SCALES: Mapping[str, float] = {"minifasnet-v2": 2.7, "minifasnet-v1se": 4.0}
"""By weights: side of the crop in units of the box."""


@dataclass(frozen=True)
class Found:
    """live: mean over both networks of the probability of a live face, 0-1; each: by weights.

    scale: by weights, that of the crop as it was made: less than wanted where the photo has no room for it.
    """

    live: float
    each: Mapping[str, float]
    scale: Mapping[str, float]


class MiniFASNet:
    """Runs both networks on one face at a time. Weights are loaded by the first call."""

    def __init__(self, threads: int = 1) -> None:
        self._sessions: dict[str, Any] = {}
        self._threads = threads
        self._lock = threading.Lock()

    def look(self, pixels: Pixels, box: Box) -> Found:
        """Ask both networks.

        Args:
            pixels: uint8 RGB [H, W, 3]. box: from hairline to chin (`box_of`), as upstream's detector gives it.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        each, scales = {}, {}
        for name, wanted in SCALES.items():
            crop, scales[name] = cut(pixels, box, wanted)
            bgr = np.ascontiguousarray(crop[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32))
            each[name] = float(self._session(name).run(["probabilities"], {"pixels": bgr})[0][0, LIVE])
        return Found(live=float(np.mean(list(each.values()))), each=each, scale=scales)

    def _session(self, name: str) -> Any:
        with self._lock:
            if name not in self._sessions:
                path = weights.path(name)
                graph = files("faceagent_tools").joinpath("networks", f"{name}.onnx").read_bytes()
                self._sessions[name] = session(graph, path, self._threads)
            return self._sessions[name]


def session(graph: bytes, path: Path, threads: int = 1) -> Any:
    """A graph of networks/ with the weights of a published file: an onnxruntime.InferenceSession.

    Raises:
        WeightsCorrupt: the file cannot be read, or its names and shapes are not those of the graph.
    """
    state = {name.removeprefix(_PREFIX): values for name, values in pth.read(path).items()}
    floats = {name: values for name, values in state.items() if values.dtype == np.float32}
    return runtime.filled(graph, floats, path, threads)


def cut(pixels: Pixels, box: Box, scale: float) -> tuple[Pixels, float]:
    """The crop that upstream makes (src/generate_patches.py): [80, 80, 3], and the scale that it came to.

    The box grows about its centre; where it would leave the photo it is moved back inside, and where the photo is too
    small for it, it grows less. Width and height are squeezed to a square.
    """
    height, width = pixels.shape[:2]
    scale = min((height - 1) / box.height, (width - 1) / box.width, scale)
    x0, x1 = _inside(box.centre[0], box.width * scale, width - 1)
    y0, y1 = _inside(box.centre[1], box.height * scale, height - 1)
    return np.asarray(cv2.resize(pixels[y0 : y1 + 1, x0 : x1 + 1], (SIDE, SIDE)), dtype=np.uint8), scale


def _inside(centre: float, length: float, last: int) -> tuple[int, int]:
    """First and last pixel of a stretch, moved so that it lies in 0 to last."""
    start = min(max(centre - length / 2, 0.0), last - length)
    return int(max(start, 0.0)), int(min(start + length, last))
