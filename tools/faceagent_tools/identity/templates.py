"""From photos to templates: is a face good enough to be enrolled, do the photos show one person, is one there twice."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from faceagent.errors import MediaError
from faceagent.gallery import Model, Template
from faceagent.geometry import whole_pixels
from faceagent.media import Pixels
from faceagent.session import Session
from faceagent.types import Face
from faceagent_tools import compare, minors, quality, readable, similarity, trunk
from faceagent_tools.embedding import Embedder, Embedding, FaceEmbedder, embedding_of
from faceagent_tools.identity import regions
from faceagent_tools.multitask import FaceReader
from faceagent_tools.similarity import Floats

DUPLICATE = 0.995
"""Cosine from which two photos count as copies of one: how many pairs of photos of one person reach it is among the
figures of calibration/identity.json."""
POINTS = "points_in_crop"
"""Where a template's quality facts hold the points of the face, in pixels of its crop: what regions are found by."""
MIXED_RATE = 1e-2
"""False match rate of the line that the photos of one enrolment are held to among each other."""


def model_of(embedder: Embedder) -> Model:
    """What the gallery calls the network, so that templates of two networks are never compared."""
    return Model(embedder.method.name, embedder.method.version)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A face that is to be enrolled. fault: why it is not good enough, as a clause after "because", or None. minor:
    whether it looks like a child's."""

    face: Face
    embedding: Embedding
    fault: str | None
    quality: dict[str, JsonValue]
    minor: bool


def candidate(session: Session, face: Face, embedder: Embedder, reader: FaceReader) -> Candidate:
    """Look whether a face is good enough to be enrolled.

    Raises:
        WeightsError: a model file is missing or damaged.
    """
    seen = compare.view(session, face)
    reading = readable.read(reader, session, face)
    facts: dict[str, JsonValue] = {"eye_distance_px": seen.eye_distance, "yaw_degrees": seen.yaw}
    if not isinstance(reading, str):
        facts["detail"] = round(reading.detail, 3)
        placed = regions.in_crop(session.photo(face.image), face, reading.points)
        facts[POINTS] = [round(float(number), 1) for number in placed.ravel()]
    fault = reading if isinstance(reading, str) else _fault(seen)
    minor = not isinstance(reading, str) and minors.looks_minor(reading)
    return Candidate(face, embedding_of(session, embedder, face), fault, facts, minor)


def _fault(seen: compare.View) -> str | None:
    least = similarity.table().smallest_eye_distance
    if seen.eye_distance < least:
        return f"the eyes are only {whole_pixels(seen.eye_distance)} pixels apart, and {least:.0f} are needed"
    if abs(seen.yaw) > quality.WIDEST_YAW:
        return f"the head is turned by {abs(seen.yaw):.0f} degrees, and at most {quality.WIDEST_YAW:.0f} will do"
    return None


def template(session: Session, one: Candidate, embedder: FaceEmbedder) -> Template:
    """What the gallery keeps of a face."""
    photo = session.photo(one.face.image)
    return Template(
        vector=one.embedding,
        model=model_of(embedder),
        crop=png(embedder.chip(photo, one.face)),
        photo_sha256=photo.sha256,
        quality=dict(one.quality),
    )


def png(chip: Pixels) -> bytes:
    """An aligned face as it is kept."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(chip).save(buffer, format="PNG")
    return buffer.getvalue()


def chip(crop: bytes) -> Pixels:
    """What `png` made, read again: uint8 RGB.

    Raises:
        MediaError: it is none.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(crop), formats=("PNG",)) as image:
            read = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MediaError(f"A crop of the gallery is no picture ({error})", "Enrol the person anew") from error
    if read.shape != (trunk.CHIP_SIZE, trunk.CHIP_SIZE, 3):
        raise MediaError(
            f"A crop of the gallery has {read.shape[1]} x {read.shape[0]} pixels, not {trunk.CHIP_SIZE} x "
            f"{trunk.CHIP_SIZE}",
            "Enrol the person anew",
        )
    return read


def likeness(vectors: Sequence[Embedding], known: Sequence[Embedding] = ()) -> Floats:
    """`similarity` of each of N vectors with each of them and of M known ones: [N, N + M]."""
    stacked = similarity.unit(np.stack([*vectors, *known]).astype(np.float64))
    return similarity.all_pairs(stacked, similarity.cohort(), similarity.table().nearest)[: len(vectors)]


def strangers(vectors: Sequence[Embedding], known: Sequence[Embedding]) -> list[int]:
    """Which of N photos show somebody else than the rest, as far as that can be told.

    The rest is `known` (who is enrolled already, or the faces that were named), or else the photo that is most like the
    others and those like it. A photo is a stranger if it is less like every one of them than photos of one person
    nearly always are.
    """
    if len(vectors) + len(known) < 2:
        return []
    table, alike = similarity.table(), likeness(vectors, known)
    of_known = list(range(len(vectors), alike.shape[1]))
    rest = of_known or _core(alike, table.line(MIXED_RATE).similarity)
    return [
        place
        for place in range(len(vectors))
        if place not in rest and max(alike[place, other] for other in rest) < table.different_below
    ]


def alike(vectors: Sequence[Embedding]) -> list[Embedding]:
    """Those of N faces that show one person, as far as that can be told: all but the strangers among them."""
    others = strangers(vectors, [])
    return [vector for place, vector in enumerate(vectors) if place not in others]


def meant(
    alone: Sequence[Embedding], several: Sequence[Sequence[Embedding]], known: Sequence[Embedding]
) -> list[int | None]:
    """Which face of photos that show several is the person: the only one that is like the other photos.

    Args:
        alone: the faces of photos that show one. several: the faces of each photo that shows more. known: faces of the
            person: enrolled under the name already, or named.

    Returns:
        A place for each of `several`, None where no face, or more than one, is like the others; for all where two
        people are together in photos and nothing says which of them.
    """
    faces = [*alone, *(vector for photo in several for vector in photo)]
    if len(faces) + len(known) < 2:
        return [None] * len(several)
    owner = np.repeat(np.arange(len(alone) + len(several)), [1] * len(alone) + [len(photo) for photo in several])
    alike, line = likeness(faces, known), similarity.table().line(MIXED_RATE).similarity
    alike[:, : len(faces)][owner[:, None] == owner] = -np.inf  # of one photo
    rest = list(range(len(faces), alike.shape[1])) or _core(alike, line)
    near = np.asarray(alike >= line)
    like = np.asarray(near[:, rest].any(axis=1))
    others = np.flatnonzero(~like)
    if min(rest) >= len(alone) and not known and near[np.ix_(others, others)].any():
        return [None] * len(several)
    found = [np.flatnonzero(like[owner == len(alone) + number]) for number in range(len(several))]
    return [int(places[0]) if len(places) == 1 else None for places in found]


def _core(alike: Floats, line: float) -> list[int]:
    """The photo that is like the most others, and those that it is like; ties go to the greater likeness."""
    others = np.where(np.eye(len(alike), dtype=np.bool_), -np.inf, alike)
    near = (others >= line).sum(axis=1)
    best = max(range(len(alike)), key=lambda place: (near[place], float(np.sort(others[place])[1:].sum())))
    return [best, *np.flatnonzero(others[best] >= line).tolist()]


def copies(vectors: Sequence[Embedding], hashes: Sequence[str], known: Sequence[Template]) -> dict[int, int | None]:
    """Which photos are there already: by place, the earlier photo, or None for one enrolled before."""
    found: dict[int, int | None] = {}
    for place, (vector, sha256) in enumerate(zip(vectors, hashes, strict=True)):
        if any(_same(vector, sha256, row.vector, row.photo_sha256) for row in known):
            found[place] = None
            continue
        earlier = (
            before
            for before in range(place)
            if before not in found and _same(vector, sha256, vectors[before], hashes[before])
        )
        first = next(earlier, None)
        if first is not None:
            found[place] = first
    return found


def _same(vector: Embedding, sha256: str, other: Embedding, other_sha256: str) -> bool:
    lengths = float(np.linalg.norm(vector) * np.linalg.norm(other))
    return sha256 == other_sha256 or float(vector @ other) / lengths >= DUPLICATE
