"""How much damage a photo can take before true matches are missed: LFW pairs, one photo of each damaged.

Part of `calibrate_quality`, which describes it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import MissingExtra
from faceagent.media import Photo
from faceagent.types import Box, Face
from faceagent_finetune.nets.photo_damage import Damage, damaged
from faceagent_tools import align, similarity
from faceagent_tools import quality_measures as measures
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import FaceEmbedder, main_face

Floats = npt.NDArray[np.float64]
Report = Callable[[str], None]

FEWEST = 30
NONE = Damage("none", 0)
DAMAGES = (
    *(Damage("blur", share) for share in (0.03, 0.045, 0.06, 0.075, 0.09, 0.12)),
    *(Damage("size", pixels) for pixels in (24, 20, 16, 13, 10, 8, 6)),
    *(Damage("dark", factor) for factor in (0.25, 0.12, 0.06, 0.03, 0.015)),
    *(Damage("bright", factor) for factor in (1.25, 1.5, 1.75, 2, 3, 4)),
    *(Damage("contrast", factor) for factor in (0.12, 0.06, 0.03)),
    *(Damage("jpeg", quality) for quality in (20, 10, 5)),
    *(Damage("noise", sigma) for sigma in (20, 40, 80)),
)
COLUMNS = ("sharpness", "brightness", "dark", "glare", "contrast", "noise", "eyes", "blockiness")


@dataclass(frozen=True)
class Shot:
    """A photo with its main face."""

    name: str
    photo: Photo
    face: Face


def measured(shot: Shot) -> Floats:
    """The measures in the order of COLUMNS."""
    points = align.points5(shot.photo, shot.face)
    eyes = measures.eye_distance(points)
    luminance = measures.luminance(align.face_chip(shot.photo, shot.face))
    light = measures.light(luminance)
    return np.array(
        [
            measures.sharpness(luminance),
            light.mean,
            light.dark_share,
            light.bright_share,
            light.contrast,
            measures.noise(measures.luminance(measures.face_crop(shot.photo.pixels, shot.face.box, eyes))),
            eyes,
            measures.blockiness(measures.luminance(shot.photo.pixels)),
        ]
    )


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a parquet file."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("Reading the data sets", "eval") from error
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(file).to_pylist()
    return rows


def shots_of(rows: Iterable[dict[str, Any]], label: str) -> Iterator[tuple[str, Shot]]:
    """(label, shot) of every row in whose photo a face is found."""
    detector = FaceDetector()
    for row in rows:
        photo = Photo.open(row["image"]["bytes"], name=row["image"]["path"] or "photo")
        face = main_face(detector.detect(photo, "image 1"), photo.width, photo.height)
        if face is not None:
            yield str(row[label]), Shot(str(row[label]), photo, face)


def damaged_shot(shot: Shot, damage: Damage, rng: np.random.Generator) -> Shot:
    """The damaged photo with the same face: where a detector still finds it is another question."""
    eyes = measures.eye_distance(align.points5(shot.photo, shot.face))
    pixels, factor = damaged(shot.photo.pixels, damage, eyes, rng)
    box = shot.face.box
    moved = Box(x0=box.x0 * factor, y0=box.y0 * factor, x1=box.x1 * factor, y1=box.y1 * factor)
    photo = Photo.open(np.ascontiguousarray(pixels), name=shot.name)
    return Shot(shot.name, photo, shot.face.model_copy(update={"box": moved}))


@dataclass(frozen=True)
class Samples:
    """One row a damaged photo: kind of damage, number of the pair and fold [N], its embedding and that of the other
    photo [N, 128], measures [N, 8]."""

    kinds: npt.NDArray[np.str_]
    pairs: npt.NDArray[np.int64]
    folds: npt.NDArray[np.int64]
    probes: npt.NDArray[np.float32]
    others: npt.NDArray[np.float32]
    values: Floats

    def missed(self, line: float) -> npt.NDArray[np.bool_]:
        """[N]: whether compare_faces would miss that these are photos of one person, at a line on its similarity."""
        pairs = zip(self.probes, self.others, strict=True)
        return np.array([similarity.similarity(probe, other) < line for probe, other in pairs])

    def where(self, kinds: Sequence[str]) -> npt.NDArray[np.bool_]:
        """[N]: rows with damage of these kinds, or none."""
        return np.isin(self.kinds, [*kinds, NONE.kind])

    def column(self, name: str) -> Floats:
        return self.values[:, COLUMNS.index(name)]

    def save(self, file: Path) -> None:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            kinds=self.kinds,
            pairs=self.pairs,
            folds=self.folds,
            probes=self.probes,
            others=self.others,
            values=self.values,
        )
        file.write_bytes(buffer.getvalue())

    @staticmethod
    def load(file: Path) -> Samples:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            return Samples(*(stored[name] for name in ("kinds", "pairs", "folds", "probes", "others", "values")))


def collect(data: Path, per_damage: int, report: Report) -> Samples:
    """All true pairs with both photos as they are, and `per_damage` of them with the first photo damaged."""
    pairs = true_pairs(data)
    wanted = {name for pair in pairs for name in pair[1:]}
    rows_read = read_rows(data / "identity" / "lfw_images.parquet")
    shots = dict(shots_of((row for row in rows_read if row["name"] in wanted), "name"))
    pairs = [pair for pair in pairs if pair[1] in shots and pair[2] in shots]
    every = max(1, len(pairs) // per_damage)
    embedder, rng = FaceEmbedder(), np.random.default_rng(0)
    others = {name: embedder.embed(shots[name].photo, shots[name].face) for _, _, name in pairs}
    rows: list[tuple[str, int, int, npt.NDArray[np.float32], npt.NDArray[np.float32], Floats]] = []
    for damage in (NONE, *DAMAGES):
        for number in range(0, len(pairs), 1 if damage == NONE else every):
            fold, first, second = pairs[number]
            shot = damaged_shot(shots[first], damage, rng)
            probe = embedder.embed(shot.photo, shot.face)
            rows.append((damage.kind, number, fold, probe, others[second], measured(shot)))
        report(f"{damage.kind} {damage.strength:g}: {len(rows)} samples")
    return Samples(*(np.array(column) for column in zip(*rows, strict=True)))


def true_pairs(data: Path) -> list[tuple[int, str, str]]:
    with (data / "identity" / "lfw_pairs_folds1-2.csv").open(encoding="utf-8") as stream:
        return [(int(row["fold"]), row["a"], row["b"]) for row in csv.DictReader(stream) if row["same"] == "True"]


def crossing(score: Floats, failed: npt.NDArray[np.bool_], level: float, rising: bool) -> float | None:
    """The score beyond which more than `level` of the samples fail; None where no FEWEST samples lie there.

    rising: larger scores mean more failures. The share is fitted as a monotone function of the score.
    """
    at, share = monotone(score, failed, rising)
    worse = share > level
    if worse.sum() < FEWEST:
        return None
    return float(at[worse].min() if rising else at[worse].max())


def monotone(score: Floats, failed: npt.NDArray[np.bool_], rising: bool) -> tuple[Floats, Floats]:
    """Scores in rising order and the share that fails at each, fitted by pool-adjacent-violators."""
    from sklearn.isotonic import IsotonicRegression

    at = np.sort(score)
    fit = IsotonicRegression(increasing=rising, y_min=0, y_max=1).fit(score, failed.astype(float))
    return at, np.asarray(fit.predict(at), dtype=np.float64)


def gender_reader(rows: Sequence[dict[str, Any]]) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.bool_]]:
    """A linear reader of perceived gender on embeddings [N, 128]: stands in for whatever reads attributes.

    rows: of FairFace, with `gender`.
    """
    from sklearn.linear_model import LogisticRegression

    embedder = FaceEmbedder()
    found = [(label, embedder.embed(shot.photo, shot.face)) for label, shot in shots_of(rows, "gender")]
    model = LogisticRegression(C=10, max_iter=1000)
    model.fit(np.stack([vector for _, vector in found]), [label == found[0][0] for label, _ in found])
    return lambda vectors: np.asarray(model.predict(vectors), dtype=np.bool_)


def changed_answers(
    samples: Samples, reader: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.bool_]]
) -> npt.NDArray[np.bool_]:
    """[N]: whether the reader answers otherwise than on the undamaged photo."""
    answers = reader(samples.probes)
    plain = samples.kinds == NONE.kind
    undamaged = dict(zip(samples.pairs[plain].tolist(), answers[plain].tolist(), strict=True))
    return np.array([answer != undamaged[pair] for answer, pair in zip(answers, samples.pairs.tolist(), strict=True)])
