"""Real photos and forgeries as forensic signals, for `forensic_signals`.

DFDC face swaps and StyleGAN faces with the authentic photos of the same files, as they are; and pairs of an authentic
photo and a forgery made of it (`forensic.blends`), both saved once more at one quality, in the format of their set.
Measured only: VIPBench, and photos of LFW and HELEN as they are. Train and val share no source video (DFDC), no person
(LFW) and no photo.
"""

from __future__ import annotations

import dataclasses
import io
import json
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from faceagent.media import Photo
from faceagent_finetune.nets.forensic import areas, blends
from faceagent_finetune.nets.forensic.crops import person
from faceagent_finetune.nets.multitask.crops import mesh_rows, read
from faceagent_tools import weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import main_face
from faceagent_tools.forensics import blocks, signals, view
from faceagent_tools.forensics.mesonet import GRAPHS, MesoNet
from faceagent_tools.forensics.view import Floats
from faceagent_tools.multitask import FaceReader

SEED = 0
_SURE = 0.9  # of the mesh that it saw a face
_SAVE_EVERY = 100
_KINDS: Mapping[str, str] = {
    **{"REAL": "none", "FAKE": "swap", "real": "none", "fake_stylegan": "synthesis"},
    **{"r_r_i": "none", "r_r_d_i": "none", "r_fs_i": "swap", "r_efs_i": "synthesis"},
}
_SHARES = {"swap": 1.0}  # of the kinds of forgeries that are made


@dataclass(frozen=True)
class Source:
    """One set. train, val: photos that are measured as they are. pairs: of (train, val) photos that are forged too.
    codec: as which the set's photos are saved, and its pairs once more.
    """

    file: str
    mesh: str | None
    train: int
    val: int
    pairs: tuple[int, int] = (0, 0)
    codec: str = "JPEG"


SOURCES: Mapping[str, Source] = {
    "vip": Source("identity/vip_one_person.parquet", None, 0, 1000),
    "dfdc": Source("forensics/dfdc_faces.parquet", "dfdc_faces", 1200, 1000, (250, 80)),
    "stylegan": Source("forensics/stylegan_ffhq.parquet", "stylegan_ffhq", 1200, 1000, (200, 60)),
    "lfw": Source("identity/lfw_images.parquet", "lfw_images", 0, 200, (200, 80), "WEBP"),
    "helen": Source("landmarks/helen68.parquet", None, 0, 80, (60, 40), "WEBP"),
}


@dataclass(frozen=True)
class Sample:
    """One face as measured. set: "dfdc", or "dfdc pairs" for a pair. facts: what a cheat could read instead."""

    set: str
    kind: str
    val: bool
    group: str
    facts: Mapping[str, float]
    features: Mapping[str, float]

    @property
    def forged(self) -> bool:
        return self.kind != "none"


Row = Mapping[str, Any]


def is_val(name: str, row: Row) -> bool:
    if name == "vip":
        return True
    if name == "lfw":  # by person
        return zlib.crc32(person(row["name"]).encode()) % 10 < 3
    if name == "helen":
        return zlib.crc32(str(row["image"]["path"]).encode()) % 10 < 4
    return bool(row["split"] == "val")


class Points:
    """Where the 78 points of a photo come from: the mesh, people (HELEN, no irises), or the product's own network.

    published: those of MesoNet's networks whose weights are here; asked about val only.
    """

    def __init__(self, data: Path, source: Source) -> None:
        self._mesh = mesh_rows(data, source.mesh) if source.mesh else {}
        self._detector, self._reader = FaceDetector(), FaceReader()
        self.published = {name: MesoNet(name) for name in GRAPHS if weights.find(name) is not None}

    def of(self, row: Row, photo: Photo) -> Floats | None:
        if "points68" in row:
            return np.vstack([np.array(row["points68"], dtype=np.float64), np.full((10, 2), np.nan)])
        if self._mesh:
            known = self._mesh.get(row["image"]["path"])
            return known["points"] if known is not None and known["face_flag"] > _SURE else None
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        return None if face is None else self._reader.read_photo(photo, face).points


def measured(photo: Photo, points: Floats, **known: Any) -> Sample:
    """One face with its facts."""
    seen = view.cut(photo.pixels, points)
    found = signals.measure(photo, seen)
    outside = blocks.cosines(blocks.split(seen.luma)[blocks.inside(seen.around)])
    detail = np.log(np.abs(outside[:, 4:, 4:]).mean() + 1e-2) if len(outside) else np.nan
    facts = {
        "bytes": len(photo.raw),
        "width": photo.width,
        "bytes_a_pixel": len(photo.raw) / photo.width / photo.height,
        "face_width": seen.width,
        "detail_around": float(detail),
        **known.pop("facts", {}),
    }
    return Sample(facts=facts, features=found.features, **known)


def samples(
    data: Path, name: str, place: Points, rows: Sequence[Row], todo: Sequence[tuple[int, bool]]
) -> Iterator[list[Sample]]:
    """For each (row, whether it is forged too) what it gives."""
    photos = [row for row in rows if _KINDS.get(str(row.get("label") or row.get("relation")), "none") == "none"]
    for number, paired in todo:
        row = rows[number]
        photo = Photo.open(row["image"]["bytes"])
        points = place.of(row, photo)
        known = {"val": is_val(name, row), "group": _group(name, row, number)}
        if points is None:
            yield []
        elif paired:
            yield _pair(photo, points, _donor(photos, place, number), {**known, "set": f"{name} pairs"}, name, number)
        else:
            kind = _KINDS.get(str(row.get("label") or row.get("relation")), "none")
            facts = {"native": float(row["native_px"])} if row.get("native_px") else {}
            sample = measured(photo, points, set=name, kind=kind, facts=facts, **known)
            asked = place.published if sample.val else {}
            answers = {f"mesonet.{net}": asked[net].forged(photo.pixels, points) for net in asked}
            yield [dataclasses.replace(sample, features={**sample.features, **answers})]


def _group(name: str, row: Row, number: int) -> str:
    shown = person(row["name"]) if row.get("name") else number
    return f"{name} {row.get('group_original') or shown}"


def _donor(photos: Sequence[Row], place: Points, number: int) -> blends.Donor:
    def draw() -> areas.Face:
        rng = np.random.default_rng([SEED, number])
        while True:
            row = photos[int(rng.integers(len(photos)))]
            photo = Photo.open(row["image"]["bytes"])
            points = place.of(row, photo)
            if points is not None:
                return areas.Face(photo.pixels, points[:68].astype(np.float32))

    return draw


def _pair(
    photo: Photo, points: Floats, donor: blends.Donor, known: dict[str, Any], name: str, number: int
) -> list[Sample]:
    """An authentic photo and a forgery of it, saved alike."""
    rng = np.random.default_rng([SEED, number, 1])
    face = areas.Face(photo.pixels, points[:68].astype(np.float32))
    forgery = blends.forged(face, donor, rng, _SHARES)
    quality = int(rng.integers(70, 96))
    found = []
    for kind, pixels in (("none", photo.pixels), ("swap", forgery.pixels)):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, SOURCES[name].codec, quality=quality)
        found.append(
            measured(Photo.open(buffer.getvalue()), points, kind=kind, facts={"quality": float(quality)}, **known)
        )
    return found


def collected(data: Path, cache: Path, name: str) -> list[Sample]:
    """All samples of one set, measured or from the cache."""
    source, file = SOURCES[name], cache / f"signals_{name}.json"
    stored: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {"done": 0, "samples": []}
    rows = read(data / source.file)
    todo = _chosen(name, source, rows)
    if stored["done"] < len(todo):
        place = Points(data, source)
        for given in samples(data, name, place, rows, todo[stored["done"] :]):
            stored["samples"] += [vars(sample) for sample in given]
            stored["done"] += 1
            if stored["done"] % _SAVE_EVERY == 0 or stored["done"] == len(todo):
                cache.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(stored))
                sys.stdout.write(f"{name}: {stored['done']} of {len(todo)}\n")
                sys.stdout.flush()
    return [Sample(**row) for row in stored["samples"]]


def _chosen(name: str, source: Source, rows: Sequence[Row]) -> list[tuple[int, bool]]:
    """Rows in the order in which they are measured: those to forge are authentic ones that are not measured as well."""
    order = np.random.default_rng(SEED).permutation(len(rows)).tolist()
    chosen: list[tuple[int, bool]] = []
    for val, plain, pairs in ((True, source.val, source.pairs[1]), (False, source.train, source.pairs[0])):
        part = [number for number in order if is_val(name, rows[number]) == val]
        authentic = [
            n for n in part if _KINDS.get(str(rows[n].get("label") or rows[n].get("relation")), "none") == "none"
        ]
        forge = authentic[:pairs]
        chosen += [(number, True) for number in forge]
        chosen += [(number, False) for number in part if val or number not in set(forge)][:plain]
    return chosen
