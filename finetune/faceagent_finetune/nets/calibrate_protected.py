"""Makes the calibration of verify_protected_identity: what authentic photos, others and swaps are alike to a person.

    python -m faceagent_finetune.nets.calibrate_protected --crops DIR --cache FILE --out FOLDER

--crops is the folder that `forensic.crops` filled. Of people of LFW with four photos and more one half is enrolled; the
rest are genuine, the nearest of 20 others and two more are somebody else, and swaps put the person's face on somebody
of like pose (`forensic.blends`). The forensic weight is not fitted: of the kinds of forgery that the answer of
detect_forgery was fitted without, its log odds should have counted 0.2 (edits) to 1.4 times (StyleGAN); one half was
chosen. VIPBench is measured by `python -m faceagent_eval run vip` and nothing is fitted on it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.errors import FaceAgentError, MissingExtra
from faceagent.media import Photo
from faceagent_finetune.nets.forensic import blends
from faceagent_finetune.nets.forensic.areas import AREAS, Face, Rng, mask_of
from faceagent_finetune.nets.forensic.areas import one as any_of
from faceagent_finetune.nets.forensic.codec import saved
from faceagent_finetune.nets.forensic.crops import SOURCES
from faceagent_finetune.nets.forensic.data import Photos
from faceagent_finetune.nets.forensic.evaluate import auc
from faceagent_tools import align, trunk, weights
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import main_face
from faceagent_tools.identity import likelihood, regions
from faceagent_tools.identity.likelihood import Portrayed, Protected, RegionLine
from faceagent_tools.similarity import Floats
from faceagent_tools.trunk import WEIGHTS, Trunk

COMMAND = "python -m faceagent_finetune.nets.calibrate_protected"
SET = "lfw_images"
SEED = 0
FEWEST, MOST, PEOPLE, OTHERS = 4, 6, 60, 150
"""Photos of a person at least, and at most; people with so many; people of whom one photo is somebody else's."""
SWAPS = 3  # of each person
OWN_PAIRS = 3
FORENSIC_WEIGHT = 0.5
ROUNDS = 3  # halves of each person that are enrolled
PROBABILITY_RANGE = (0.01, 0.99)
_ASKED = 12  # photos among which somebody of like pose is looked for
_AMONG = 20  # others of whom the nearest is a look-alike


@dataclass(frozen=True, eq=False)
class Sample:
    """A photo or a forgery. kind: real, swap or redrawn; person: of the photo, or towards whom; row: of the set."""

    kind: str
    person: str
    row: int
    seen: Portrayed


class Measurer:
    """What is compared of a photo with known points."""

    def __init__(self) -> None:
        self._detector, self._trunk = FaceDetector(), Trunk()

    def portrayed(self, photo: Photo, points: Floats) -> Portrayed | None:
        face = main_face(self._detector.detect(photo, "image 1"), photo.width, photo.height)
        if face is None:
            return None
        chip = align.face_chip(photo, face, trunk.CHIP_SIZE, trunk.CHIP_PADDING)
        views = self._trunk.both_ways(chip)
        mean = views["embedding"].mean(axis=0)
        parts = regions.described(views, regions.in_crop(photo, face, points))
        return Portrayed(np.asarray(mean / np.linalg.norm(mean), np.float32), parts)


def samples(photos: Photos) -> Iterator[tuple[str, str, int, Photo, Floats]]:
    """Kind, person, row, photo and points, in an order that stays the same."""
    rng, by_person = np.random.default_rng(SEED), _by_person(photos)
    many = [name for name, rows in by_person.items() if len(rows) >= FEWEST][:PEOPLE]
    few = [name for name, rows in by_person.items() if len(rows) < FEWEST][:OTHERS]
    for name in (*many, *few):
        for row in by_person[name][: MOST if name in many else 1]:
            yield "real", name, row, Photo.open(photos.pixels(row)), photos.points[row].astype(np.float64)
    codec = SOURCES[SET].codec
    for name in many:
        for _ in range(SWAPS):
            given = int(rng.choice(by_person[name]))
            face = photos.face(_alike(photos, given, rng))
            pixels = saved(swapped(face, photos.face(given), rng), codec)[0]
            yield "swap", name, given, Photo.open(pixels), face.points.astype(np.float64)
        given = int(rng.choice(by_person[name]))
        face = photos.face(given)
        pixels = saved(blends.generated(blends.recoloured(face.pixels, rng), rng), codec)[0]
        yield "redrawn", name, given, Photo.open(pixels), face.points.astype(np.float64)


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


def measured(photos: Photos, cache: Path) -> list[Sample]:
    """All samples with a face, from the cache where it is there."""
    if not cache.is_file():
        measurer = Measurer()
        found = [(*sample[:3], measurer.portrayed(*sample[3:])) for sample in samples(photos)]
        write(cache, [Sample(*row[:3], row[3]) for row in found if row[3] is not None])
    with np.load(cache) as stored:
        columns = [stored[name] for name in ("kinds", "people", "rows", "embeddings", "parts")]
    return [
        Sample(str(kind), str(person), int(row), Portrayed(embedding, _parts(parts)))
        for kind, person, row, embedding, parts in zip(*columns, strict=True)
    ]


def write(cache: Path, found: Sequence[Sample]) -> None:
    """Keep samples in a file."""
    nothing = np.full(trunk.MAPS[regions.MAP][0], np.nan)
    parts = [
        [nothing if (part := sample.seen.parts[name]) is None else part for name in regions.PARTS] for sample in found
    ]
    np.savez(
        cache,
        kinds=np.array([sample.kind for sample in found]),
        people=np.array([sample.person for sample in found]),
        rows=np.array([sample.row for sample in found]),
        embeddings=np.stack([sample.seen.embedding for sample in found]),
        parts=np.array(parts, np.float32),
    )


def _parts(rows: Floats) -> dict[str, Floats | None]:
    return {
        name: row.astype(np.float64) if np.isfinite(row).all() else None
        for name, row in zip(regions.PARTS, rows, strict=True)
    }


def usual(found: Sequence[Sample]) -> dict[str, dict[str, Floats]]:
    """Mean and spread of each part over the real photos."""
    made = {}
    for name in regions.PARTS:
        real = [sample.seen.parts[name] for sample in found if sample.kind == "real"]
        rows = np.array([part for part in real if part is not None])
        made[name] = {"mean": rows.mean(axis=0), "spread": rows.std(axis=0) + 1e-3}
    return made


@dataclass(frozen=True)
class Trial:
    """A photo held against a person. kind: genuine, other, swap or redrawn; found: by region; own: see `likelihood`."""

    person: str
    kind: str
    found: Mapping[str, float]
    own: float


def trials(found: Sequence[Sample], known: Mapping[str, Mapping[str, Floats]], own: float) -> list[Trial]:
    """Each person of several photos, one half enrolled, over a few rounds."""
    rng, made = np.random.default_rng(SEED + 1), list[Trial]()
    real = [one for one in found if one.kind == "real"]
    people: dict[str, list[Sample]] = {}
    for sample in real:
        people.setdefault(sample.person, []).append(sample)
    for _ in range(ROUNDS):
        for person, mine in people.items():
            if len(mine) < FEWEST:
                continue
            order = [mine[place] for place in rng.permutation(len(mine))]
            half, rest = order[: len(mine) // 2], order[len(mine) // 2 :]
            enrolled, used = [one.seen for one in half], {one.row for one in half}
            spread = likelihood.own_likeness(enrolled, own, OWN_PAIRS)
            others = _others([one for one in real if one.person != person], half[0], rng)
            forged = [one for one in found if one.kind != "real" and one.person == person and one.row not in used]
            for kind, suspects in (("genuine", rest), ("other", others), ("", forged)):
                for one in suspects:
                    alike = likelihood.by_region(one.seen, enrolled, known)
                    made.append(Trial(person, kind or one.kind, alike, spread))
    return made


def _others(real: Sequence[Sample], like: Sample, rng: Rng) -> list[Sample]:
    """A look-alike and two more."""
    chosen = [real[place] for place in rng.choice(len(real), _AMONG + 2, replace=False)]
    among = sorted(chosen[:_AMONG], key=lambda one: -float(one.seen.embedding @ like.seen.embedding))
    return [among[0], *chosen[_AMONG:]]


def fit(tried: Sequence[Trial]) -> tuple[Floats, Floats]:
    """Weights [3, F] and intercepts [3] of genuine, other and swap, each kind weighing alike.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    try:
        # Imported where used: it is an optional package.
        from sklearn.linear_model import LogisticRegression
    except ModuleNotFoundError:
        raise MissingExtra("Fitting", "eval") from None
    kinds = likelihood.KINDS[:3]
    used = [one for one in tried if one.kind in kinds]
    rows = np.array([likelihood.features(one.found, one.own) for one in used])
    model = LogisticRegression(max_iter=5000, class_weight="balanced")
    model.fit(rows, [kinds.index(one.kind) for one in used])
    return model.coef_, model.intercept_


def region_lines(tried: Sequence[Trial]) -> dict[str, RegionLine]:
    """The line of each region at which as many pairs of one person are missed as pairs of two pass."""
    made = {}
    for name in regions.REGIONS:
        one, two = (
            np.sort([trial.found[name] for trial in tried if trial.kind == kind and name in trial.found])
            for kind in ("genuine", "other")
        )
        at = np.concatenate([one, two])
        gaps = [abs(np.mean(one < line) - np.mean(two >= line)) for line in at]
        line = float(at[int(np.argmin(gaps))])
        made[name] = RegionLine(
            similarity=round(line, 4), missed=float(np.mean(one < line)), passed=float(np.mean(two >= line))
        )
    return made


def calibrate(found: Sequence[Sample]) -> tuple[Protected, dict[str, dict[str, Floats]]]:
    """Everything from the samples to the table, and the usual parts."""
    known = usual(found)
    own = _own(found)
    tried = trials(found, known, own)
    slopes, intercepts = fit(tried)
    table = Protected(
        command=COMMAND,
        model=WEIGHTS,
        model_sha256=weights.row(WEIGHTS).sha256,
        calibrated_on="people of LFW, and swaps made of their photos",
        n=len(tried),
        weights=tuple(tuple(round(float(value), 4) for value in row) for row in slopes),
        intercepts=tuple(round(float(value), 4) for value in intercepts),
        own=round(own, 4),
        own_pairs=OWN_PAIRS,
        forensic_weight=FORENSIC_WEIGHT,
        lines=region_lines(tried),
        probability_range=PROBABILITY_RANGE,
        figures={},
    )
    return table.model_copy(update={"figures": figures(tried)}), known


def _own(found: Sequence[Sample]) -> float:
    """Mean cosine of two photos of one person."""
    real = [one for one in found if one.kind == "real"]
    pairs = [
        float(a.seen.embedding @ b.seen.embedding)
        for place, a in enumerate(real)
        for b in real[place + 1 :]
        if a.person == b.person
    ]
    return float(np.mean(pairs))


def figures(tried: Sequence[Trial]) -> dict[str, dict[str, float]]:
    """On people that the fit did not see, halves exchanged: how well likeness alone tells the kinds apart."""
    people = sorted({one.person for one in tried})
    told: dict[str, list[float]] = {}
    for part in (0, 1):
        unseen = set(people[part::2])
        slopes, intercepts = fit([one for one in tried if one.person not in unseen])
        check = [one for one in tried if one.person in unseen]
        scores = np.array([likelihood.features(one.found, one.own) for one in check]) @ slopes.T + intercepts
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        kinds = np.array([one.kind for one in check])
        for place, kind in enumerate(likelihood.KINDS[:3]):
            told.setdefault(f"{kind} told rightly", []).append(
                float(np.mean(chances[kinds == kind].argmax(1) == place))
            )
        for kind in ("other", "swap", "redrawn"):
            here = np.isin(kinds, ["genuine", kind])
            told.setdefault(f"AUC genuine and {kind}", []).append(
                auc(chances[here, 0], np.asarray(kinds[here] == "genuine", np.bool_)) or 0.0
            )
    return {
        "likeness alone, other people": {name: round(float(np.mean(values)), 4) for name, values in told.items()},
        "trials": {
            kind: float(sum(one.kind == kind for one in tried)) for kind in ("genuine", "other", "swap", "redrawn")
        },
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status (2 for unusable arguments)."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Calibrate verify_protected_identity.")
    parser.add_argument("--crops", type=Path, required=True, help="folder that forensic.crops filled")
    parser.add_argument("--cache", type=Path, required=True, help="file for what was measured (.npz)")
    parser.add_argument("--out", type=Path, required=True, help=f"folder for {likelihood.TABLE} and {likelihood.USUAL}")
    options = parser.parse_args(argv)
    try:
        table, known = calibrate(measured(Photos.open(options.crops, SET), options.cache))
    except FaceAgentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(table.model_dump_json(indent=1) + "\n")
    (options.out / likelihood.TABLE).write_text(table.model_dump_json(indent=1) + "\n", encoding="utf-8")
    rounded: dict[str, Any] = {
        f"{name}_{key}": value.astype(np.float16) for name, row in known.items() for key, value in row.items()
    }
    np.savez_compressed(options.out / likelihood.USUAL, **rounded)
    return 0


if __name__ == "__main__":
    sys.exit(main())
