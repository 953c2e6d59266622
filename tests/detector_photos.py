"""The astronaut as a set of photos with labels, for tests of what trains the detector."""

from __future__ import annotations

import numpy as np
import skimage.data

from faceagent_finetune.nets.detector import labels
from faceagent_finetune.nets.detector.labels import PhotoSet

ASTRONAUT = skimage.data.astronaut()[:256, 100:356]
BOX = np.array([75.0, 65.0, 170.0, 180.0])
POINTS = np.array([[103.0, 103.0], [147.0, 104.0], [125.0, 130.0], [107.0, 148.0], [143.0, 149.0]])


def photo_set(name: str = "lfw", score: float = 0.9, photos: int = 3) -> PhotoSet:
    """The astronaut several times, the last photo put aside."""
    part = np.array([labels.TRAIN] * (photos - 1) + [labels.TUNE], np.uint8)
    return PhotoSet(
        name,
        np.repeat(ASTRONAUT[None], photos, axis=0),
        part,
        np.arange(photos, dtype=np.int32),
        np.repeat(BOX[None].astype(np.float32), photos, axis=0),
        np.repeat(POINTS[None].astype(np.float32), photos, axis=0),
        np.full(photos, score, np.float32),
    )
