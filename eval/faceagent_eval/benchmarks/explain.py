"""Explanations of a likeness: do the parts that are marked carry it, and is a part that was exchanged found?

Pairs of photos of one person (LFW). Deletion and insertion (Petsiuk et al. 2018, arXiv:1806.07421): the aligned face is
blurred from its most supporting places on, or shown from them on, and the likeness that is left is averaged over the
steps, as a share of that between all blurred (0) and nothing blurred (1). Chance: places in random order. Exchanged
parts (after the inpainting game of Williford et al. 2020): one part is replaced by somebody else's in the first photo;
it counts as found where its support is the lowest of all parts. Chance: the share of guesses that would be right if the
exchanged face had nothing to do with it, which is how often that part has the lowest support in the photo as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Photo, Pixels
from faceagent.types import Face
from faceagent_eval.benchmark import Benchmark, Figure, LayoutError, Result, machine, versions
from faceagent_eval.benchmarks.lfw import LAYOUT, find_portraits, read_pairs
from faceagent_eval.figures import proportion, resampled
from faceagent_finetune.nets.forensic import blends
from faceagent_finetune.nets.forensic.areas import Face as Drawn
from faceagent_tools import align, trunk, weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import Embedding, FaceEmbedder, main_face
from faceagent_tools.identity import regions, saliency
from faceagent_tools.multitask import FaceReader
from faceagent_tools.similarity import Floats
from faceagent_tools.trunk import Trunk

PAIRS = 100
SEED = 0
_STEPS = np.linspace(0, 1, 9)
_SOFT = 2.0  # pixels by which the rim of an exchanged part is blended
_CELL = trunk.CHIP_SIZE // 10


@dataclass(frozen=True)
class Item:
    """Two photos of one person, and one of somebody else of whom a part is taken. part: of `regions.PARTS`."""

    name: str
    photos: tuple[bytes, bytes, bytes]
    part: str


@dataclass(frozen=True)
class Read:
    """deletion, insertion: mean likeness left, of the explanation and of random order. lowest: the part of lowest
    support in the exchanged photo, and in the photo as it was. None where a face was not found."""

    part: str
    deletion: tuple[float, float]
    insertion: tuple[float, float]
    lowest: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Portrait:
    """A photo with its main face; points [78, 2] in pixels of the photo."""

    photo: Photo
    face: Face
    points: Floats


class Explain(Benchmark[Item, Read | None]):
    """See the module."""

    name = "explain"
    about = "explanations of a likeness: deletion, insertion, and exchanged parts found (LFW)"
    layout = LAYOUT
    backends = ("occlusion",)
    takes_limit = True

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        self._trunk, self._detector = Trunk(), FaceDetector()
        self._reader, self._embedder = FaceReader(self._trunk), FaceEmbedder(self._trunk)

    def items(self) -> Sequence[Item]:
        pairs = read_pairs(self.data)
        same = [pair for pair in pairs if pair.same]
        generator = np.random.default_rng(SEED)
        chosen = [same[place] for place in generator.permutation(len(same))[: self.limit or PAIRS]]
        others = [pairs[place] for place in generator.permutation(len(pairs))]
        rows = []
        for number, pair in enumerate(chosen):
            person = pair.a.rpartition("_")[0]
            other = next(one.b for one in others[number:] if one.b.rpartition("_")[0] != person)
            rows.append(((pair.a, pair.b, other), regions.PARTS[1 + number % (len(regions.PARTS) - 1)]))
        names = tuple(dict.fromkeys(name for row, _ in rows for name in row))
        found = {portrait.name: portrait.read for portrait in find_portraits(self.data, names)}
        missing = next((name for name in names if found[name] is None), None)
        if missing:
            raise LayoutError(self.name, f"{missing} is not there", LAYOUT)
        return [
            Item(row[0], (read(found[row[0]]), read(found[row[1]]), read(found[row[2]])), part) for row, part in rows
        ]

    def measure(self, item: Item) -> Read | None:
        first, second, other = (self._portrait(raw) for raw in item.photos)
        if first is None or second is None or other is None:
            return None
        mate = self._embedder.embed(second.photo, second.face)
        chip, points = self._chip(first.photo, first), regions.in_crop(first.photo, first.face, first.points)
        found = saliency.support(self._trunk, chip, mate)
        exchanged = self._chip(exchange(first, other, item.part), first)
        return Read(
            item.part,
            *self._curves(chip, found, mate, np.random.default_rng(SEED)),
            (self._lowest(exchanged, points, mate), _lowest(found, points)),
        )

    def _portrait(self, raw: bytes) -> Portrait | None:
        photo = Photo.open(raw)
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        return None if face is None else Portrait(photo, face, self._reader.read_photo(photo, face).points)

    def _chip(self, photo: Photo, like: Portrait) -> Pixels:
        return align.face_chip(photo, like.face, trunk.CHIP_SIZE, trunk.CHIP_PADDING)

    def _lowest(self, chip: Pixels, points: Floats, mate: Embedding) -> str:
        return _lowest(saliency.support(self._trunk, chip, mate), points)

    def _curves(
        self, chip: Pixels, found: Floats, mate: Embedding, generator: np.random.Generator
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Deletion and insertion, each of the explanation and of random cells."""
        cells = np.kron(generator.random((10, 10)), np.ones((_CELL, _CELL)))
        deleted, inserted = [], []
        for order in (found, cells):
            ranks = order.argsort(axis=None).argsort().reshape(order.shape) / (order.size - 1)
            masks = [*(ranks >= 1 - share for share in _STEPS), *(ranks < 1 - share for share in _STEPS)]
            chips = np.stack([saliency.blurred(chip, mask.astype(np.float64)) for mask in masks])
            left = saliency.cosines(self._trunk, chips, mate)
            none, all_ = left[0], left[len(_STEPS) - 1]
            share = (left - all_) / (none - all_)
            deleted.append(float(share[: len(_STEPS)].mean()))
            inserted.append(float(share[len(_STEPS) :].mean()))
        return (deleted[0], deleted[1]), (inserted[0], inserted[1])

    def score(self, measured: Sequence[Read | None]) -> Result:
        reads = [read for read in measured if read is not None]
        hits = np.array([read.lowest[0] == read.part for read in reads])
        before = np.array([read.lowest[1] == read.part for read in reads])
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{len(reads)} pairs of one person, one part of each exchanged",
            figures=(
                *_curve("deletion", np.array([read.deletion for read in reads]), "lower is better"),
                *_curve("insertion", np.array([read.insertion for read in reads]), "higher is better"),
                proportion("exchanged part found", hits, "its support is the lowest of all parts"),
                proportion("exchanged part found, chance", before, "the same in the photo as it was"),
            ),
            methods=(
                self._detector.method,
                weights.method(align.POINTS),
                self._embedder.method,
                self._reader.method,
            ),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "numpy"),
            notes=(f"In {len(measured) - len(reads)} items a face was not found",) * (len(reads) < len(measured)),
        )


def read(given: object) -> bytes:
    """The bytes of a portrait."""
    assert callable(given)
    return bytes(given())


def exchange(first: Portrait, other: Portrait, part: str) -> Photo:
    """The first photo with a part of the other face, drawn to its points and colours."""
    below = Drawn(first.photo.pixels, first.points[:68].astype(np.float32))
    above = blends.fitted(Drawn(other.photo.pixels, other.points[:68].astype(np.float32)), below)
    _, across = align.face_chip_and_map(first.photo, first.face, trunk.CHIP_SIZE, trunk.CHIP_PADDING)
    mask = regions.masks(first.points @ across[:, :2].T + across[:, 2])[part].astype(np.float32)
    size = (first.photo.width, first.photo.height)
    placed = cv2.warpAffine(mask, across, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    soft = np.asarray(cv2.GaussianBlur(placed, (0, 0), _SOFT), np.float32)
    return Photo.open(blends.blended(below.pixels, blends.matched(above, below, 1.0), soft))


def _lowest(found: Floats, points: Floats) -> str:
    support = saliency.by_region(found, points)
    return min(support, key=lambda name: support[name])


def _curve(name: str, values: npt.NDArray[np.float64], note: str) -> tuple[Figure, Figure]:
    return (
        resampled(name, _mean, [values[:, 0]], note=note),
        resampled(f"{name}, chance", _mean, [values[:, 1]], note="places in random order"),
    )


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean())
