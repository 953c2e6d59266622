"""Labeled Faces in the Wild: are two portraits of the same person? (Huang et al. 2007, view 2.)

Protocol: accuracy by k folds, the threshold of each fold chosen on the others ("unrestricted, labelled outside data",
as the recognition network was trained elsewhere). The person of a portrait is the large central face. The set promises
one, so where the detector is not sure of any, its best weak candidate stands in, and where there is none, the central
crop, as is usual on this set. Such portraits are counted, and the accuracy with all their pairs counted as wrong is
given beside.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from faceagent.errors import InputError, MediaError, MissingExtra
from faceagent.media import Photo, Pixels
from faceagent.types import Box, Face
from faceagent_eval import verification
from faceagent_eval.benchmark import Benchmark, Figure, LayoutError, Result, machine, versions
from faceagent_eval.figures import proportion
from faceagent_eval.verification import Pair
from faceagent_finetune.corpus.sources.lfw import read_pairs as published_pairs
from faceagent_tools import weights
from faceagent_tools.align import POINTS
from faceagent_tools.detection import FaceDetector
from faceagent_tools.detectors import DETECTORS
from faceagent_tools.embedding import Embedding, FaceEmbedder, main_face

LAYOUT = """\
DIR/                             the original set            or   DIR/                      one file
  pairs.txt                      10 folds of 300 + 300              lfw_pairs*.csv          fold,a,b,same
  lfw/  (or DIR itself)                                             lfw_images.parquet      image {bytes, path}, name
    Aaron_Peirsol/
      Aaron_Peirsol_0001.jpg"""

# Side of the central crop, as a share of the portrait: the median face box of the set.
_CENTRAL = 0.44
# dlib's score from which a candidate is looked at where nothing better is there; false finds are usual below 0.
_WEAK = -0.5
_FOLDERS = ("", "lfw", "lfw-deepfunneled", "lfw_funneled", "lfw-funneled")


@dataclass(frozen=True)
class Portrait:
    """A name such as Aaron_Peirsol_0001 and how to get the bytes; `read` is None where the file is missing."""

    name: str
    read: Callable[[], bytes] | None


@dataclass(frozen=True)
class Read:
    """What was measured on a portrait. milliseconds: detect, align, embed."""

    name: str
    embedding: Embedding | None
    detected: bool = False
    milliseconds: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Lfw(Benchmark[Portrait, Read]):
    """Pairs and portraits in either of two layouts; see `LAYOUT`. `limit`: pairs of one person, and of two."""

    name = "lfw"
    about = "Labeled Faces in the Wild, view 2: verification of pairs"
    layout = LAYOUT
    backends = tuple(DETECTORS)
    takes_limit = True
    central: ClassVar[float] = _CENTRAL

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        self._detector = FaceDetector(self.backend)
        self._insistent = FaceDetector(self.backend, floor=_WEAK)
        self._embedder = FaceEmbedder()
        self._pairs: tuple[Pair, ...] = ()

    def items(self) -> Sequence[Portrait]:
        self._pairs = verification.thinned(read_pairs(self.data), self.limit)
        names = dict.fromkeys(name for pair in self._pairs for name in (pair.a, pair.b))
        portraits = find_portraits(self.data, tuple(names))
        first = portraits[0]
        if all(portrait.read is None for portrait in portraits):
            raise LayoutError(self.name, f"no portrait is there, the first missing one is {first.name}", LAYOUT)
        return portraits

    def measured_data(self, items: Sequence[Portrait]) -> Iterator[object]:
        yield from self._pairs
        yield from items

    def measure(self, item: Portrait) -> Read:
        if item.read is None:
            return Read(item.name, None)
        try:
            photo = Photo.open(item.read(), name=item.name)
        except MediaError:
            return Read(item.name, None)
        start = time.perf_counter()
        faces = self._detector.detect(photo, "image 1")
        found = time.perf_counter()
        face = self._main(photo, faces)
        chip = self.seen(self._embedder.chip(photo, face), item.name)
        aligned = time.perf_counter()
        embedding = self._embedder.embed_chip(chip)
        done = time.perf_counter()
        stages = tuple(1000 * (b - a) for a, b in ((start, found), (found, aligned), (aligned, done)))
        return Read(item.name, embedding, bool(faces), (stages[0], stages[1], stages[2]))

    def seen(self, chip: Pixels, name: str) -> Pixels:
        """What of an aligned face is shown to the network: all of it.

        Args:
            name: of the portrait.
        """
        return chip

    def _main(self, photo: Photo, faces: Sequence[Face]) -> Face:
        """The person's face, or what stands in for it."""
        candidates = faces or self._insistent.detect(photo, "image 1")
        return main_face(candidates, photo.width, photo.height) or central_crop(photo, self.central)

    def over_all(self, embeddings: Mapping[str, Embedding]) -> Iterator[Figure]:
        """Figures over all pairs of the portraits, whose names say who it is."""
        return verification.over_all(embeddings, person=lambda name: name.rpartition("_")[0])

    def score(self, measured: Sequence[Read]) -> Result:
        reads = {read.name: read for read in measured if read.embedding is not None}
        embeddings = {name: read.embedding for name, read in reads.items() if read.embedding is not None}
        missing = tuple(read.name for read in measured if read.embedding is None)
        undetected = tuple(name for name, read in reads.items() if not read.detected)
        pairs = [pair for pair in self._pairs if pair.a in reads and pair.b in reads]
        # Who they are is not said: names of files are names of people here.
        stood_in = f"In {len(undetected)} portraits no face was found; a weak candidate or the central crop stands in"
        notes = (f"{stood_in}.",) if undetected else ()
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{len({pair.fold for pair in pairs})}-fold accuracy, {len(pairs)} pairs, {len(reads)} portraits",
            figures=(
                *verification.by_pairs(pairs, embeddings),
                verification.accuracy_if_wrong(pairs, embeddings, frozenset(undetected)),
                proportion("failure_to_detect", [not read.detected for read in reads.values()]),
                *verification.findings(pairs, embeddings),
                *self.over_all(embeddings),
                *_stages(tuple(reads.values())),
            ),
            complete=not missing,
            missing=missing,
            notes=notes,
            methods=(self._detector.method, weights.method(POINTS), self._embedder.method),
            items=tuple(verification.item_scores(self._pairs, embeddings)),
            curves={"det": verification.det(pairs, embeddings)},
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "numpy"),
        )


def _stages(reads: Sequence[Read]) -> Iterator[Figure]:
    times = np.array([read.milliseconds for read in reads])
    for name, column in zip(("detect", "align", "embed"), times.T, strict=True):
        yield Figure(name=f"{name}_ms", value=float(np.median(column)), unit="ms", n=len(reads), note="median")


def read_pairs(folder: Path) -> tuple[Pair, ...]:
    """The pairs of either layout.

    Raises:
        LayoutError: there is no pairs file, or a line of it is not as expected.
    """
    tables = sorted(folder.glob("lfw_pairs*.csv"))
    if tables:
        return tuple(pair for table in tables for pair in _csv_pairs(table))
    original = folder / "pairs.txt"
    if not original.is_file():
        raise LayoutError("lfw", f"{folder} has neither pairs.txt nor lfw_pairs*.csv", LAYOUT)
    return tuple(_original_pairs(original))


def find_portraits(folder: Path, names: Sequence[str]) -> tuple[Portrait, ...]:
    """Where each portrait is, in the order of names.

    Raises:
        MissingExtra: it is a Parquet file and the `eval` extra is not installed.
    """
    table = folder / "lfw_images.parquet"
    if table.is_file():
        found = _parquet_images(table, frozenset(names))
        return tuple(Portrait(name, _giver(found[name]) if name in found else None) for name in names)
    return tuple(Portrait(name, _reader(folder, name)) for name in names)


def central_crop(photo: Photo, central: float = _CENTRAL) -> Face:
    """A face in the middle of the portrait, where the set's own cropping puts it. central: its side, as a share."""
    x, y, half = photo.width / 2, photo.height / 2, central * min(photo.width, photo.height) / 2
    return Face(id="face 1.1", image="image 1", box=Box(x0=x - half, y0=y - half, x1=x + half, y1=y + half), score=0.0)


def _csv_pairs(path: Path) -> Iterator[Pair]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        columns = {"fold", "a", "b", "same"}
        if not columns <= set(rows.fieldnames or ()):
            raise LayoutError("lfw", f"{path.name} has not the columns fold,a,b,same", LAYOUT)
        for row in rows:
            if row["same"] not in ("True", "False"):
                raise LayoutError("lfw", f"line {rows.line_num} of {path.name}: `same` is {row['same']!r}", LAYOUT)
            yield Pair(row["fold"], row["a"], row["b"], row["same"] == "True")


def _original_pairs(path: Path) -> Iterator[Pair]:
    """pairs.txt: a line "folds pairs", then for each fold that many genuine and as many impostor lines."""
    try:
        pairs = list(published_pairs(path))
    except InputError as error:
        raise LayoutError("lfw", error.message, LAYOUT) from None
    with path.open(encoding="utf-8", errors="replace") as lines:
        head = [int(word) for word in next(lines).split()]
    if len(head) != 2:
        raise LayoutError("lfw", 'line 1 of pairs.txt is not "folds pairs", e.g. "10 300"', LAYOUT)
    folds, size = head
    if len(pairs) != folds * size * 2:
        raise LayoutError("lfw", f"pairs.txt announces {folds * size * 2} pairs and has {len(pairs)}", LAYOUT)
    for index, (a, b, same) in enumerate(pairs):
        yield Pair(fold=str(index // (2 * size) + 1), a=a, b=b, same=same)


def _parquet_images(path: Path, names: frozenset[str]) -> dict[str, bytes]:
    try:
        # Imported where used: it is an optional package.
        from pyarrow import ArrowInvalid, parquet
    except ModuleNotFoundError:
        raise MissingExtra(f"Reading {path.name}", "eval") from None
    try:
        rows = parquet.read_table(path, columns=["name", "image"]).to_pylist()
    except (ArrowInvalid, KeyError) as error:
        raise LayoutError("lfw", f"{path.name} has not the columns name, image ({error})", LAYOUT) from error
    return {row["name"]: row["image"]["bytes"] for row in rows if row["name"] in names}


def _giver(raw: bytes) -> Callable[[], bytes]:
    return lambda: raw


def _reader(folder: Path, name: str) -> Callable[[], bytes] | None:
    person = name.rpartition("_")[0]
    for under in _FOLDERS:
        for suffix in (".jpg", ".png", ".webp"):
            path = folder / under / person / f"{name}{suffix}"
            if path.is_file():
                return path.read_bytes
    return None
