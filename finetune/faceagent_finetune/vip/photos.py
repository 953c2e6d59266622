"""What the tokens are learnt from: faces of a folder, each with how alike it is to the person's enrolled photos.

    DIR/authentic/     photos of the person
    DIR/others/        photos of other people; those most alike are used
    DIR/swaps/         face swaps towards the person, if there are any
    DIR/synthesised/   pictures of the person that a generator made, if there are any

Where there are no swaps, the person's face is put on others (`nets.protected_samples.swapped`); where nothing is
synthesised, authentic photos are redrawn as a generator of small faces draws (`nets.forensic.blends.generated`), which
is a stand-in. A quarter of the photos of each kind is kept back as val, and imitations go with the photo that they were
made of.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from faceagent.controllers.pictures import upright
from faceagent.errors import MediaError, UsageError
from faceagent.gallery import Gallery, Person
from faceagent.media import Photo, Pixels
from faceagent.types import Face
from faceagent_finetune.corpus.labelled import LeftOut
from faceagent_finetune.nets.forensic import areas, blends
from faceagent_finetune.nets.protected_samples import swapped
from faceagent_finetune.vip.recipe import Recipe
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import Embedding, FaceEmbedder, main_face
from faceagent_tools.identity.likelihood import KINDS
from faceagent_tools.identity.templates import DUPLICATE, model_of
from faceagent_tools.multitask import FaceReader

FOLDERS = dict(zip(KINDS, ("authentic", "others", "swaps", "synthesised"), strict=True))
_LAYOUT = "It should hold authentic/ and others/, and may hold swaps/ and synthesised/, with photos"
_FEWEST = 4
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_VAL = 4  # one photo in so many is kept back


@dataclass(frozen=True, eq=False)
class Shown:
    """A face as the model is shown it. kind: of `KINDS`. data: JPEG. likeness: mean cosine to the enrolled photos."""

    kind: str
    name: str
    split: str
    data: bytes
    likeness: float


@dataclass(frozen=True, eq=False)
class _Read:
    photo: Photo
    face: Face
    shown: Shown


class Photos:
    """Reads and makes them.

    Args:
        gallery: where the person is enrolled.

    Raises:
        UsageError: as `protected`, or no template is of this recogniser.
    """

    def __init__(self, gallery: Gallery, name: str) -> None:
        self.left_out: list[LeftOut] = []
        self._detector, self._embedder, self._reader = FaceDetector(), FaceEmbedder(), FaceReader()
        person = protected(gallery, name)
        model = model_of(self._embedder)
        self._enrolled = [row for row in gallery.templates(person.name) if row.model == model]
        if not self._enrolled:
            raise UsageError(f"{name!r} has no template of {model}", "Enrol the person again")

    def read(self, folder: Path, recipe: Recipe) -> list[Shown]:
        """All that is learnt from and asked about, in an order that stays the same.

        Raises:
            UsageError: the folder is of another layout, or has too few usable photos.
        """
        found = {kind: list(self._of(folder / name, kind)) for kind, name in FOLDERS.items()}
        for kind in ("genuine", "other"):
            if len(found[kind]) < _FEWEST:
                raise UsageError(f"{folder}/{FOLDERS[kind]} has fewer than {_FEWEST} usable photos", _LAYOUT)
        own = found["genuine"]
        found["other"] = _nearest(found["other"], recipe.look_alikes)
        found["swap"] = found["swap"] or list(self._swaps(own, found["other"], recipe))
        found["synthesised"] = found["synthesised"] or list(self._redrawn(own, recipe))
        return [read.shown for kind in KINDS for read in found[kind]]

    def _of(self, folder: Path, kind: str) -> Iterator[_Read]:
        files = sorted(path for path in folder.glob("*") if path.suffix.lower() in _SUFFIXES)
        for place, file in enumerate(files):
            try:
                yield self._measured(Photo.open(file), kind, file.name, "train" if (place + 1) % _VAL else "val")
            except MediaError as error:
                self.left_out.append(LeftOut(f"{folder.name}/{file.name}", error.message))

    def _measured(self, photo: Photo, kind: str, name: str, split: str) -> _Read:
        """
        Raises:
            MediaError: no face was found.
        """
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        if face is None:
            raise MediaError("no face was found", "Take a photo in which the face is larger")
        likeness = self._likeness(self._embedder.embed(photo, face), photo.sha256)
        return _Read(photo, face, Shown(kind, name, split, _jpeg(upright(photo, face)), likeness))

    def _likeness(self, vector: Embedding, sha256: str) -> float:
        """To the photos enrolled; copies of the photo itself do not count, or authentic ones would be known by that."""
        alike = [float(vector @ row.vector / np.linalg.norm(row.vector)) for row in self._enrolled]
        others = [
            score
            for score, row in zip(alike, self._enrolled, strict=True)
            if row.photo_sha256 != sha256 and score < DUPLICATE
        ]
        return float(np.mean(others or alike))

    def _swaps(self, own: Sequence[_Read], others: Sequence[_Read], recipe: Recipe) -> Iterator[_Read]:
        for place, given in enumerate(own):
            # Of faces on the same side of the split.
            heads = [other for other in others if other.shown.split == given.shown.split] or list(others)
            for number in range(recipe.swaps):
                rng = np.random.default_rng([recipe.seed, place, number])
                head = areas.one(heads, rng)
                pixels = swapped(self._points(head), self._points(given), rng)
                yield from self._made(pixels, "swap", f"{given.shown.name} on {head.shown.name}", given)

    def _redrawn(self, own: Sequence[_Read], recipe: Recipe) -> Iterator[_Read]:
        for place, given in enumerate(own):
            for number in range(recipe.redrawn):
                rng = np.random.default_rng([recipe.seed, place, number, 1])
                pixels = blends.generated(blends.recoloured(np.ascontiguousarray(given.photo.pixels), rng), rng)
                yield from self._made(pixels, "synthesised", f"{given.shown.name} redrawn {number + 1}", given)

    def _points(self, read: _Read) -> areas.Face:
        points = self._reader.read_photo(read.photo, read.face).points[:68]
        return areas.Face(np.ascontiguousarray(read.photo.pixels), points.astype(np.float32))

    def _made(self, pixels: Pixels, kind: str, name: str, given: _Read) -> Iterator[_Read]:
        try:
            yield self._measured(Photo.open(pixels), kind, name, given.shown.split)
        except MediaError as error:
            self.left_out.append(LeftOut(name, error.message, fault=False))


def protected(gallery: Gallery, name: str) -> Person:
    """
    Raises:
        UsageError: nobody has that name, or the person is not protected.
    """
    person = gallery.person(name)
    if person is None or not person.protected:
        raise UsageError(
            f"Nobody called {name!r} is enrolled as a protected person",
            f"Enrol the person first: faceagent enroll --protected {name!r} PHOTO … --consent …",
        )
    return person


def _nearest(reads: Sequence[_Read], count: int) -> list[_Read]:
    """The most alike, in the order that they had."""
    kept = sorted(reads, key=lambda read: -read.shown.likeness)[:count]
    return [read for read in reads if read in kept]


def fingerprint(folder: Path) -> str:
    """Changes when photos do: SHA-256 over their names and sizes."""
    digest = hashlib.sha256()
    for file in sorted(path for name in FOLDERS.values() for path in (folder / name).glob("*")):
        digest.update(f"{file.relative_to(folder)} {file.stat().st_size}\n".encode())
    return digest.hexdigest()


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()
