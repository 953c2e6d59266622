"""What benchmarks on folders of labelled photos share: list files, the labelled face of a photo, what is missing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import cv2
import numpy as np

from faceagent.errors import InputError, MediaError, MissingExtra
from faceagent.media import Photo
from faceagent.types import Box, Face, Method
from faceagent_eval.benchmark import Benchmark, Figure, ItemScore, Result, machine, versions
from faceagent_eval.sampling import thinned
from faceagent_finetune.corpus.sources.published import csv_rows, listing
from faceagent_tools import weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import DETECTORS
from faceagent_tools.multitask import FaceReader
from faceagent_tools.trunk import WEIGHTS

SMALL = 100
"""Pixels; photos that are smaller are doubled before a face is looked for, as a user would who wants an answer."""
_SAME = 0.2
"""IoU from which a face that was found is the labelled one: detectors draw a face's edges in different places."""


@dataclass(frozen=True)
class Item:
    """A photo of a set, with its labels in subclasses. photo: where it should be."""

    photo: Path
    set: str


ItemT = TypeVar("ItemT", bound=Item)
FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class Seen(Generic[ItemT, FoundT]):
    """What came of a photo. found: None where its face was not found. readable: it is there and is a photo."""

    item: ItemT
    found: FoundT | None
    readable: bool = True


class PhotoBenchmark(Benchmark[ItemT, Seen[ItemT, FoundT]]):
    """A benchmark whose items are photos in files. A photo that is missing or cannot be read is counted and listed, and
    leaves the score incomplete. `limit`: photos of each set, evenly spread."""

    backends = tuple(DETECTORS)
    takes_limit = True

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        self.detector, self.reader = FaceDetector(self.finder), FaceReader()

    @property
    def finder(self) -> str:
        """The detector that finds the faces: the backend, where backends are detectors."""
        return self.backend

    @abstractmethod
    def look(self, item: ItemT, photo: Photo) -> FoundT | None:
        """What is measured in a photo, or None where the labelled face is not found."""

    def opened(self, item: ItemT) -> Photo:
        """The photo of an item.

        Raises:
            MediaError: it is not there, or cannot be read.
        """
        return Photo.open(item.photo)

    def measure(self, item: ItemT) -> Seen[ItemT, FoundT]:
        try:
            photo = self.opened(item)
        except MediaError:
            return Seen(item, None, readable=False)
        return Seen(item, self.look(item, photo))

    def chosen(self, items: Iterable[ItemT]) -> list[ItemT]:
        """The items, thinned to the limit.

        Raises:
            LayoutError: there are none, or none of their photos is there.
        """
        return self.present(thinned(items, self.limit, by=lambda item: item.set))

    def present(self, found: list[ItemT]) -> list[ItemT]:
        """The items as they are.

        Raises:
            LayoutError: there are none, or none of their photos is there.
        """
        if not found:
            raise self.mismatch(f"{self.data} holds none of these; it holds {listing(self.data)}")
        if not any(item.photo.is_file() for item in found):
            first = found[0].photo
            raise self.mismatch(f"no photo is there, the first missing one is {self._name(first)}")
        return found

    def lines(self, path: Path) -> list[str]:
        """The lines of a text file, without those that are blank at its end.

        Raises:
            LayoutError: there is no such file.
        """
        try:
            return path.read_text(encoding="utf-8-sig", errors="replace").rstrip().splitlines()
        except OSError:
            raise self.mismatch(f"there is no {self._name(path)}") from None

    def rows(self, path: Path, *columns: str) -> Iterator[Mapping[str, str]]:
        """The lines of a CSV file with these columns.

        Raises:
            LayoutError: there is no such file, it is no CSV, or a column is missing.
        """
        if not path.is_file():
            raise self.mismatch(f"there is no {self._name(path)}")
        try:
            yield from csv_rows(path, columns)
        except InputError as error:
            raise self.mismatch(error.message.replace(str(path), self._name(path))) from None

    def matrices(self, path: Path) -> Mapping[str, Any]:
        """The variables of a MATLAB file.

        Raises:
            LayoutError: it is not there, or damaged.
            MissingExtra: SciPy, which comes with the extra `eval`, is not installed.
        """
        try:
            # Imported where used: it is an optional package.
            from scipy.io import loadmat
            from scipy.io.matlab import MatReadError
        except ModuleNotFoundError:
            raise MissingExtra(f"Reading {path.name}", "eval") from None
        try:
            return dict(loadmat(str(path)))
        except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
            raise self.mismatch(f"{self._name(path)} cannot be read as a MATLAB file ({error})") from None

    def scored(
        self,
        measured: Sequence[Seen[ItemT, FoundT]],
        protocol: str,
        figures: Iterable[Figure],
        items: Iterable[ItemScore] = (),
        methods: Sequence[Method] | None = None,
        **more: Any,
    ) -> Result:
        """A result, with what every benchmark of this kind says.

        Args:
            methods: what was measured with; by default the detector and the network that reads faces.
        """
        missing = tuple(self.named(seen.item) for seen in measured if not seen.readable)
        used = (self.detector.method, weights.method(WEIGHTS), self.reader.method) if methods is None else methods
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=protocol,
            figures=tuple(figures),
            complete=not missing,
            missing=missing,
            methods=tuple(used),
            items=tuple(items),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "numpy"),
            **more,
        )

    def named(self, item: ItemT) -> str:
        """What a photo that is missing is called: its path from the data folder."""
        return self._name(item.photo)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.data).as_posix() if path.is_relative_to(self.data) else str(path)


def over(faces: Sequence[Face], box: Box) -> Face | None:
    """The face that overlaps most with a labelled one, or None where none does."""
    found = max(faces, key=lambda face: face.box.iou(box), default=None)
    return found if found is not None and found.box.iou(box) >= _SAME else None


def nearest_middle(faces: Sequence[Face], photo: Photo) -> Face | None:
    """The face nearest to the middle of the photo, or None where there is none."""

    def away(face: Face) -> float:
        x, y = face.box.centre
        return float(np.hypot(x - photo.width / 2, y - photo.height / 2))

    return min(faces, key=away, default=None)


def enlarged(photo: Photo) -> Photo:
    """The photo at twice its size where it is smaller than `SMALL`."""
    if min(photo.width, photo.height) >= SMALL:
        return photo
    size = (2 * photo.width, 2 * photo.height)
    return Photo.open(np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8))


def box_of(points: Any) -> Box:
    """The bounding box of points [N, 2]."""
    (x0, y0), (x1, y1) = np.min(points, axis=0).tolist(), np.max(points, axis=0).tolist()
    return Box(x0=x0, y0=y0, x1=x1, y1=y1)


def numbers(words: Sequence[str]) -> list[float] | None:
    """Words as finite numbers, or None where one is none."""
    try:
        found = [float(word) for word in words]
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None
