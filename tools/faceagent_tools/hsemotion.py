"""HSEmotion, a published network for facial expressions, in a file that the user brings.

Savchenko, Savchenko, Makarov: Classifying emotions and engagement in online learning based on a single facial
expression recognition neural network (2022), doi:10.1109/TAFFC.2022.3188390. Input and output follow the project's own
code, https://github.com/av-savchenko/hsemotion-onnx, `hsemotion_onnx/facial_emotions.py`. No SHA-256 of its files is
published, so the hash of the file in use is put on record instead of being held against a table.

This wrapper was tested with a small ONNX file made for the purpose, with the same inputs and outputs, and not with the
published weights: how well they do in this product has not been measured.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import ToolError, WeightsCorrupt, WeightsMissing
from faceagent.media import Photo, Pixels
from faceagent.types import Box, Face, Method
from faceagent_tools import runtime
from faceagent_tools.multitask import softmax

VARIABLE = "FACEAGENT_EMOTION_MODEL"
URL = (
    "https://github.com/HSE-asavchenko/face-emotion-recognition/blob/main/models/affectnet_emotions/onnx/"
    "enet_b0_8_va_mtl.onnx?raw=true"
)
HOW = f"download {URL} and name the file in the environment variable {VARIABLE}"
METHOD = Method(
    name="hsemotion",
    version="not stated",
    licence="Apache-2.0 (its project's; trained on AffectNet)",
    source="https://github.com/av-savchenko/hsemotion-onnx",
)
CLASSES = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""AffectNet's eight in the order of the output; valence and arousal follow where the network gives them."""
_SIDE = 224  # of EfficientNet-B0's input; a file that states another is given that
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@dataclass(frozen=True)
class Scores:
    """shares: softmax by class, not calibrated. valence, arousal: -1 to 1, None where the network has none."""

    shares: dict[str, float]
    valence: float | None
    arousal: float | None


class HSEmotion:
    """One ONNX file with 8 classes, or 8 classes with valence and arousal. Loaded by the first face."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.path = path
        self._threads = threads
        self._session: Any = None
        self._lock = threading.Lock()
        self._method = METHOD

    @property
    def method(self) -> Method:
        """With the file's name and hash once it has been loaded."""
        return self._method

    def read(self, photo: Photo, face: Face) -> Scores:
        """Scores of one face, from its upright box as the network's own examples cut it.

        Raises:
            WeightsError: the file is missing or no ONNX network.
            ToolError: the network has other inputs or outputs than HSEmotion's.
        """
        with self._lock:
            session = self._loaded()
        entry = session.get_inputs()[0]
        side = entry.shape[-1] if isinstance(entry.shape[-1], int) else _SIDE
        (row,) = session.run(None, {entry.name: prepared(cut(photo, face.box), side)})[0]
        shares = softmax(row[: len(CLASSES)].astype(np.float64))
        scales = [float(value) for value in np.clip(row[len(CLASSES) :], -1, 1)]
        return Scores(
            {name: float(share) for name, share in zip(CLASSES, shares, strict=True)},
            valence=scales[0] if scales else None,
            arousal=scales[1] if scales else None,
        )

    def _loaded(self) -> Any:
        if self._session is None:
            if not self.path.is_file():
                raise WeightsMissing(f"There is no file {self.path}", f"To have it, {HOW}")
            data = self.path.read_bytes()
            self._session = _opened(data, self.path, self._threads)
            self._method = METHOD.model_copy(
                update={"version": self.path.stem, "sha256": hashlib.sha256(data).hexdigest()}
            )
        return self._session


def _opened(data: bytes, path: Path, threads: int) -> Any:
    try:
        session = runtime.session(data, threads)
    except RuntimeError as error:
        raise WeightsCorrupt(f"{path} is no ONNX network that can be loaded", f"To have it anew, {HOW}") from error
    entry, result = session.get_inputs()[0].shape, session.get_outputs()[0].shape
    if len(entry) != 4 or len(result) != 2 or result[1] not in (len(CLASSES), len(CLASSES) + 2):
        raise ToolError(
            f"{path} is not one of HSEmotion's networks with 8 classes: it takes {entry} and gives {result}",
            "Use enet_b0_8_va_mtl.onnx, enet_b0_8_best_vgaf.onnx, enet_b0_8_best_afew.onnx or enet_b2_8.onnx",
        )
    return session


def cut(photo: Photo, box: Box) -> Pixels:
    """The part of a face's box that lies in the photo, at least one pixel wide and high."""
    inside = box.clipped(photo.width, photo.height)
    x, y = min(int(inside.x0), photo.width - 1), min(int(inside.y0), photo.height - 1)
    return photo.pixels[y : max(y + 1, round(inside.y1)), x : max(x + 1, round(inside.x1))]


def prepared(chip: Pixels, side: int) -> npt.NDArray[np.float32]:
    """uint8 RGB [h, w, 3] as the network wants it: float32 [1, 3, side, side] with ImageNet's mean and deviation."""
    scaled = cv2.resize(chip, (side, side)) / 255.0
    return np.asarray(((scaled - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None], np.float32)
