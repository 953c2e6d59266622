"""What the shipped network reads in labelled photos that its training did not see, through the product's own detection.

`faceagent_finetune.nets.multitask.evaluate` measures the network on crops; this measures the product: a photo in which
no face is found has no answer. Figures are of the photos that have one, beside the share that has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent import policy
from faceagent.media import Photo
from faceagent.types import Face
from faceagent_eval.benchmark import Benchmark, Figure, LayoutError, Result, machine, versions
from faceagent_finetune.nets.multitask import crops, evaluate
from faceagent_tools import align
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import DETECTORS
from faceagent_tools.multitask import FaceReader
from faceagent_tools.trunk import CHIP_PADDING, CHIP_SIZE

Outputs = dict[str, npt.NDArray[np.float64]]
SETS = ("fairface", "utkface", "celeba40", "ferplus")
FIGURES = {
    "fairface": ("gender_accuracy", "race_accuracy", "age_group_accuracy"),
    "utkface": ("age_mae_years", "gender_accuracy"),
    "celeba40": ("attribute_accuracy", "attribute_balanced_accuracy"),
    "ferplus": ("expression_accuracy",),
}
AGES_NEAR_THE_LINE = ((0, 3), (4, 9), (10, 13), (14, 17), (18, 20), (21, 25), (26, 40))
_SMALL = 100  # pixels: photos of a set that are smaller than this are doubled, as a user would who wants an answer


@dataclass(frozen=True)
class Item:
    """A photo of the val split: its set, its encoded bytes, its labels."""

    name: str
    photo: bytes
    row: dict[str, Any]


class Reading(Benchmark[Item, Outputs | None]):
    name = "reading"
    about = "age, gender, ethnicity, attributes and expression on val photos, through the product's own detection"
    layout = "DATA/\n" + "\n".join(f"  {crops.SOURCES[name].file}" for name in SETS)
    backends = tuple(DETECTORS)

    def items(self) -> Sequence[Item]:
        found = []
        for name in SETS:
            file = self.data / crops.SOURCES[name].file
            if not file.is_file():
                raise LayoutError(self.name, f"there is no {crops.SOURCES[name].file}", self.layout)
            rows = [row for row in crops.read(file) if row["split"] == "val"]
            found += [Item(name, row["image"]["bytes"], row) for row in rows]
        self._items = found
        self._detector, self._reader = FaceDetector(self.backend), FaceReader()
        return found

    def measure(self, item: Item) -> Outputs | None:
        photo = Photo.open(item.photo)
        if min(photo.width, photo.height) < _SMALL:
            size = (2 * photo.width, 2 * photo.height)
            photo = Photo.open(np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8))
        faces = self._detector.detect(photo, "image 1")
        if not faces:
            return None
        chip = align.face_chip(photo, min(faces, key=_from_middle(photo)), size=CHIP_SIZE, padding=CHIP_PADDING)
        return self._reader.outputs(chip)

    def score(self, measured: Sequence[Outputs | None]) -> Result:
        figures = []
        for name in SETS:
            pairs = [(item, out) for item, out in zip(self._items, measured, strict=True) if item.name == name]
            read = [(item, out) for item, out in pairs if out is not None]
            figures.append(Figure(name=f"{name}: face found", value=len(read) / max(len(pairs), 1), n=len(pairs)))
            if not read:
                continue
            wanted = crops.SOURCES[name].targets([item.row for item, _ in read])
            out = {head: np.stack([made[head] for _, made in read]) for head in read[0][1]}
            told = evaluate.MEASURES[name](out, wanted)
            figures += [
                Figure(name=f"{name}: {key.replace('_', ' ')}", value=told[key], n=len(read))
                for key in FIGURES[name]
                if told[key] is not None
            ]
            if name == "utkface":
                figures += _minors(evaluate.years(out["age"]), wanted["age"][:, 0])
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol="val splits; of several faces the one nearest to the middle; no stand-in where no face is found",
            figures=tuple(figures),
            methods=(self._detector.method, self._reader.method),
            machine=machine(),
            versions=versions("dlib-bin", "onnxruntime"),
        )


def _minors(looks: npt.NDArray[np.float64], true: npt.NDArray[np.float64]) -> list[Figure]:
    """By true age, how many look younger than the line below which less is told of a face (`policy.age_line`)."""
    found = []
    for low, high in AGES_NEAR_THE_LINE:
        among = (true >= low) & (true <= high)
        if among.any():
            share = float((looks[among] < policy.age_line()).mean())
            found.append(Figure(name=f"utkface: looks a minor, aged {low}-{high}", value=share, n=int(among.sum())))
    return found


def _from_middle(photo: Photo) -> Callable[[Face], float]:
    def distance(face: Face) -> float:
        x, y = face.box.centre
        return float(np.hypot(x - photo.width / 2, y - photo.height / 2))

    return distance
