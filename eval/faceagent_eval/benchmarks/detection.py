"""How many faces the embedded detector finds of those that YuNet finds, and how many it invents, by its margin.

YuNet stands in for labels, which these photos lack for all but the main face. A face that dlib finds and YuNet does not
counts as invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceagent.media import Photo
from faceagent_eval.benchmark import Benchmark, Figure, LayoutError, Result, machine, versions
from faceagent_tools.detection import FaceDetector

FILES = ("identity/vip_one_person.parquet", "landmarks/helen68.parquet")
MARGINS = (0.0, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Photos:
    """Of one photo: faces that YuNet finds, margins of dlib's that agree, and of those that do not."""

    faces: int
    found: tuple[float, ...]
    invented: tuple[float, ...]


class Detection(Benchmark[bytes, Photos]):
    name = "detection"
    about = "recall and inventions of dlib's detector against YuNet on photos with several faces"
    layout = "DATA/\n  identity/vip_one_person.parquet\n  landmarks/helen68.parquet   (columns: image {bytes, path})"
    backends = ("dlib",)

    def items(self) -> Sequence[bytes]:
        import pyarrow.parquet

        rows: list[bytes] = []
        for name in FILES:
            if not (self.data / name).is_file():
                raise LayoutError(self.name, f"there is no {name}", self.layout)
            table = pyarrow.parquet.read_table(self.data / name, columns=["image"])
            rows += [row["image"]["bytes"] for row in table.to_pylist()]
        self._yunet, self._dlib = FaceDetector("yunet"), FaceDetector("dlib", margin=0.0)
        return rows

    def measure(self, item: bytes) -> Photos:
        photo = Photo.open(item)
        known = self._yunet.detect(photo, "image 1")
        found: list[float] = []
        invented: list[float] = []
        for face in self._dlib.detect(photo, "image 1"):
            agrees = any(face.box.iou(other.box) > 0.3 for other in known)
            (found if agrees else invented).append(face.score)
        return Photos(len(known), tuple(found), tuple(invented))

    def score(self, measured: Sequence[Photos]) -> Result:
        faces = sum(photo.faces for photo in measured)
        found = np.array([score for photo in measured for score in photo.found])
        invented = np.array([score for photo in measured for score in photo.invented])
        figures = []
        for margin in MARGINS:
            recall = float((found >= margin).sum()) / faces
            figures.append(Figure(name=f"recall at margin {margin}", value=recall, n=faces))
            wrong = float((invented >= margin).sum())
            figures.append(Figure(name=f"invented at margin {margin}", value=wrong, unit="faces", n=len(measured)))
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol="IoU above 0.3 with YuNet's box",
            figures=tuple(figures),
            methods=(self._yunet.method, self._dlib.method),
            machine=machine(),
            versions=versions("dlib-bin", "onnxruntime"),
        )
