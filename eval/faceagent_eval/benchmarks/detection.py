"""How many faces a detector finds of those that YuNet finds, and how many it invents, by score.

YuNet stands in for labels, which these photos lack for all but the main face. A face that a detector finds and YuNet
does not counts as invented. On photos of one face that fills them, found means a box over the middle of the photo.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import MediaError
from faceagent.media import Photo
from faceagent.types import Face
from faceagent_eval.benchmark import Benchmark, Figure, ItemScore, LayoutError, Result, machine, versions
from faceagent_eval.figures import proportion, resampled
from faceagent_tools.detection import FaceDetector

GROUPS = ("identity/vip_one_person.parquet", "landmarks/helen68.parquet")
PORTRAITS = (
    "attributes/fairface.parquet",
    "attributes/utkface.parquet",
    "attributes/celeba40.parquet",
    "emotion/ferplus.parquet",
)
MOST_PORTRAITS = 400  # of each set's val split, evenly spread
DETECTORS: Mapping[str, tuple[str, ...]] = {
    "embedded": ("faceagent", "dlib"),
    "scrfd": ("scrfd",),
    "retinaface": ("retinaface",),
}
"""What is measured, by backend."""
_SURE = (0.5, 0.6, 0.7, 0.8, 0.9)
MARGINS = {
    "faceagent": (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8),
    "dlib": (0.0, 0.1, 0.2, 0.3, 0.5),
    "scrfd": _SURE,
    "retinaface": _SURE,
}
_SMALL = 128  # px: smaller photos are shown at twice their size, as in `reading`
_OVERLAP = 0.3
_PER_PHOTO = "per 100 photos"


@dataclass(frozen=True)
class Item:
    """One photo. file: of the set."""

    file: str
    kind: Literal["group", "portrait"]
    photo: bytes


@dataclass(frozen=True)
class Seen:
    """What one detector finds in one photo.

    found: score on each of YuNet's faces (-1: none). invented: scores of the others. middle: whether a face lies over
    the middle. errors: mean distance of the corners of found boxes from YuNet's, in face sizes. seconds: it took.
    """

    found: tuple[float, ...]
    invented: tuple[float, ...]
    middle: bool
    errors: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Looks:
    """All of one photo.

    shown: what each detector finds as the product uses it; all: everything down to its lowest margin, on photos with
    several faces. reference: whether YuNet has a face over the middle.
    """

    item: Item
    shown: dict[str, Seen]
    all: dict[str, Seen]
    reference: bool
    unreadable: bool = False


class Detection(Benchmark[Item, Looks]):
    """See the module. `limit`: photos of each file."""

    name = "detection"
    about = "recall and inventions of detectors against YuNet, on photos with several faces and on portraits"
    layout = "DATA/\n" + "\n".join(f"  {name}   (columns: image {{bytes, path}})" for name in (*GROUPS, *PORTRAITS))
    backends = tuple(DETECTORS)
    takes_limit = True

    def items(self) -> Sequence[Item]:
        import pyarrow.parquet

        items: list[Item] = []
        for name in (*GROUPS, *PORTRAITS):
            if not (self.data / name).is_file():
                raise LayoutError(self.name, f"there is no {name}", self.layout)
            group = name in GROUPS
            table = pyarrow.parquet.read_table(self.data / name, columns=["image"] if group else ["image", "split"])
            photos = [row["image"]["bytes"] for row in table.to_pylist() if group or row["split"] == "val"]
            step = 1 if group else max(len(photos) // MOST_PORTRAITS, 1)
            items += [Item(name, "group" if group else "portrait", photo) for photo in photos[::step][: self.limit]]
        self._yunet = FaceDetector("yunet")
        self._detectors = {name: FaceDetector(name) for name in DETECTORS[self.backend]}
        lowest = {name: MARGINS[name][0] for name in self._detectors}
        self._eager = {name: FaceDetector(name, margin=at, floor=at) for name, at in lowest.items()}
        return items

    def measure(self, item: Item) -> Looks:
        try:
            photo = Photo.open(item.photo)
        except MediaError:
            return Looks(item, {}, {}, reference=False, unreadable=True)
        if min(photo.width, photo.height) < _SMALL:
            size = (2 * photo.width, 2 * photo.height)
            photo = Photo.open(np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8))
        known = self._yunet.detect(photo, "image 1")
        eager = self._eager if item.kind == "group" else {}
        return Looks(
            item,
            shown={name: _seen(one, photo, known) for name, one in self._detectors.items()},
            all={name: _seen(one, photo, known) for name, one in eager.items()},
            reference=_over_middle(photo, known),
        )

    def score(self, measured: Sequence[Looks]) -> Result:
        figures: list[Figure] = []
        missing = tuple(f"{one.item.file}, photo {place}" for place, one in enumerate(measured) if one.unreadable)
        measured = [one for one in measured if not one.unreadable]
        groups = [looks for looks in measured if looks.item.kind == "group"]
        for name in self._detectors:
            figures += _group_figures(name, groups)
        for file in PORTRAITS:
            looks = [one for one in measured if one.item.file == file]
            if not looks:
                continue
            label = file.rpartition("/")[2].removesuffix(".parquet")
            shares = {name: [one.shown[name].middle for one in looks] for name in self._detectors}
            for name, found in {**shares, "yunet": [one.reference for one in looks]}.items():
                figures.append(proportion(f"{label}: {name} finds it", found))
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol="photos with several faces: IoU above 0.3 with YuNet's box; portraits: a box over the middle",
            figures=tuple(figures),
            complete=not missing,
            missing=missing,
            items=tuple(row for name in self._detectors for row in _item_scores(name, measured)),
            methods=(self._yunet.method, *(one.method for one in self._detectors.values())),
            machine=machine(),
            versions=versions("dlib-bin", "onnxruntime"),
        )


def _seen(detector: FaceDetector, photo: Photo, known: Sequence[Face]) -> Seen:
    begun = time.perf_counter()
    faces = detector.detect(photo, "image 1")
    seconds = time.perf_counter() - begun
    best, errors = [], []
    for other in known:
        same = max((face for face in faces if face.box.iou(other.box) > _OVERLAP), key=_score, default=None)
        best.append(same.score if same else -1.0)
        if same is not None:
            corners = ("x0", "y0", "x1", "y1")
            apart = np.abs([getattr(same.box, corner) - getattr(other.box, corner) for corner in corners])
            errors.append(float(apart.mean() / np.sqrt(other.box.area)))
    invented = [face.score for face in faces if not any(face.box.iou(other.box) > _OVERLAP for other in known)]
    return Seen(tuple(best), tuple(invented), _over_middle(photo, faces), tuple(errors), seconds)


def _score(face: Face) -> float:
    return face.score


def _over_middle(photo: Photo, faces: Sequence[Face]) -> bool:
    return any(
        face.box.x0 < photo.width / 2 < face.box.x1 and face.box.y0 < photo.height / 2 < face.box.y1 for face in faces
    )


def _item_scores(name: str, measured: Sequence[Looks]) -> Iterator[ItemScore]:
    """Of each photo the share of YuNet's faces that a detector finds, or whether it finds the one in the middle."""
    for number, one in enumerate(measured):
        seen = one.shown[name]
        if one.item.kind == "portrait":
            yield ItemScore(id=f"photo {number}", of=f"{name}: portrait found", right=seen.middle)
        elif seen.found:
            found = float(np.mean([score >= 0 for score in seen.found]))
            yield ItemScore(id=f"photo {number}", of=f"{name}: recall, by photo", score=found)


def _group_figures(name: str, looks: Sequence[Looks]) -> list[Figure]:
    shown, eager = [one.shown[name] for one in looks], [one.all[name] for one in looks]
    figures = _rates(name, shown, -1.0, "")
    for margin in MARGINS[name]:
        figures += _rates(name, eager, margin, f" at {margin}")
    # A photo is drawn with all its faces.
    errors = [one.errors for one in shown if one.errors]
    if errors:
        columns = [np.array([sum(one) for one in errors]), np.array([len(one) for one in errors])]
        count = int(columns[1].sum())
        figures.append(resampled(f"{name}: corners from YuNet's, in face sizes", _ratio, columns, n=count))
    spent = 1000 * float(np.median([one.seconds for one in shown]))
    figures.append(Figure(name=f"{name}: a photo", value=spent, unit="ms", n=len(shown), note="median, all searches"))
    return figures


def _rates(name: str, seen: Sequence[Seen], margin: float, where: str) -> list[Figure]:
    faces = np.array([len(one.found) for one in seen])
    found = np.array([sum(score >= max(margin, 0.0) for score in one.found) for one in seen])
    invented = np.array([sum(score >= margin for score in one.invented) for one in seen])
    return [
        resampled(f"{name}: recall{where}", _ratio, [found, faces], n=int(faces.sum())),
        resampled(f"{name}: invented{where}", lambda column: 100 * float(column.mean()), [invented], unit=_PER_PHOTO),
    ]


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> float:
    return float(part.sum() / max(whole.sum(), 1))
