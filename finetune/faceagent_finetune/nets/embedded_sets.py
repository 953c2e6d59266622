"""Portraits of several data sets as embeddings, kept in a file so that a second run costs nothing.

Reads `identity/lfw_images.parquet`, `identity/vip_one_person.parquet` and `attributes/fairface.parquet` (columns
`image` {bytes, path} and labels). Each portrait gives the embedding of its main face, or
nothing where no face is found.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra, UsageError
from faceagent.media import Photo
from faceagent_tools import similarity
from faceagent_tools.compare import WIDEST_YAW
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import FaceEmbedder, eye_distance, main_face
from faceagent_tools.five_points import pose_of

Floats = npt.NDArray[np.float64]
Report = Callable[[str, int, int], None]
"""Called with (set, portraits done, portraits in all)."""

_SAVE_EVERY = 500
SIZE = 128


@dataclass(frozen=True)
class Portrait:
    """key: unique in its set; labels: what the set says of it."""

    key: str
    labels: Mapping[str, str]
    raw: bytes


@dataclass(frozen=True)
class Found:
    """Portraits with a face that compare_faces compares, which is none in profile. embeddings: [N, 128]; labels."""

    embeddings: Floats
    labels: tuple[Mapping[str, str], ...]

    @staticmethod
    def of(rows: Floats, portraits: Sequence[Portrait]) -> Found:
        seen = np.flatnonzero(np.abs(rows[:, -1]) <= WIDEST_YAW)
        labels = tuple({"key": portraits[index].key, **portraits[index].labels} for index in seen.tolist())
        return Found(similarity.unit(rows[seen, :SIZE]), labels)

    def column(self, label: str) -> npt.NDArray[np.str_]:
        return np.array([labels[label] for labels in self.labels])

    def part(self, mask: npt.NDArray[np.bool_]) -> Found:
        labels = tuple(labels for labels, kept in zip(self.labels, mask, strict=True) if kept)
        return Found(self.embeddings[mask], labels)


class EmbeddedSets:
    """Embeddings by set and key, read from and written to one .npz file.

    Args:
        cache: the file; made on the first save.
        detector: how faces are found. A cache that was made with another one is refused.

    Raises:
        UsageError: the file was made with another detector or other weights.
    """

    def __init__(self, cache: Path, detector: FaceDetector, report: Report) -> None:
        self._cache, self._detector, self._embedder, self._report = cache, detector, FaceEmbedder(), report
        self._rows: dict[str, Floats] = {}
        self._made_by = f"{detector.method.name} {detector.method.sha256} + {self._embedder.method.sha256}"
        if cache.is_file():
            with np.load(io.BytesIO(cache.read_bytes())) as stored:
                if str(stored["made_by"]) != self._made_by:
                    raise UsageError(f"{cache} was made with {stored['made_by']}", "Name another --cache")
                self._rows = dict(zip(stored["keys"].tolist(), stored["rows"].astype(np.float64), strict=True))

    def embed(self, name: str, portraits: Sequence[Portrait]) -> Floats:
        """One row for each portrait: [N, 130], the embedding, eye distance (pixels) and yaw; NaN where no face is."""
        todo = [portrait for portrait in portraits if f"{name}/{portrait.key}" not in self._rows]
        for done, portrait in enumerate(todo, start=1):
            self._rows[f"{name}/{portrait.key}"] = self._row(portrait)
            if done % _SAVE_EVERY == 0:
                self.save()
                self._report(name, done, len(todo))
        self.save()
        return np.stack([self._rows[f"{name}/{portrait.key}"] for portrait in portraits])

    def _row(self, portrait: Portrait) -> Floats:
        photo = Photo.open(portrait.raw, name=portrait.key)
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        if face is None:
            return np.full(SIZE + 2, np.nan)
        seen = [eye_distance(photo, face), pose_of(photo, face).yaw]
        return np.append(self._embedder.embed(photo, face).astype(np.float64), seen)

    def save(self) -> None:
        """Write all rows; replaces the file in one step, so that a break-off leaves the old one."""
        partial = self._cache.with_suffix(".part")
        with partial.open("wb") as stream:
            rows = np.stack(list(self._rows.values())).astype(np.float32)
            np.savez(stream, keys=np.array(list(self._rows)), rows=rows, made_by=np.array(self._made_by))
        partial.replace(self._cache)


def read_parquet(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of one set.

    Raises:
        UsageError: the file is not there.
        MissingExtra: the `eval` extra is not installed.
    """
    if not path.is_file():
        raise UsageError(f"{path} does not exist", "Name the folder that holds it with --data")
    try:
        # Imported where used: it is an optional package.
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MissingExtra(f"Reading {path.name}", "eval") from None
    rows: list[dict[str, Any]] = parquet.read_table(path, columns=["image", *columns]).to_pylist()
    return rows


def lfw(data: Path) -> list[Portrait]:
    """Labels: person."""
    rows = read_parquet(data / "identity" / "lfw_images.parquet", ["name"])
    return [Portrait(row["name"], {"person": row["name"].rpartition("_")[0]}, row["image"]["bytes"]) for row in rows]


def vip(data: Path) -> list[Portrait]:
    """The authentic portraits only. Labels: relation (r_r_i the person, r_r_d_i others)."""
    rows = read_parquet(data / "identity" / "vip_one_person.parquet", ["relation"])
    return [
        Portrait(row["image"]["path"], {"relation": row["relation"]}, row["image"]["bytes"])
        for row in rows
        if row["relation"] in ("r_r_i", "r_r_d_i")
    ]


def fairface(data: Path) -> list[Portrait]:
    """Labels: race, gender, age (FairFace's age group). A file that occurs twice is read once."""
    rows = read_parquet(data / "attributes" / "fairface.parquet", ["race", "gender", "age_group", "split"])
    once = {row["image"]["bytes"]: row for row in reversed(rows)}
    return [
        Portrait(
            f"{row['split']}/{row['image']['path']}",
            {"race": row["race"], "gender": row["gender"], "age": row["age_group"]},
            raw,
        )
        for raw, row in reversed(once.items())
    ]


# FairFace's photos come from albums, so that some people occur several times, which would count as false matches. These
# show someone whom another photo of the test (seed 0) shows too: seen by eye among the 240 most alike pairs of adults
# and teenagers, where clothes, moles or the occasion left no doubt. Pairs that left a doubt stay in.
# fmt: off
_REPEATED_TRAIN = (
    4344, 4681, 7911, 9161, 18096, 18281, 19109, 20422, 22276, 23604, 26806, 28856, 29401, 29721, 30772, 33072,
    36459, 37995,
)
_REPEATED_VAL = (
    1229, 4815, 7064, 10861, 11761, 13938, 14651, 17464, 17527, 19150, 21356, 21620, 25247, 25544, 28536, 33594,
    33889, 35521, 36250, 36585, 39692,
)
# fmt: on
REPEATED = frozenset(
    [*(f"train/{number}.jpg" for number in _REPEATED_TRAIN), *(f"val/{number}.jpg" for number in _REPEATED_VAL)]
)

CHILD, TEEN = ("0-2", "3-9"), ("10-19",)
_TESTED = {"adult": 150, "teen": 30, "child": 30}
_COHORT = 200


def stage(age: str) -> str:
    """adult, teen (10-19) or child (0-9)."""
    return "child" if age in CHILD else "teen" if age in TEEN else "adult"


def fairface_halves(portraits: Sequence[Portrait], seed: int) -> tuple[list[Portrait], list[Portrait]]:
    """Disjoint (cohort, test), each balanced over race and gender.

    test: 150 adults, 30 teens and 30 children a group, those of the val split first. cohort: 200 others a group, of
    any age, train split only.
    """
    shuffled = [portraits[index] for index in np.random.default_rng(seed).permutation(len(portraits))]
    shuffled.sort(key=lambda portrait: portrait.key.startswith("train/"))
    test: list[Portrait] = []
    cohort: list[Portrait] = []
    taken: Counter[tuple[str, ...]] = Counter()
    for portrait in shuffled:
        group = (portrait.labels["race"], portrait.labels["gender"])
        part = (*group, stage(portrait.labels["age"]))
        if taken[part] < _TESTED[part[2]]:
            taken[part] += 1
            test += [portrait] * (portrait.key not in REPEATED)
        elif taken[group] < _COHORT and portrait.key.startswith("train/"):
            taken[group] += 1
            cohort.append(portrait)
    return cohort, test
