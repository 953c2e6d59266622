"""A toy set in the layout of LFW: six "people" in plain colours, and a detector and a network that know them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from faceagent.types import Box, Face
from faceagent_tools import weights

PEOPLE = {f"Person_{letter}": index for index, letter in enumerate("ABCDEF")}
NAMES = [f"{person}_{number:04d}" for person in PEOPLE for number in (1, 2)]


def picture(name: str) -> bytes:
    """A portrait whose colour says who it is; the second of each is a little darker."""
    person, _, number = name.rpartition("_")
    pixels = np.full((60, 60, 3), 40 * PEOPLE[person] + 20 - 3 * int(number), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class FakeDetector:
    """Finds a central face, and none in the portraits of Person_F."""

    method = weights.method("yunet_n_dynamic")

    def __init__(self, backend, floor=0.0):
        self.backend = backend

    def detect(self, photo, image_id):
        if photo.name.startswith("Person_F"):
            return ()
        return (Face(id="face 1.1", image=image_id, box=Box(x0=20, y0=20, x1=40, y1=40), score=1.0),)


class FakeEmbedder:
    """Colours to points on a circle."""

    method = weights.method("dlib_face_recognition_resnet_model_v1")

    def chip(self, photo, face):
        return photo.pixels

    def embed_chip(self, chip):
        angle = float(chip.mean()) / 100
        return np.array([np.cos(angle), np.sin(angle), *np.zeros(126)], dtype=np.float32)


def original_layout(folder: Path, under: str = "lfw", without: tuple[str, ...] = ()) -> Path:
    people = list(PEOPLE)
    lines = ["2\t3"]
    for fold in (people[:3], people[3:]):
        lines += [f"{person}\t1\t2" for person in fold]
        lines += [f"{one}\t1\t{other}\t2" for one, other in zip(fold, fold[1:] + fold[:1], strict=True)]
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in NAMES:
        if name not in without:
            path = folder / under / name.rpartition("_")[0] / f"{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(name))
    return folder
