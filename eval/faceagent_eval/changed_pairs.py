"""Pairs of portraits of which one is changed: what is left of the likeness, held against what it was before."""

from __future__ import annotations

import zlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceagent.errors import MediaError
from faceagent.media import Photo, Pixels
from faceagent.types import Face
from faceagent_eval import metrics
from faceagent_eval.benchmark import Benchmark, Figure, ItemScore, Result, machine, versions
from faceagent_eval.benchmarks.lfw import LAYOUT, Portrait, central_crop, find_portraits, read_pairs
from faceagent_eval.digest import anonymous
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.verification import Pair, thinned
from faceagent_tools import similarity
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import DETECTORS
from faceagent_tools.embedding import FaceEmbedder, main_face
from faceagent_tools.similarity import DEFAULT_RATE

BEFORE = "unchanged"
FAR = 0.01


@dataclass(frozen=True)
class Item:
    pair: Pair
    a: Portrait
    b: Portrait


@dataclass(frozen=True)
class Likeness:
    """alike: similarity of compare_faces by change, `BEFORE` first; empty where a portrait cannot be read. found: by
    change, whether a face is still found, where that is asked."""

    item: Item
    alike: Mapping[str, float]
    found: Mapping[str, bool]


class ChangedPairs(Benchmark[Item, Likeness]):
    """Base of such benchmarks, on the pairs of LFW in either layout. `limit`: pairs of each kind, evenly spread."""

    layout = LAYOUT
    backends = tuple(DETECTORS)
    takes_limit = True

    @abstractmethod
    def changes(self) -> Sequence[str]:
        """Their names."""

    @abstractmethod
    def changed(
        self, name: str, photo: Photo, face: Face, other: Pixels, same: bool, rng: np.random.Generator
    ) -> Photo | Pixels:
        """A changed copy of the photo, or a changed aligned face of it.

        Args:
            other: the aligned face of the other photo. same: whether both show one person.
        """

    def items(self) -> Sequence[Item]:
        kept = thinned(read_pairs(self.data), self.limit)
        names = tuple(dict.fromkeys(name for pair in kept for name in (pair.a, pair.b)))
        portraits = {portrait.name: portrait for portrait in find_portraits(self.data, names)}
        if all(portrait.read is None for portrait in portraits.values()):
            first = names[0] if names else "none is named"
            raise self.mismatch(f"no portrait is there, the first missing one is {first}")
        self.detector, self.embedder = FaceDetector(self.backend), FaceEmbedder()
        return [Item(pair, portraits[pair.a], portraits[pair.b]) for pair in kept]

    def measure(self, item: Item) -> Likeness:
        try:
            photos = [Photo.open(one.read(), name=one.name) for one in (item.a, item.b) if one.read is not None]
        except MediaError:
            photos = []
        if len(photos) < 2:
            return Likeness(item, {}, {})
        faces = [self._face(photo) for photo in photos]
        chips = [self.embedder.chip(photo, face) for photo, face in zip(photos, faces, strict=True)]
        reference = self.embedder.embed_chip(chips[1])
        alike = {BEFORE: similarity.similarity(self.embedder.embed_chip(chips[0]), reference)}
        found: dict[str, bool] = {}
        for name in self.changes():
            rng = np.random.default_rng(zlib.crc32(f"{name} {item.pair.a} {item.pair.b}".encode()))
            made = self.changed(name, photos[0], faces[0], chips[1], item.pair.same, rng)
            if isinstance(made, Photo):
                seen = self.detector.detect(made, "image 1")
                found[name] = any(face.box.iou(faces[0].box) > 0.3 for face in seen)
                made = self.embedder.chip(made, faces[0])
            alike[name] = similarity.similarity(self.embedder.embed_chip(made), reference)
        return Likeness(item, alike, found)

    def _face(self, photo: Photo) -> Face:
        faces = self.detector.detect(photo, "image 1")
        return main_face(faces, photo.width, photo.height) or central_crop(photo)

    def score(self, measured: Sequence[Likeness]) -> Result:
        rows = [row for row in measured if row.alike]
        missing = tuple(f"{row.item.pair.a} and {row.item.pair.b}" for row in measured if not row.alike)
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{len(measured)} pairs, the first portrait of each changed, the face taken where it was before; "
            f"thresholds are of the unchanged pairs",
            figures=tuple(_figures(rows, self.changes())),
            complete=not missing,
            missing=missing,
            items=tuple(
                ItemScore(
                    id=f"pair {number}",
                    of=name,
                    label=row.item.pair.same,
                    score=row.alike.get(name),
                    group=anonymous(row.item.pair.a.rpartition("_")[0]),
                )
                for number, row in enumerate(measured)
                for name in (BEFORE, *self.changes())
            ),
            methods=(self.detector.method, self.embedder.method),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "opencv-python-headless", "numpy"),
        )


def _figures(rows: Sequence[Likeness], changes: Sequence[str]) -> Iterator[Figure]:
    same = np.array([row.item.pair.same for row in rows], np.bool_)
    if not same.any() or same.all():
        return
    before = np.array([row.alike[BEFORE] for row in rows])
    _, line = metrics.tar_at_far(before[same], before[~same], FAR)
    table = similarity.table()
    for name in (BEFORE, *changes):
        alike = np.array([row.alike[name] for row in rows])
        supported = np.array([table.finding(value, DEFAULT_RATE) == "supported" for value in alike])
        yield proportion(f"{name}: true matches at the threshold of FAR {FAR:.0%}", alike[same] >= line)
        yield proportion(f"{name}: false matches at that threshold", alike[~same] >= line)
        yield proportion(f"{name}: one person called so by compare_faces", supported[same])
        yield proportion(f"{name}: two people called one", supported[~same])
        yield resampled(f"{name}: AUC", _auc, [alike, same], rounds=500, note="0.5: nothing of the person is left")
        if any(name in row.found for row in rows):
            yield proportion(f"{name}: a face is still found", [row.found[name] for row in rows])


def _auc(alike: metrics.Floats, same: metrics.Bools) -> float:
    """Of a draw; one without both kinds, which of many pairs does not happen, ranks nothing."""
    return round(metrics.auc(metrics.roc(alike, same)), 9) if same.any() and not same.all() else 0.5
