"""Other packages that find and embed faces, each as its own documentation has one call it, where they are installed.

Nothing is downloaded: a package whose weights are not where it keeps them is told as missing. Of these only
face_recognition's way has been run here, through dlib itself (`DLIB`); the calls of the others follow their
documentation (deepface README, insightface python-package README, uniface README) and were tested with stand-ins.
"""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from faceagent.media import Photo, Pixels
from faceagent_tools import weights
from faceagent_tools.align import POINTS
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import FaceEmbedder
from faceagent_tools.trunk import WEIGHTS

Embed = Callable[[bytes], int]
"""From a file's bytes to the number of faces that were found and embedded."""


@dataclass(frozen=True)
class Rival:
    """package: as it is installed. missing: why it cannot be run here, or None. load: with its models in memory."""

    name: str
    package: str
    missing: Callable[[], str | None]
    load: Callable[[], Embed]


def pixels(raw: bytes) -> Pixels:
    """RGB, as these packages' examples read a file."""
    with Image.open(io.BytesIO(raw)) as image:
        return np.asarray(image.convert("RGB"))


def ours(detector: str) -> Embed:
    """The product, from the bytes on: with its limits on hostile files, and the mirror image of each face."""
    finder, embedder = FaceDetector(detector), FaceEmbedder()

    def embed(raw: bytes) -> int:
        photo = Photo.open(raw)
        return len([embedder.embed(photo, face) for face in finder.detect(photo, "image 1")])

    return embed


def _dlib() -> Embed:
    """What face_recognition.face_encodings does, without its package: HOG, upsampled once; five points; ResNet."""
    dlib: Any = importlib.import_module("dlib")
    detector = dlib.get_frontal_face_detector()
    points = dlib.shape_predictor(str(weights.path(POINTS)))
    network = dlib.face_recognition_model_v1(str(weights.path(WEIGHTS)))

    def embed(raw: bytes) -> int:
        photo = pixels(raw)
        return len([network.compute_face_descriptor(photo, points(photo, box), 1) for box in detector(photo, 1)])

    return embed


def _face_recognition() -> Embed:
    package: Any = importlib.import_module("face_recognition")

    def embed(raw: bytes) -> int:
        return len(package.face_encodings(package.load_image_file(io.BytesIO(raw))))

    return embed


def _insightface() -> Embed:
    made: Any = importlib.import_module("insightface.app").FaceAnalysis
    app = made(name=_PACK, allowed_modules=["detection", "recognition"], providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=-1, det_size=(640, 640))

    def embed(raw: bytes) -> int:
        return len([face.normed_embedding for face in app.get(_bgr(raw))])

    return embed


def _uniface() -> Embed:
    detection, recognition = (importlib.import_module(f"uniface.{part}") for part in ("detection", "recognition"))
    detector, recogniser = detection.SCRFD(), recognition.ArcFace()

    def embed(raw: bytes) -> int:
        image = _bgr(raw)
        found = detector.detect(image)
        return len([recogniser.get_normalized_embedding(image, face.landmarks) for face in found])

    return embed


def _deepface() -> Embed:
    package: Any = importlib.import_module("deepface").DeepFace

    def embed(raw: bytes) -> int:
        return len(package.represent(_bgr(raw), model_name=_MODEL, detector_backend="opencv", enforce_detection=False))

    return embed


_PACK, _MODEL = "buffalo_l", "Facenet512"


def _needs(module: str, *files: Callable[[], Path]) -> Callable[[], str | None]:
    def missing() -> str | None:
        if find_spec(module) is None:
            return "it is not installed"
        absent = next((place for place in (file() for file in files) if not place.exists()), None)
        return None if absent is None else f"its weights are not here ({absent.name})"

    return missing


def _uniface_cache(name: str) -> Path:
    return Path(os.environ.get("UNIFACE_CACHE_DIR", "~/.uniface/models")).expanduser() / f"{name}.onnx"


DLIB = Rival("dlib, as face_recognition calls it", "dlib-bin", lambda: None, _dlib)
RIVALS = (
    Rival("face_recognition", "face_recognition", _needs("face_recognition"), _face_recognition),
    Rival(
        "insightface",
        "insightface",
        _needs("insightface", lambda: Path("~/.insightface/models").expanduser() / _PACK),
        _insightface,
    ),
    Rival(
        "uniface",
        "uniface",
        _needs("uniface", lambda: _uniface_cache("scrfd_10g_kps"), lambda: _uniface_cache("arcface_mnet")),
        _uniface,
    ),
    Rival(
        "deepface",
        "deepface",
        _needs(
            "deepface",
            lambda: Path(os.environ.get("DEEPFACE_HOME", "~")).expanduser() / ".deepface/weights/facenet512_weights.h5",
        ),
        _deepface,
    ),
)


def _bgr(raw: bytes) -> Pixels:
    return np.asarray(cv2.cvtColor(pixels(raw), cv2.COLOR_RGB2BGR))
