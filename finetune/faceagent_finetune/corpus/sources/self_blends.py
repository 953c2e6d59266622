"""Self-blended and otherwise forged copies of a set's photos, made here, so that it is known what was altered.

Each photo comes twice, as it is and forged (`nets.forensic.blends`; Shiohara and Yamasaki, CVPR 2022), both saved anew
as JPEG of one quality, so that nothing but the forgery tells them apart. What was altered is read off the forgery's
mask, in the regions of `faceagent_tools.forensics.localise`. The same photo gives the same forgery each time.
"""

from __future__ import annotations

import io
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from faceagent.errors import MediaError
from faceagent.media import Photo, Pixels
from faceagent_finetune.corpus.labelled import Facts, LabelMissing, LeftOut, Row
from faceagent_finetune.corpus.sources.published import Opened
from faceagent_finetune.nets.forensic import crops
from faceagent_finetune.nets.forensic.areas import Face
from faceagent_finetune.nets.forensic.blends import Forgery, forged
from faceagent_finetune.nets.multitask.crops import mesh_rows
from faceagent_tools.forensics.localise import PLACES, drawn
from faceagent_tools.forensics.windows import KINDS

_FORGED = " forged"  # after the name of a photo that it was made of
_SHARES = {"swap": 0.5, "edit": 0.5}
_DONORS = 24  # photos of each side of the split, whose faces are put into others
_TRIES = 6
_VISIBLE = 4.0  # mean difference of the altered pixels, of 255, below which nobody could see it
_MOST = 640  # pixels of the longer side
_QUALITIES = (75, 96)
_ALTERED, _WHOLE = 0.5, 0.6  # share of a region that was altered, to name it; of the face, to name none
_NAMED = 2
_PAIRS = {"brow": "the brows", "eye": "the eyes"}


@dataclass(frozen=True)
class _Read:
    """A photo as it is shown, and its face. quality: of the JPEG that it is saved as."""

    face: Face
    quality: int


class Blended:
    """A set of a base set. name: of the base set; where `landmarks/mesh_teacher.parquet` has points of it, they are
    used, else the detector's.
    """

    def __init__(self, base: Opened, name: str, data: Path) -> None:
        self._base, self._name, self._data = base, name, data
        self._donors: dict[str, list[Row]] = defaultdict(list)
        self._last: tuple[str, _Read] | None = None
        self._faces: dict[str, Face | None] = {}

    def rows(self) -> Iterator[Row | LeftOut]:
        """Two rows a photo, one after the other; the facts of the set are there to balance by."""
        self._donors.clear()
        for row in self._base.rows():
            if isinstance(row, LeftOut):
                yield row
            elif row.label.facts.get("authenticity", "authentic") == "authentic" and "pair" not in row.label.facts:
                if len(self._donors[row.label.split]) < _DONORS:
                    self._donors[row.label.split].append(row)
                yield row
                yield replace(row, name=f"{row.name}{_FORGED}")

    def photo(self, row: Row) -> tuple[bytes, Facts]:
        """
        Raises:
            MediaError: it does not open.
            LabelMissing: no face was found, or nothing that can be seen came of altering it.
        """
        original = replace(row, name=row.name.removesuffix(_FORGED))
        if self._last is None or self._last[0] != original.name:
            self._last = original.name, self._read(original)
        read = self._last[1]
        if original.name == row.name:
            return _jpeg(read.face.pixels, read.quality), {"authenticity": "authentic"}
        forgery, regions = self._forged(original, read.face)
        facts = {"authenticity": "manipulated", "altered": regions, "altered by": KINDS[forgery.kind]}
        return _jpeg(forgery.pixels, read.quality), facts

    def _read(self, row: Row) -> _Read:
        photo = Photo.open(self._base.photo(row)[0], name=row.name)
        face = Face(np.ascontiguousarray(photo.pixels), self._points(row.name, photo).astype(np.float32))
        scale = _MOST / max(photo.width, photo.height)
        quality = int(np.random.default_rng(zlib.crc32(row.name.encode())).integers(*_QUALITIES))
        return _Read(face.scaled(scale, cv2.INTER_AREA) if scale < 1 else face, quality)

    def _points(self, name: str, photo: Photo) -> npt.NDArray[np.float64]:
        known = self._mesh.get(name)
        if known is not None:
            found = known["points"][:68] if known["face_flag"] > crops.SURE else None
        else:
            found = self._finder.points(photo)
        if found is None:
            raise LabelMissing("no face was found to alter", fault=False)
        return np.asarray(found, np.float64)

    @cached_property
    def _mesh(self) -> Mapping[str, Mapping[str, Any]]:
        return mesh_rows(self._data, self._name)

    @cached_property
    def _finder(self) -> crops.Finder:
        return crops.Finder()

    def _forged(self, row: Row, face: Face) -> tuple[Forgery, str]:
        """A forgery that can be seen, and the regions that it altered."""
        rng = np.random.default_rng([zlib.crc32(row.name.encode()), 1])
        for _ in range(_TRIES):
            forgery = forged(face, lambda: self._donor(row, face), rng, _SHARES)
            inside = forgery.mask > _ALTERED
            regions = altered(forgery, face)
            if regions and np.abs(forgery.pixels.astype(int) - face.pixels)[inside].mean() >= _VISIBLE:
                return forgery, regions
        raise LabelMissing("nothing that can be seen came of altering it", fault=False)

    def _donor(self, row: Row, face: Face) -> Face:
        """Of the donors on this side of the split, the one whose face is turned and shaped most alike."""
        others = [self._face(other) for other in self._donors[row.label.split] if other.label.group != row.label.group]
        known = [other for other in others if other is not None] or [face]
        return min(known, key=lambda other: float(np.abs(_shape(other) - _shape(face)).sum()))

    def _face(self, row: Row) -> Face | None:
        if row.name not in self._faces:
            try:
                self._faces[row.name] = self._read(row).face
            except (MediaError, LabelMissing):
                self._faces[row.name] = None
        return self._faces[row.name]


def altered(forgery: Forgery, face: Face) -> str:
    """The regions that were altered, in words; "" where hardly any was."""
    masks = drawn(face.points.astype(np.float64), face.pixels.shape[:2])
    around = masks.pop("surroundings")
    if forgery.mask[around == 0].mean() >= _WHOLE:
        return "the face as a whole"
    shares = {name: float(forgery.mask[mask > 0].mean()) for name, mask in masks.items() if mask.any()}
    found = sorted((name for name in shares if shares[name] >= _ALTERED), key=lambda name: -shares[name])
    sides = Counter(name.partition("_")[0] for name in found)
    both = {name: _PAIRS[kind] for name in found if sides[kind := name.partition("_")[0]] > 1}
    named = list(dict.fromkeys(both.get(name, PLACES[name]) for name in found))
    if len(named) > _NAMED:
        return f"several parts of the face, among them {' and '.join(named[:_NAMED])}"
    return " and ".join(named)


def _shape(face: Face) -> npt.NDArray[np.float32]:
    """Points about their mean, in units of their spread [68, 2]."""
    about = face.points - face.points.mean(axis=0)
    return np.asarray(about / about.std(), np.float32)


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
