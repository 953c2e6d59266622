"""Does the quality that assess_quality measures tell which pairs will be missed? Error versus discard, on LFW.

The error-versus-discard characteristic (EDC; Grother and Tabassi 2007; ISO/IEC 29794-1:2024; NIST FATE): the share of
pairs of one person that are missed (false non-match rate, FNMR) at a threshold that stays where it was, as the pairs of
the worst quality are discarded. The quality of a pair is that of its worse photo. The threshold is set on all pairs of
two people. Area: the mean FNMR while up to a fifth is discarded, as a share of the FNMR of all pairs: 1 is a quality
that says nothing, more than 1 one that misleads; the best there can be, which knows the errors, stands beside.

LFW's portraits are good ones, and errors are few. So the same is measured a second time with the aligned face of the
first portrait of each pair damaged, in a way and strength that is drawn: those that assess_quality was calibrated with
(`photo_damage`), and none for one in six. The threshold is that of the pairs as they are. Sizes hardly differ in LFW,
and are left out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from faceagent.errors import MediaError, UsageError
from faceagent.media import Photo, Pixels
from faceagent_eval import classification, metrics
from faceagent_eval.benchmark import Figure, ItemScore, Result, machine, versions
from faceagent_eval.benchmarks.lfw import Lfw, Portrait, Read
from faceagent_eval.figures import proportion, resampled
from faceagent_eval.metrics import Bools, Floats
from faceagent_finetune.nets.photo_damage import damaged
from faceagent_finetune.nets.quality_recognition import DAMAGES
from faceagent_finetune.plot import Chart, line
from faceagent_tools import multitask, weights
from faceagent_tools import quality_measures as measures
from faceagent_tools.align import POINTS
from faceagent_tools.embedding import Embedding, distance
from faceagent_tools.multitask import FaceReader

MEASURES = ("detail", "sharpness", "contrast", "frontality")
"""Higher is better. detail: how much of what tells a face apart is left in it (`Reading.detail`). frontality: |yaw|,
negated. The others as in `quality_measures`."""
RATES = (1e-2, 1e-3)
MOST = 0.2
"""Share that is discarded at the end of the area."""
_SHARES = np.linspace(0, MOST, 101)
_CURVE = np.linspace(0, 0.9, 181)
WAYS = ("as they are", "damaged")
_UNDAMAGED = 1 / 6
_FEWEST = 2
"""Pairs of two people that a false match rate has to stand for, below which it is left out."""


@dataclass(frozen=True)
class Shot:
    """quality: by measure."""

    embedding: Embedding
    quality: Mapping[str, float]


@dataclass(frozen=True)
class Graded(Read):
    """shots: of the aligned face, by what was done to it (`WAYS`)."""

    shots: Mapping[str, Shot] = field(default_factory=dict)


class Quality(Lfw):
    """See the module."""

    name = "quality"
    about = "error versus discard on LFW: FNMR at a fixed FMR as the worst quality is discarded"

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        self._reader = FaceReader()

    def measure(self, item: Portrait) -> Read:
        try:
            photo = Photo.open(item.read(), name=item.name) if item.read is not None else None
        except MediaError:
            photo = None
        if photo is None:
            return Read(item.name, None)
        faces = self._detector.detect(photo, "image 1")
        chip = self._embedder.chip(photo, self._main(photo, faces))
        chips = zip(WAYS, (chip, worse(chip, item.name)), strict=True)
        shots = {way: Shot(self._embedder.embed_chip(shown), self._grade(shown)) for way, shown in chips}
        return Graded(item.name, shots[WAYS[0]].embedding, bool(faces), shots=shots)

    def _grade(self, chip: Pixels) -> dict[str, float]:
        luminance, outputs = measures.luminance(chip), self._reader.outputs(chip)
        values = (
            float(1 / (1 + np.exp(-outputs["usable"][multitask.USABLE.index("detail")]))),
            measures.sharpness(luminance),
            measures.light(luminance).contrast,
            -abs(float(outputs["pose"][multitask.POSE.index("yaw")])),
        )
        return dict(zip(MEASURES, values, strict=True))

    def score(self, measured: Sequence[Read]) -> Result:
        reads = {read.name: read for read in measured if isinstance(read, Graded)}
        pairs = [(pair, reads[pair.a], reads[pair.b]) for pair in self._pairs if pair.a in reads and pair.b in reads]
        same = np.array([pair.same for pair, _, _ in pairs], np.bool_)
        if same.all() or not same.any():
            raise UsageError("Error versus discard needs both pairs of one person and of two that can be read")
        figures: list[Figure] = []
        curves: dict[str, Chart] = {}
        items: list[ItemScore] = []
        impostors = int(np.count_nonzero(~same))
        told = [rate for rate in RATES if impostors * rate >= _FEWEST]
        plain = _alike([(one.shots[WAYS[0]], two.shots[WAYS[0]]) for _, one, two in pairs])
        for way in WAYS:
            # The second portrait stays as it is, and so does the threshold.
            shots = [(one.shots[way], two.shots[WAYS[0]]) for _, one, two in pairs]
            alike = _alike(shots)
            quality = {
                name: np.array([min(one.quality[name], two.quality[name]) for one, two in shots])[same]
                for name in MEASURES
            }
            for rate in told:
                _, cut = metrics.tar_at_far(plain[same], plain[~same], rate)
                missed = np.asarray(alike[same] < cut)
                figures += _figures(way, rate, missed, quality)
                curves[f"edc-{way.replace(' ', '-')}-{rate:.0e}"] = _chart(way, rate, missed, quality)
            items += _item_scores(way, quality)
        untold = ", ".join(f"{rate:.0e}" for rate in RATES if rate not in told)
        missing = tuple(read.name for read in measured if read.embedding is None)
        return Result(
            benchmark=self.name,
            backend=self.backend,
            protocol=f"{int(same.sum())} pairs of one person, {impostors} of two; of a pair the worse photo",
            figures=tuple(figures),
            complete=not missing,
            missing=missing,
            methods=(self._detector.method, weights.method(POINTS), self._embedder.method, self._reader.method),
            curves={**curves},
            notes=(f"{impostors} pairs of two people are too few for FMR {untold}.",) if untold else (),
            items=tuple(items),
            machine=machine(),
            versions=versions("faceagent", "dlib-bin", "onnxruntime", "numpy"),
        )


def worse(chip: Pixels, name: str) -> Pixels:
    """A copy with a damage that is drawn for the portrait of that name, or with none."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    kinds = sorted({damage.kind for damage in DAMAGES})
    kind = kinds[int(rng.integers(len(kinds)))]
    strengths = [damage for damage in DAMAGES if damage.kind == kind]
    if rng.random() < _UNDAMAGED:
        return chip
    made, factor = damaged(chip, strengths[int(rng.integers(len(strengths)))], measures.CHIP_EYE_DISTANCE, rng)
    if factor == 1:
        return made
    return np.asarray(cv2.resize(made, chip.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def _alike(shots: Sequence[tuple[Shot, Shot]]) -> Floats:
    return np.array([-distance(one.embedding, two.embedding) for one, two in shots])


def _item_scores(way: str, quality: Mapping[str, Floats]) -> Iterator[ItemScore]:
    for name, values in quality.items():
        for place, value in enumerate(values.tolist()):
            yield ItemScore(id=f"pair {place}", of=f"{way}: quality of pairs of one person, {name}", score=value)


def _figures(way: str, rate: float, missed: Bools, quality: Mapping[str, Floats]) -> Iterator[Figure]:
    at = f"at FMR {rate:.0e}"
    yield proportion(f"{way}: FNMR {at}", missed)
    if not missed.any():
        return
    for name, values in quality.items():
        left = partial(_left, share=0.1)
        yield resampled(f"{way}: {name}: FNMR {at} without the worst 10 %", left, [values, missed])
        yield resampled(f"{way}: {name}: area {at}", area, [values, missed], note="1: says nothing; lower is better")
    yield Figure(name=f"{way}: the best there can be: area {at}", value=area(-missed.astype(np.float64), missed))


def area(quality: Floats, missed: Bools) -> float:
    """Mean FNMR while up to `MOST` is discarded, as a share of that of all pairs; 1 where nothing is missed."""
    errors = classification.error_versus_discard(quality, missed, _SHARES)
    return float(errors.mean() / missed.mean()) if missed.any() else 1.0


def _left(quality: Floats, missed: Bools, share: float) -> float:
    return float(classification.error_versus_discard(quality, missed, np.array([share]))[0])


def _chart(way: str, rate: float, missed: Bools, quality: Mapping[str, Floats]) -> Chart:
    lines = {name: classification.error_versus_discard(values, missed, _CURVE) for name, values in quality.items()}
    top = max((float(one.max()) for one in lines.values()), default=0.0)
    return Chart(
        title=f"Error versus discard, {way}, at FMR {rate:.0e}",
        x="share discarded",
        y="FNMR",
        lines={name: line(_CURVE, values) for name, values in lines.items()},
        ys=(0.0, top or 1.0),
    )
