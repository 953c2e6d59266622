"""What YuNet finds in the photos of the sets, once, in a folder.

    FACEAGENT_MIRROR=… python -m faceagent_finetune.nets.detector.labels --data DIR --cache DIR

A folder a set: photos.npy uint8 [N, H, W, 3] and labels.npz (see `PhotoSet`). YuNet answers with everything down to a
score of `LOWEST`: faces of at least `FACE` teach, weaker ones are neither face nor background (`compose`).

Only photos of the sets' train splits are here. Some of them, and all photos of some people of LFW, are put aside as
`TUNE`: on them the score threshold is chosen. HELEN and VIPBench, the photos with several faces, are not here at all:
every one of them is val, and `python -m faceagent_eval run detection` measures on them.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.errors import UsageError
from faceagent.media import Photo, Pixels
from faceagent_finetune.nets.multitask.crops import read
from faceagent_tools import weights
from faceagent_tools.yunet import Found, YuNet

Floats = npt.NDArray[np.float32]
TRAIN, TUNE = 0, 1
LOWEST, FACE = 0.15, 0.6
"""Scores of YuNet: below the first nothing is kept, from the second it is a face (as in OpenCV's example)."""
_SEED = 7
_REPORT = 500


@dataclass(frozen=True)
class Source:
    """One set. size: (height, width) of its photos. enlarge: YuNet sees them at this multiple.

    train, tune: photos taken, drawn at random.
    """

    file: str
    size: tuple[int, int]
    train: int
    tune: int = 0
    enlarge: int = 1


SOURCES: Mapping[str, Source] = {
    "lfw": Source("identity/lfw_images.parquet", (250, 250), train=2000, tune=250),
    "fairface": Source("attributes/fairface.parquet", (144, 144), train=4500, tune=250),
    "ferplus": Source("emotion/ferplus.parquet", (48, 48), train=2500, tune=150, enlarge=3),
    "celeba40": Source("attributes/celeba40.parquet", (109, 89), train=1500),
    "utkface": Source("attributes/utkface.parquet", (144, 144), train=1500),
    "stylegan": Source("forensics/stylegan_ffhq.parquet", (256, 256), train=400),
    "dfdc": Source("forensics/dfdc_faces.parquet", (224, 224), train=500),
}


@dataclass(frozen=True)
class PhotoSet:
    """One set in the cache.

    photos: uint8 [N, H, W, 3] RGB, on disk. part: TRAIN or TUNE [N]. photo: which photo each face is in [M].
    boxes: [M, 4] x0, y0, x1, y1. points: [M, 5, 2]. scores: [M], at least LOWEST. All in pixels of the photo.
    """

    name: str
    photos: npt.NDArray[np.uint8]
    part: npt.NDArray[np.uint8]
    photo: npt.NDArray[np.int32]
    boxes: Floats
    points: Floats
    scores: Floats

    @staticmethod
    def open(cache: Path, name: str) -> PhotoSet:
        """
        Raises:
            UsageError: the set is not in the cache.
        """
        folder = cache / name
        if not (folder / "labels.npz").is_file():
            raise UsageError(f"{folder} holds no labels", "Make them with faceagent_finetune.nets.detector.labels")
        with np.load(folder / "labels.npz") as stored:
            kept = {key: stored[key] for key in ("part", "photo", "boxes", "points", "scores")}
        return PhotoSet(name, np.load(folder / "photos.npy", mmap_mode="r"), **kept)

    def faces(self, photo: int) -> tuple[Floats, Floats, Floats]:
        """Boxes, points and scores of one photo."""
        begin, end = np.searchsorted(self.photo, [photo, photo + 1])
        return self.boxes[begin:end], self.points[begin:end], self.scores[begin:end]


def seen(network: YuNet, photo: Pixels, enlarge: int) -> Found:
    """YuNet's faces; where none is clear, those of the copy with a margin or of half the size, if clearer."""
    view = np.asarray(cv2.resize(photo, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_CUBIC), np.uint8)
    found = _moved(network.detect(view), 1 / enlarge, 0)
    if _best(found) < FACE:
        margin = max(view.shape) // 4
        padded = cv2.copyMakeBorder(view, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
        half = cv2.resize(view, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        looks = [
            found,
            _moved(network.detect(np.asarray(padded, np.uint8)), 1 / enlarge, margin / enlarge),
            _moved(network.detect(np.asarray(half, np.uint8)), 2 / enlarge, 0),
        ]
        found = max(looks, key=_best)
    return found


def _moved(found: Found, scale: float, margin: float) -> Found:
    boxes, points = found.boxes * scale - margin, found.points * scale - margin
    return Found(boxes.astype(np.float32), found.scores, points.astype(np.float32))


def _best(found: Found) -> float:
    return float(found.scores.max(initial=0.0))


def chosen(rows: Sequence[Mapping[str, Any]], source: Source) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Places of the photos that are taken, and their parts. LFW, which has no split, is divided by person."""
    order = np.random.default_rng(_SEED).permutation(len(rows))
    people = [row.get("name") for row in rows]
    held = np.array([name is not None and zlib.crc32(name.rpartition("_")[0].encode()) % 5 == 0 for name in people])
    val = np.array([row.get("split") == "val" for row in rows])
    for_train = order[~val[order] & ~held[order]]
    for_tune = order[held[order]] if held.any() else for_train[source.train :]
    takes = ((TRAIN, for_train[: source.train]), (TUNE, for_tune[: source.tune]))
    places = np.concatenate([part for _, part in takes])
    return places, np.concatenate([np.full(part.size, name, np.uint8) for name, part in takes])


def build(data: Path, cache: Path, name: str, limit: int | None = None) -> None:
    """Photos and labels of one set, unless they are there."""
    folder, source = cache / name, SOURCES[name]
    if (folder / "labels.npz").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rows = read(data / source.file)
    places, part = chosen(rows, source)
    if limit is not None:
        few = np.concatenate([np.flatnonzero(part == kind)[:limit] for kind in (TRAIN, TUNE)])
        places, part = places[few], part[few]
    network = YuNet(weights.path("yunet_n_dynamic"), score=LOWEST, threads=1)
    shape = (places.size, *source.size, 3)
    photos = np.lib.format.open_memmap(folder / "photos.npy", "w+", dtype=np.uint8, shape=shape)
    found: list[Found] = []
    begun = time.monotonic()
    for done, place in enumerate(places.tolist()):
        pixels = Photo.open(rows[place]["image"]["bytes"]).pixels
        if pixels.shape[:2] != source.size:
            pixels = np.asarray(cv2.resize(pixels, source.size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        photos[done] = pixels
        found.append(seen(network, pixels, source.enlarge))
        if done % _REPORT == _REPORT - 1:
            _say(f"{name}: {done + 1}/{places.size}, {1000 * (time.monotonic() - begun) / (done + 1):.0f} ms each")
    photos.flush()
    np.savez_compressed(
        folder / "labels.npz",
        part=part,
        photo=np.repeat(np.arange(places.size, dtype=np.int32), [len(one.scores) for one in found]),
        boxes=np.concatenate([one.boxes for one in found]),
        points=np.concatenate([one.points for one in found]),
        scores=np.concatenate([one.scores for one in found]),
    )
    clear = sum(_best(one) >= FACE for one in found)
    _say(f"{name}: {places.size} photos, YuNet is sure of a face in {clear}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--cache", type=Path, required=True, help="folder for photos and labels (1 GB)")
    parser.add_argument("--limit", type=int, help="only so many photos of each part")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    for name in SOURCES:
        build(arguments.data, arguments.cache, name, arguments.limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
