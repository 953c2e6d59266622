"""What verify_protected_identity is calibrated on: people of LFW, one photo of everybody else, and forgeries of them.

Made from the photos in one go and kept in a file, so that a second run costs nothing. A photo is measured as the tool
does it. Swaps put a person's face on somebody of like pose (`forensic.blends`); a redrawn photo went through what
stands for a generator there.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceagent.media import Photo
from faceagent_finetune.nets.forensic import blends, crops
from faceagent_finetune.nets.forensic.areas import AREAS, Face, Rng, mask_of
from faceagent_finetune.nets.forensic.areas import one as any_of
from faceagent_finetune.nets.forensic.codec import saved
from faceagent_finetune.nets.forensic.data import Photos
from faceagent_tools import align, forgery, trunk
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import main_face
from faceagent_tools.forensics import ensemble
from faceagent_tools.forensics.ensemble import Examiner
from faceagent_tools.identity import regions
from faceagent_tools.identity.likelihood import Portrayed
from faceagent_tools.multitask import FaceReader
from faceagent_tools.similarity import Floats
from faceagent_tools.trunk import Trunk

SET = "lfw_images"
SEED = 0
FEWEST, MOST, PEOPLE = 4, 6, 60
"""Photos of a person at least, and at most; people with so many. Of everybody else there is one photo."""
SWAPS = 3  # of each person
_ASKED = 12  # photos among which somebody of like pose is looked for
_TELL_EVERY = 100


@dataclass(frozen=True, eq=False)
class Sample:
    """A photo or a forgery. kind: real, swap or redrawn; person: of the photo, or towards whom; row: of the set;
    forgery: log odds from the pixels, None where they are not judged."""

    kind: str
    person: str
    row: int
    seen: Portrayed
    forgery: float | None


class Measurer:
    """What the tool compares of a photo."""

    def __init__(self) -> None:
        self._detector, self._trunk = FaceDetector(), Trunk()
        self._reader, self._examiner = FaceReader(self._trunk), Examiner()

    def measured(self, photo: Photo) -> tuple[Portrayed, float | None] | None:
        """What is seen and the log odds of a forgery; None where no face is found."""
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        if face is None:
            return None
        points = self._reader.read_photo(photo, face).points
        views = self._trunk.both_ways(align.face_chip(photo, face, trunk.CHIP_SIZE, trunk.CHIP_PADDING))
        mean = views["embedding"].mean(axis=0)
        parts = regions.described(views, regions.in_crop(photo, face, points))
        examined, table = self._examiner.examine(photo, face, points), ensemble.stack()
        judged = forgery.too_small(face, table) is None and forgery.unlike(examined, table) is None
        seen = Portrayed(np.asarray(mean / np.linalg.norm(mean), np.float32), parts)
        return seen, examined.log_odds if judged else None


def samples(data: Path, cache: Path) -> list[Sample]:
    """All samples with a face, from the cache where it is there.

    Args:
        data: folder with identity/lfw_images.parquet and landmarks/mesh_teacher.parquet.
        cache: a file, written if it is not there.
    """
    if not cache.is_file():
        _write(cache, _measured(data))
    with np.load(cache) as stored:
        columns = [stored[name] for name in ("kinds", "people", "rows", "embeddings", "parts", "forgery")]
    return [
        Sample(
            str(kind),
            str(person),
            int(row),
            Portrayed(embedding, _parts(parts)),
            float(odds) if np.isfinite(odds) else None,
        )
        for kind, person, row, embedding, parts, odds in zip(*columns, strict=True)
    ]


def _measured(data: Path) -> list[Sample]:
    with tempfile.TemporaryDirectory(prefix="faceagent-protected-") as folder:
        crops.build(data, Path(folder), SET)
        photos = Photos.open(Path(folder), SET)
    measurer, found = Measurer(), list[Sample]()
    for number, (kind, person, row, photo) in enumerate(_photos(photos)):
        if number % _TELL_EVERY == 0:
            sys.stderr.write(f"{number} photos measured\n")
        if (one := measurer.measured(photo)) is not None:
            found.append(Sample(kind, person, row, *one))
    return found


def _photos(photos: Photos) -> Iterator[tuple[str, str, int, Photo]]:
    """Kind, person, row and photo, in an order that stays the same."""
    rng, by_person = np.random.default_rng(SEED), _by_person(photos)
    many = [name for name, rows in by_person.items() if len(rows) >= FEWEST][:PEOPLE]
    for name, rows in by_person.items():
        for row in rows[: MOST if name in many else 1]:
            yield "real", name, row, Photo.open(photos.pixels(row))
    codec = crops.SOURCES[SET].codec
    for name in many:
        for _ in range(SWAPS):
            given = int(rng.choice(by_person[name]))
            face = photos.face(_alike(photos, given, rng))
            yield "swap", name, given, Photo.open(saved(swapped(face, photos.face(given), rng), codec)[0])
        given = int(rng.choice(by_person[name]))
        pixels = blends.generated(blends.recoloured(photos.face(given).pixels, rng), rng)
        yield "redrawn", name, given, Photo.open(saved(pixels, codec)[0])


def _by_person(photos: Photos) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, name in enumerate(photos.group):
        found.setdefault(str(name), []).append(row)
    return found


def _alike(photos: Photos, row: int, rng: Rng) -> int:
    """A photo of somebody else in like pose: the nearest of a dozen."""
    asked = rng.choice(np.arange(len(photos)), _ASKED)
    apart = np.abs(photos.shapes[asked] - photos.shapes[row]).sum(axis=1)
    apart[photos.group[asked] == photos.group[row]] = np.inf
    return int(asked[apart.argmin()])


def swapped(face: Face, given: Face, rng: Rng) -> npt.NDArray[np.uint8]:
    """The given face on the other's head."""
    mask = mask_of(face, any_of(AREAS, rng)(face.points, rng), rng, grow=rng.uniform(-0.04, 0.04))
    pixels = blends.matched(blends.fitted(given, face), face, rng.uniform(0.4, 1.0))
    if rng.random() < 0.5:
        pixels = blends.changed(pixels, rng)
    if rng.random() < 0.3:
        return blends.poisson(face.pixels, pixels, mask)[0]
    return blends.blended(face.pixels, pixels, mask)


def _write(cache: Path, found: Sequence[Sample]) -> None:
    nothing = np.full(trunk.MAPS[regions.MAP][0], np.nan)
    parts = [
        [nothing if (part := sample.seen.parts[name]) is None else part for name in regions.PARTS] for sample in found
    ]
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        cache,
        kinds=np.array([sample.kind for sample in found]),
        people=np.array([sample.person for sample in found]),
        rows=np.array([sample.row for sample in found]),
        embeddings=np.stack([sample.seen.embedding for sample in found]),
        parts=np.array(parts, np.float32),
        forgery=np.array([np.nan if sample.forgery is None else sample.forgery for sample in found], np.float64),
    )


def _parts(rows: Floats) -> Mapping[str, Floats | None]:
    return {
        name: row.astype(np.float64) if np.isfinite(row).all() else None
        for name, row in zip(regions.PARTS, rows, strict=True)
    }
