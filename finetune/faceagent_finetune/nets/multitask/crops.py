"""Real photos as aligned crops with their labels, once, in a folder.

    python -m faceagent_finetune.nets.multitask.crops --data DIR --cache DIR

Crops are cut by `faceagent_tools.align.face_chip`, as the product does. Only where the face's box comes from differs.
Val split: the product's detector. Train split: the mesh's points (the box that the detector would give, fitted on
photos where both are known, at a tenth of the cost), else the detector, except for FER+. Where nothing is found, or
looked for, it is the median box of the set, or the usual place. `how` in the cache says which. A run that was cut off
goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra, UsageError
from faceagent.media import Photo
from faceagent.types import Box, Face
from faceagent_finetune.nets.multitask import labels
from faceagent_tools import align
from faceagent_tools.detection import FaceDetector
from faceagent_tools.trunk import CHIP_PADDING, CHIP_SIZE

Rows = Sequence[Mapping[str, Any]]
Floats = npt.NDArray[np.float64]
DETECTOR, MESH, PRIOR, PLACED = 1, 2, 3, 4
_FITTED_ON = 250  # photos of a set on which boxes are fitted
_SAVE_EVERY = 500
_MOST_OFF, _MOST_LEAN = 0.3, 25.0  # of the logarithm of a face's size in an aligned set; degrees


@dataclass(frozen=True)
class Source:
    """One set.

    enlarge: photos are searched at this multiple of their size (the detector needs about 40 px). aligned: faces lie in
    the same place in all photos, so that those of the train split need no detector. On FER+ the alignment's points from
    the median box are 0.025 eye widths (median) from those from the detector's box; a box moved by 1 px does as much.
    all_val: never trained on.
    """

    file: str
    targets: Callable[[Rows], dict[str, npt.NDArray[Any]]]
    enlarge: int = 1
    aligned: bool = False
    all_val: bool = False


SOURCES: Mapping[str, Source] = {
    "helen68": Source("landmarks/helen68.parquet", labels.unlabelled, all_val=True),
    "celeba40": Source("attributes/celeba40.parquet", labels.celeba, enlarge=2),
    "utkface": Source("attributes/utkface.parquet", labels.utkface),
    "fairface": Source("attributes/fairface.parquet", labels.fairface),
    "ferplus": Source("emotion/ferplus.parquet", labels.ferplus, enlarge=3, aligned=True),
}


def read(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Rows of a Parquet file.

    Raises:
        UsageError: the file is not there.
        MissingExtra: pyarrow is not installed.
    """
    if not path.is_file():
        raise UsageError(f"{path} does not exist", "Name the folder that holds it with --data")
    try:
        from pyarrow import parquet  # imported where used: it is an optional package
    except ModuleNotFoundError:
        raise MissingExtra(f"Reading {path.name}", "train") from None
    rows: list[dict[str, Any]] = parquet.read_table(path, columns=columns).to_pylist()
    return rows


def mesh_rows(data: Path, name: str) -> dict[str, Mapping[str, Any]]:
    """The mesh's rows of one set by file name; empty where the file is missing or knows no such set."""
    path = data / "landmarks" / "mesh_teacher.parquet"
    if not path.is_file():
        return {}
    from pyarrow import compute, parquet

    table = parquet.read_table(path)
    chosen = table.filter(compute.equal(table["file"].cast("string"), name))
    points = np.stack(chosen["points78"].to_numpy()) if len(chosen) else np.empty((0, 156))
    rows = chosen.drop_columns(["points78"]).to_pylist()
    return {
        row["path"]: {**row, "points": point.reshape(78, 2).astype(np.float64)}
        for row, point in zip(rows, points, strict=True)
    }


def face_at(centre: Sequence[float], side: float) -> Face:
    """A face whose box is dlib's square."""
    x, y = centre
    box = Box(x0=x - side / 2, y0=y - side / 2, x1=x + side / 2, y1=y + side / 2)
    return Face(id="face 1.1", image="image 1", box=box, score=0.0)


class Boxes:
    """Where the face is: `fit` first, then `of`."""

    def __init__(self, enlarge: int) -> None:
        self._detector, self._enlarge = FaceDetector("dlib"), enlarge
        self._prior = np.array([0.5, 0.55, 0.6])  # centre and side in shares of the photo's width
        self._from_mesh: Floats | None = None
        self._from_five = np.array([0.0, 0.23, 1.67])  # centre about the five points and side, in eye widths

    def fit(self, photos: Sequence[tuple[Photo, Floats | None]]) -> dict[str, Any]:
        """Median box of the set, and the detector's square from the mesh's points, both from the photos given."""
        found = [(photo, points, self.detected(photo)) for photo, points in photos]
        squares = [(photo, points, np.array(square)) for photo, points, square in found if square is not None]
        told: dict[str, Any] = {"photos": len(photos), "detected": len(squares)}
        if squares:
            self._prior = np.median([square / photo.width for photo, _, square in squares], axis=0)
            told["median_box"] = np.round(self._prior, 3).tolist()
            five = [(_five(photo, face_at(square[:2].tolist(), square[2])), square) for photo, _, square in squares]
            about = [(square - [*middle, 0]) / width for (middle, width), square in five]
            self._from_five = np.median(about, axis=0)
        framed = [(_frame(points), square) for _, points, square in squares if points is not None]
        if len(framed) > 30:
            inputs = np.stack([features for (_, _, features), _ in framed])
            wanted = np.stack([(square - [*nose, 0]) / scale for (nose, scale, _), square in framed])
            self._from_mesh = np.linalg.lstsq(inputs, wanted, rcond=None)[0]
            error = np.abs(inputs @ self._from_mesh - wanted) / wanted[:, 2:]
            told["mesh_error_in_sides"] = np.round(error.mean(axis=0), 3).tolist()
        return told

    def detected(self, photo: Photo, near: Floats | None = None) -> tuple[float, float, float] | None:
        """Centre and side of the detector's square nearest to a point (the middle of the photo), or None."""
        view = photo
        if self._enlarge > 1:
            size = (photo.width * self._enlarge, photo.height * self._enlarge)
            view = Photo.open(np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8))
        middle = np.array([photo.width, photo.height]) / 2 if near is None else near
        squares = [
            (x / self._enlarge, y / self._enlarge, side / self._enlarge)
            for (x, y), side in map(align.square_of, self._detector.detect(view, "image 1"))
        ]
        return min(squares, key=lambda square: float(np.hypot(*(square[:2] - middle))), default=None)

    def of(self, photo: Photo, near: Floats | None = None) -> tuple[Face, int]:
        """The face as the detector finds it, else where the set's median box leads."""
        found = self.detected(photo, near)
        return (self.median(photo), PRIOR) if found is None else (face_at(found[:2], found[2]), DETECTOR)

    def from_mesh(self, photo: Photo, points: Floats) -> tuple[Face, int]:
        """The box that the detector would give, from the mesh's points."""
        if self._from_mesh is None:
            return self.of(photo)
        nose, scale, features = _frame(points)
        square = features @ self._from_mesh * scale + [*nose, 0]
        return face_at(square[:2].tolist(), float(square[2])), MESH

    def median(self, photo: Photo) -> Face:
        """The set's median box, drawn to where the alignment's points then lie."""
        x, y, side = self._prior * photo.width
        middle, width = _five(photo, face_at((x, y), side))
        square = self._from_five * width + [*middle, 0]
        return face_at(square[:2].tolist(), float(square[2]))


def _five(photo: Photo, face: Face) -> tuple[Floats, float]:
    """Middle of the alignment's five points and the distance of the outer corners of the eyes."""
    points = align.points5(photo, face)
    return points.mean(axis=0), float(np.hypot(*(points[0] - points[2])))


def _frame(points: Floats) -> tuple[Floats, float, Floats]:
    """Nose, scale, and [5] where eyes and mouth lie about the nose, in units of the scale."""
    nose, scale = points[27:36].mean(axis=0), float(np.sqrt(np.prod(np.ptp(points[:68], axis=0))))
    eyes, mouth = points[36:48].mean(axis=0) - nose, points[48:68].mean(axis=0) - nose
    return nose, scale, np.array([*eyes / scale, *mouth / scale, 1.0])


class Cache:
    """Crops of one set: crops.npy uint8 [N, 150, 150, 3], how.npy [N], maps.npy [N, 2, 3] and labels.npz."""

    def __init__(self, folder: Path, rows: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.crops = _opened(folder / "crops.npy", (rows, CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
        self.how = _opened(folder / "how.npy", (rows,), np.uint8)
        self.maps = _opened(folder / "maps.npy", (rows, 2, 3), np.float32)

    def save(self) -> None:
        for array in (self.crops, self.maps, self.how):
            array.flush()


def _opened(path: Path, shape: tuple[int, ...], kind: Any) -> Any:
    if not path.exists():
        return np.lib.format.open_memmap(path, "w+", dtype=kind, shape=shape)
    array = np.lib.format.open_memmap(path, "r+")
    if array.shape != shape:
        raise UsageError(f"{path} holds {array.shape[0]} photos, the set {shape[0]}", "Name another --cache")
    return array


def build(data: Path, folder: Path, name: str, limit: int | None = None) -> None:
    """Crops and labels of one set."""
    source = SOURCES[name]
    rows, mesh = read(data / source.file)[:limit], mesh_rows(data, name)
    cache = Cache(folder / name, len(rows))
    _cut(rows, mesh, source, cache)
    val = np.array([source.all_val or row.get("split") == "val" for row in rows])
    if source.aligned:
        _mend(rows, cache)
    targets = source.targets(rows)
    _point_targets(rows, mesh, cache, targets)
    paths = np.array([str(row["image"]["path"] if row["image"]["path"] else place) for place, row in enumerate(rows)])
    stored: dict[str, Any] = {**targets, "val": val, "how": cache.how, "paths": paths}
    np.savez_compressed(cache.folder / "labels.npz", **stored)


def _cut(rows: Rows, mesh: Mapping[str, Mapping[str, Any]], source: Source, cache: Cache) -> None:
    todo = np.flatnonzero(cache.how == 0)
    if not todo.size:
        return
    boxes, rng = Boxes(source.enlarge), np.random.default_rng(7)

    def points_of(row: Mapping[str, Any]) -> Floats | None:
        known = mesh.get(row["image"]["path"])
        return None if known is None else known["points"]

    sample = rng.permutation(len(rows))[:_FITTED_ON].tolist()
    told = boxes.fit([(Photo.open(rows[place]["image"]["bytes"]), points_of(rows[place])) for place in sample])
    sys.stdout.write(f"{cache.folder.name}: boxes {told}\n")
    begun = time.monotonic()
    for done, place in enumerate(todo.tolist(), start=1):
        row = rows[place]
        photo = Photo.open(row["image"]["bytes"])
        face, how = _find(boxes, photo, row, points_of(row), source)
        cache.crops[place], cache.maps[place] = align.face_chip_and_map(
            photo, face, size=CHIP_SIZE, padding=CHIP_PADDING
        )
        cache.how[place] = how
        if done % _SAVE_EVERY == 0 or done == todo.size:
            cache.save()
            pace = (time.monotonic() - begun) / done
            left = pace * (todo.size - done) / 60
            sys.stdout.write(
                f"{cache.folder.name}: {done}/{todo.size}, {1000 * pace:.1f} ms each, {left:.0f} min left\n"
            )
            sys.stdout.flush()


def _mend(rows: Rows, cache: Cache) -> None:
    """In a set of aligned faces, put those whose points were lost where the others lie.

    Points count as lost where no detector found the face and its size or lean is far from the usual.
    """
    scale, roll = np.hypot(*cache.maps[:, :, 0].T), np.degrees(np.arctan2(*cache.maps[:, ::-1, 0].T))
    lost = (np.abs(np.log(scale / np.median(scale))) > _MOST_OFF) | (np.abs(roll) > _MOST_LEAN)
    usual = np.median(cache.maps, axis=0).astype(np.float64)
    centred = np.column_stack(
        [usual[:, :2], usual[:, 2] + usual[:, :2] @ [0.5, 0.5] - 0.5]
    )  # of pixels, as OpenCV has it
    for place in np.flatnonzero(lost & (cache.how == PRIOR)).tolist():
        photo = Photo.open(rows[place]["image"]["bytes"])
        cache.crops[place] = cv2.warpAffine(photo.pixels, centred, (CHIP_SIZE, CHIP_SIZE))
        cache.maps[place], cache.how[place] = usual, PLACED
    cache.save()


def _find(
    boxes: Boxes, photo: Photo, row: Mapping[str, Any], points: Floats | None, source: Source
) -> tuple[Face, int]:
    if row.get("split") == "train" and points is not None:
        return boxes.from_mesh(photo, points)
    if row.get("split") == "train" and source.aligned:
        return boxes.median(photo), PRIOR
    return boxes.of(photo, np.array(row["points68"]).mean(axis=0) if "points68" in row else None)


def _point_targets(
    rows: Rows, mesh: Mapping[str, Mapping[str, Any]], cache: Cache, targets: dict[str, npt.NDArray[Any]]
) -> None:
    """Points in shares of the crop's side; pose and openings of the mesh."""
    for place, row in enumerate(rows):
        turn = cache.maps[place].astype(np.float64)
        known = mesh.get(row["image"]["path"])
        if "points68" in row:
            targets["points"][place, :68] = (np.array(row["points68"]) @ turn[:, :2].T + turn[:, 2]) / CHIP_SIZE
        elif known is not None and known["face_flag"] > 0.9:
            targets["points"][place] = (known["points"] @ turn[:, :2].T + turn[:, 2]) / CHIP_SIZE
            roll = known["euler_z"] + np.degrees(np.arctan2(turn[1, 0], turn[0, 0]))
            targets["pose"][place] = known["euler_y"], labels.MESH_PITCH_OF_FRONTAL - known["euler_x"], roll
            targets["openings"][place] = known["left_eye_open"], known["right_eye_open"], known["mouth_open"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the crops, made if missing (4 GB)")
    parser.add_argument("--sets", nargs="+", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--limit", type=int, help="only the first photos of each set")
    chosen = parser.parse_args()
    for name in chosen.sets:
        build(chosen.data, chosen.cache, name, chosen.limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
