"""Explanations of a likeness: do the parts that are marked carry it, and is a part that was exchanged found?

Pairs of photos of one person (LFW). Deletion and insertion (Petsiuk et al. 2018, arXiv:1806.07421): the aligned face is
blurred from its most supporting places on, or shown from them on, and the likeness that is left is averaged over the
steps, as a share of that between all blurred (0) and nothing blurred (1). Chance: places in random order. Exchanged
parts (after the inpainting game of Williford et al. 2020): one part is replaced by somebody else's in the first photo;
it counts as found where its support is the lowest of all parts. Chance: the share of guesses that would be right if the
exchanged face had nothing to do with it, which is how often that part has the lowest support in the photo as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import MediaError
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
    photos: tuple[bytes | None, bytes | None, bytes | None]
    """None for one that is not there."""
    part: str


@dataclass(frozen=True)
class Read:
    """deletion, insertion: mean likeness left, of the explanation and of random order. lowest: the part of lowest
    support in the exchanged photo, and in the photo as it was."""

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


Measured = Read | Literal["no face", "unreadable"]


class Explain(Benchmark[Item, Measured]):
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
        found = {portrait.name: portrait.read and portrait.read() for portrait in find_portraits(self.data, names)}
        if all(raw is None for raw in found.values()):
            first = names[0] if names else "none is named"
            raise LayoutError(self.name, f"no portrait is there, the first missing one is {first}", LAYOUT)
        self._items = [Item(" ".join(row), (found[row[0]], found[row[1]], found[row[2]]), part) for row, part in rows]
        return self._items

    def measure(self, item: Item) -> Measured:
        try:
            photos = [Photo.open(raw) for raw in item.photos if raw is not None]
        except MediaError:
            photos = []
        if len(photos) < len(item.photos):
            return "unreadable"
        first, second, other = (self._portrait(photo) for photo in photos)
        if first is None or second is None or other is None:
            return "no face"
        mate = self._embedder.embed(second.photo, second.face)
        chip, points = self._chip(first.photo, first), regions.in_crop(first.photo, first.face, first.points)
        found = saliency.support(self._trunk, chip, mate)
        exchanged = self._chip(exchange(first, other, item.part), first)
        return Read(
            item.part,
            *self._curves(chip, found, mate, np.random.default_rng(SEED)),
            (self._lowest(exchanged, points, mate), _lowest(found, points)),
        )

    def _portrait(self, photo: Photo) -> Portrait | None:
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

    def score(self, measured: Sequence[Measured]) -> Result:
        reads = [read for read in measured if not isinstance(read, str)]
        missing = tuple(item.name for item, read in zip(self._items, measured, strict=True) if read == "unreadable")
        faceless = sum(read == "no face" for read in measured)
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{len(reads)} pairs of one person, one part of each exchanged",
            figures=tuple(_figures(reads)),
            methods=(
                self._detector.method,
                weights.method(align.POINTS),
                self._embedder.method,
                self._reader.method,
            ),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "numpy"),
            complete=not missing,
            missing=missing,
            notes=(f"In {faceless} items a face was not found",) * (faceless > 0),
        )


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


def _figures(reads: Sequence[Read]) -> Iterator[Figure]:
    if not reads:
        return
    yield from _curve("deletion", np.array([read.deletion for read in reads]), "lower is better")
    yield from _curve("insertion", np.array([read.insertion for read in reads]), "higher is better")
    found, before = ([read.lowest[place] == read.part for read in reads] for place in (0, 1))
    yield proportion("exchanged part found", found, "its support is the lowest of all parts")
    yield proportion("exchanged part found, chance", before, "the same in the photo as it was")


def _curve(name: str, values: npt.NDArray[np.float64], note: str) -> tuple[Figure, Figure]:
    return (
        resampled(name, _mean, [values[:, 0]], note=note),
        resampled(f"{name}, chance", _mean, [values[:, 1]], note="places in random order"),
    )


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean())
