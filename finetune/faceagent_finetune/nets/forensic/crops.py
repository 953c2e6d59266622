"""Photos with the points of their face, once, in a folder: what forgeries are made of and what is measured.

    python -m faceagent_finetune.nets.forensic.crops --data DIR --cache DIR

A photo stays the bytes that its set holds, for decoding them is cheap and every other form of them is a resampled or a
re-encoded one. Windows of 224 px are cut when a sample is made. Which sets serve:

- dfdc_faces (224 px JPEG) and stylegan_ffhq (256 px JPEG): authentic photos and real forgeries alike.
- lfw_images (250 px) and helen68 (up to 640 px): authentic photos, forged on the fly. HELEN alone has faces that are
  larger than a window.
- fairface (144 px): the most varied faces, at the size at which many are found. The window reaches beyond the photo,
  whose mirror image fills it, for both classes alike.
- vip_one_person: measured only.
- Not UTKFace (144 px as well, and turned upright with black corners: a second resampling that others lack), CelebA
  (89 x 109 px: no window without enlarging) and FER+ (48 px, grey).

Train and val share no source video (DFDC), no person (LFW, by name) and no photo. Points: of the mesh or of people
(HELEN); of `FaceReader` on the detector's face for VIPBench, which has none.
"""

from __future__ import annotations

import argparse
import io
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from faceagent.media import Photo
from faceagent_finetune.nets.forensic.codec import Codec
from faceagent_finetune.nets.multitask.crops import mesh_rows, read
from faceagent_tools.detection import FaceDetector
from faceagent_tools.forensics.windows import KINDS
from faceagent_tools.multitask import FaceReader

Row = Mapping[str, Any]
SURE = 0.9
"""Of the mesh, that it saw a face."""
_STANDARD_SUM = 3688.0  # of the 64 steps of the JPEG standard's luminance table (ITU-T T.81, K.1), quality 50


def _val(row: Row) -> bool:
    return bool(row["split"] == "val")


def _person(row: Row) -> bool:
    return zlib.crc32(person(row["name"]).encode()) % 10 < 3


def person(name: str) -> str:
    """Whom a photo of LFW shows: "Abdullah_Gul_0001" -> "Abdullah_Gul"."""
    return name.rpartition("_")[0]


def _photo(row: Row) -> bool:
    return zlib.crc32(row["image"]["path"].encode()) % 10 < 4


def _always(row: Row) -> bool:
    return True


@dataclass(frozen=True)
class Source:
    """One set.

    codec: what its photos were saved as, with the quality that comes nearest. field, kinds: which column tells
    forgeries from authentic photos, and how. group: the column that must not be split. mesh: the mesh has its points.
    """

    file: str
    codec: Codec
    val: Callable[[Row], bool] = _val
    field: str = ""
    kinds: Mapping[str, str] | None = None
    group: str = ""
    mesh: bool = True


SOURCES: Mapping[str, Source] = {
    "dfdc_faces": Source(
        "forensics/dfdc_faces.parquet",
        ("jpeg", 75),
        field="label",
        kinds={"REAL": "none", "FAKE": "swap"},
        group="group_original",
    ),
    "stylegan_ffhq": Source(
        "forensics/stylegan_ffhq.parquet",
        ("jpeg", 75),
        field="label",
        kinds={"real": "none", "fake_stylegan": "synthesis"},
    ),
    "lfw_images": Source("identity/lfw_images.parquet", ("webp", 80), val=_person, group="name"),
    "helen68": Source("landmarks/helen68.parquet", ("webp", 80), val=_photo, mesh=False),
    "fairface": Source("attributes/fairface.parquet", ("webp", 80)),
    "vip_one_person": Source(
        "identity/vip_one_person.parquet",
        ("webp", 80),
        val=_always,
        field="relation",
        kinds={"r_r_i": "none", "r_r_d_i": "none", "r_fs_i": "swap", "r_efs_i": "synthesis"},
        mesh=False,
    ),
}


def square(points: npt.NDArray[np.floating[Any]]) -> tuple[tuple[float, float], float]:
    """Centre and side of the square that dlib's detector would give, nearly: brows to chin, from 68 points [68, 2]."""
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = (low + high) / 2
    return (float(x), float(y)), float(np.sqrt(np.prod(high - low)))


def quality(raw: bytes) -> int:
    """Quality 1-100 of a JPEG by the sum of its luminance table, on the scale of libjpeg; -1 for other formats."""
    with Image.open(io.BytesIO(raw)) as image:
        tables: Mapping[int, Sequence[int]] = getattr(image, "quantization", None) or {}
    if 0 not in tables:
        return -1
    scale = 100 * sum(tables[0]) / _STANDARD_SUM
    return round((200 - scale) / 2) if scale <= 100 else round(5000 / scale)


class Finder:
    """The 68 points of a photo that has none: the detector's largest face, read by faceagent-multitask."""

    def __init__(self) -> None:
        self._detector, self._reader = FaceDetector(), FaceReader()

    def points(self, photo: Photo) -> npt.NDArray[np.float64] | None:
        faces = self._detector.detect(photo, "image 1")
        if not faces:
            return None
        return self._reader.read_photo(photo, max(faces, key=lambda face: face.box.area)).points[:68]


def build(data: Path, cache: Path, name: str, limit: int | None = None) -> None:
    """Write cache/NAME.npz: see `faceagent_finetune.nets.forensic.data.Photos`."""
    source = SOURCES[name]
    rows = read(data / source.file)[:limit]
    mesh = mesh_rows(data, name) if source.mesh else {}
    finder = Finder()
    kept: list[Row] = []
    points: list[npt.NDArray[np.float64]] = []
    for row in rows:
        found = _points(row, mesh, finder)
        if found is not None:
            kept.append(row)
            points.append(found)
    files = [row["image"]["bytes"] for row in kept]
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(
        cache / f"{name}.npz",
        files=np.frombuffer(b"".join(files), np.uint8),
        ends=np.cumsum([len(raw) for raw in files]),
        points=np.array(points, np.float32).reshape(len(kept), 68, 2),
        kind=np.array([KINDS.index(kind_of(row, source)) for row in kept], np.int8),
        val=np.array([source.val(row) for row in kept], np.bool_),
        group=np.array([group_of(row, source) for row in kept]),
        native=np.array([float(row.get("native_px") or 0) for row in kept], np.float32),
        quality=np.array([quality(raw) for raw in files], np.int16),
    )
    sys.stdout.write(f"{name}: {len(kept)} photos; {len(rows) - len(kept)} without a face left out\n")


def _points(row: Row, mesh: Mapping[str, Row], finder: Finder) -> npt.NDArray[np.float64] | None:
    if "points68" in row:
        return np.array(row["points68"], np.float64)
    if not mesh:
        return finder.points(Photo.open(row["image"]["bytes"]))
    known = mesh.get(row["image"]["path"])
    return None if known is None or known["face_flag"] <= SURE else known["points"][:68]


def group_of(row: Row, source: Source) -> str:
    """Video, person or photo."""
    if source.group == "name":
        return person(row["name"])
    return str(row[source.group] if source.group else row["image"]["path"])


def kind_of(row: Row, source: Source) -> str:
    """One of `KINDS`."""
    return source.kinds[row[source.field]] if source.kinds else KINDS[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the photos, made if missing (150 MB)")
    parser.add_argument("--sets", nargs="+", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--limit", type=int, help="only the first photos of each set")
    chosen = parser.parse_args()
    for name in chosen.sets:
        if not (chosen.cache / f"{name}.npz").is_file():
            build(chosen.data, chosen.cache, name, chosen.limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
