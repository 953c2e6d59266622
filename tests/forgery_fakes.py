"""A forgery ensemble that goes by the brightness of a photo, and a reader and a detector that need no model."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from faceagent.types import Box, Face
from faceagent_eval import forensic_figures, forensic_look
from faceagent_tools import weights
from faceagent_tools.forensics import ensemble

MIDDLE = 128
"""Grey level at even odds; 10 levels are one unit of log odds."""


def picture(level: int, side: int = 40) -> bytes:
    """A photo of one grey level. Level 0 has no face; side 20 is too small."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def put(path: Path, level: int, side: int = 40) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(level, side))


class FakeDetector:
    method = weights.method("yunet_n_dynamic")

    def detect(self, photo, image_id):
        if photo.pixels.mean() < 1:
            return ()
        box = Box(x0=0, y0=0, x1=photo.width, y1=photo.height)
        return (Face(id="face 1.1", image=image_id, box=box, score=1.0),)


class FakeReader:
    method = weights.method("faceagent-multitask")

    def read_photo(self, photo, face):
        return SimpleNamespace(points=np.zeros((78, 2)))


class FakeExaminer:
    network = SimpleNamespace(method=weights.method("meso4-df"))
    clip = None

    def __init__(self, *, clip=False):
        assert not clip

    def examine(self, photo, face, points):
        odds = (float(photo.pixels.mean()) - MIDDLE) / 10
        parts = {"network": odds, "swap": -odds, "synthesis": 0.0}
        chance = float(1 / (1 + np.exp(-odds)))
        usual = {
            "weighed": SimpleNamespace(strange=1.0),
            "look": SimpleNamespace(far=1.0),
            "blockiness": 0.0,
            "enlarged": 1.0,
            "synthetic": False,
            "stack": STACK,
        }
        return SimpleNamespace(log_odds=odds, probability=chance, parts=parts, **usual)


STACK = ensemble.Stack(
    weights={},
    intercept=0.0,
    high=2.0,
    low=-2.0,
    smallest=30.0,
    strangest=2.0,
    farthest=2.0,
    blockiest=1.0,
    most_enlarged=2.0,
    table={},
)
"""Faces of 30 pixels and more."""


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, and fewer rounds of bootstrap."""
    monkeypatch.setattr(forensic_figures, "_ROUNDS", 40)
    for name, fake in (("FaceDetector", FakeDetector), ("FaceReader", FakeReader), ("Examiner", FakeExaminer)):
        monkeypatch.setattr(forensic_look, name, fake)
    monkeypatch.setattr(forensic_look.readable, "why_not", lambda photo, face, reading: None)
    monkeypatch.setattr(forensic_look.weights, "find", lambda name: None)
