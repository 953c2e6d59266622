"""The parts that look for forgeries in a face, and one calibrated answer from them.

Parts: faceagent-forensic (`network`), and what `signals` measures of every photo, as two log odds (a face blended in, a
picture drawn by a generator); where CLIP's weights are on this machine, and a caller wants it, also `clip`. They are
stacked by a logistic regression whose weights, lines and error rates are in calibration/forgery.json, and with CLIP in
calibration/forgery_clip.json, fitted on photos that no part was trained on (`python -m
faceagent_finetune.nets.calibrate_forgery`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

from faceagent.errors import WeightsMissing
from faceagent.media import Photo, Pixels
from faceagent.types import Face
from faceagent_tools import align, quality_measures, resolution, runtime, weights
from faceagent_tools.forensics import signals, view, windows
from faceagent_tools.forensics.clip import WEIGHTS, Clip
from faceagent_tools.forensics.network import ForensicNetwork, Look
from faceagent_tools.forensics.signals import Signals, Weighed
from faceagent_tools.forensics.view import Floats
from faceagent_tools.forensics.windows import KINDS

Finding = Literal["manipulated", "synthetic", "no_sign", "inconclusive"]
PARTS = ("network", "swap", "synthesis")
"""What is stacked: the network's logit, and the log odds of the two heads of `signals.Classifier`."""
CLIP = "clip"
WITH_CLIP = (*PARTS, CLIP)
"""And the log odds of `clip.Probe`."""
TABLES = ("forgery.json", "forgery_clip.json")
"""In calibration/: without CLIP, and with it."""
_MOST = 12.0  # log odds beyond say nothing more
_SUREST = 0.01
ENLARGED_LIKE_A_GENERATORS = 1.2
"""Factor of enlargement from which a face is not called synthetic: interpolation leaves traces like those of a
generator's up-sampling. 95 in 100 of FFHQ's photos as they are lie below it (1.16: `as_they_are` in
calibration/resolution.json). Where less is seen of an enlargement, authentic photos may still be called synthetic."""


@dataclass(frozen=True, eq=False)
class Examined:
    """All that was looked at of one face, before any decision.

    parts: log odds by `PARTS` or `WITH_CLIP`, as each part has them. log_odds: of forged, calibrated, at even odds.
    synthetic: whether, if it is forged, all of it rather was synthesised than a part of it changed. blockiness: traces
    of JPEG's blocks, as `quality_measures.blockiness`. enlarged: by which the face was, or to which it is blurred, 1 to
    4, as `resolution.factor`.
    """

    look: Look
    signals: Signals
    weighed: Weighed
    parts: Mapping[str, float]
    log_odds: float
    synthetic: bool
    blockiness: float
    enlarged: float

    @property
    def stack(self) -> Stack:
        """Of the parts that looked."""
        return stack(CLIP in self.parts)

    @property
    def probability(self) -> float:
        """Of forged, at even odds. Never nearer to certainty than 1 in 100: what is rarer rests on few photos."""
        return min(max(1 / (1 + math.exp(-self.log_odds)), _SUREST), 1 - _SUREST)


@dataclass(frozen=True)
class Stack:
    """What calibrate_forgery.py fitted and measured.

    weights: by part; intercept. high: log odds from which a face is called forged, low: up to which no sign is said.
    smallest: width of a face in pixels below which nothing is said. strangest, farthest: `Weighed.strange` and
    `Look.far` beyond which a photo is unlike those of the calibration; blockiest, most_enlarged:
    `Examined.blockiness` and `Examined.enlarged` beyond which false alarms are too many. table: the whole file.
    """

    weights: Mapping[str, float]
    intercept: float
    high: float
    low: float
    smallest: float
    strangest: float
    farthest: float
    blockiest: float
    most_enlarged: float
    table: Mapping[str, Any]

    @property
    def with_clip(self) -> bool:
        return CLIP in self.weights

    @property
    def source(self) -> str:
        """The file that it was read from, as evidence cites it."""
        return f"calibration/{TABLES[self.with_clip]}"

    def log_odds(self, parts: Mapping[str, float]) -> float:
        found = self.intercept + sum(weight * parts[name] for name, weight in self.weights.items())
        return max(-_MOST, min(_MOST, found))

    def rates(self, finding: Finding) -> dict[str, float]:
        """How often a finding was right and wrong on the half of the photos that nothing was fitted on."""
        keys: dict[Finding, tuple[str, ...]] = {
            "no_sign": ("authentic_as_clean", "forgeries_as_clean"),
            "inconclusive": ("authentic_undecided", "forgeries_undecided"),
        }
        return {key: self.table["rates"][key] for key in keys.get(finding, ("false_alarms", "forgeries_found"))}

    def finding(self, examined: Examined) -> Finding:
        if examined.log_odds >= self.high:
            return "synthetic" if examined.synthetic else "manipulated"
        return "no_sign" if examined.log_odds <= self.low else "inconclusive"

    def seems_drawn(self, log_odds: float, synthetic: bool, enlarged: float) -> bool:
        """Whether it would be called synthetic and seems enlarged, so that it is not judged."""
        return synthetic and log_odds >= self.high and enlarged >= ENLARGED_LIKE_A_GENERATORS


@cache
def stack(with_clip: bool = False) -> Stack:
    """The one that ships: of `PARTS`, or of `WITH_CLIP`."""
    name = TABLES[with_clip]
    table = json.loads(files("faceagent_tools").joinpath("calibration", name).read_text(encoding="utf-8"))
    return Stack(
        weights=table["stack"]["weights"],
        intercept=table["stack"]["intercept"],
        high=table["lines"]["high"],
        low=table["lines"]["low"],
        smallest=table["domain"]["smallest_px"],
        strangest=table["domain"]["strangest"],
        farthest=table["domain"]["farthest"],
        blockiest=table["domain"]["blockiest"],
        most_enlarged=table["domain"]["most_enlarged"],
        table=table,
    )


class Examiner:
    """Asks every part. Weights are loaded by the first call.

    Args:
        network: another than the one that ships.
        clip: whether to ask CLIP, where its weights are on this machine. What is calibrated on the embedded parts
            alone does not.
    """

    def __init__(self, network: ForensicNetwork | None = None, *, clip: bool = False) -> None:
        self.network = network or ForensicNetwork()
        self._asks_clip = clip

    @cached_property
    def clip(self) -> Clip | None:
        """None where it is not asked or not on this machine.

        Raises:
            WeightsCorrupt: there is a copy of its weights, and it is damaged.
        """
        if not self._asks_clip:
            return None
        try:
            weights.path(WEIGHTS)
        except WeightsMissing:
            return None
        return Clip()

    @property
    def stack(self) -> Stack:
        """What its answers are held against.

        Raises:
            WeightsCorrupt: as `clip`.
        """
        return stack(self.clip is not None)

    def examine(self, photo: Photo, face: Face, points: Floats) -> Examined:
        """One face.

        Args:
            points: [78, 2] in pixels of the upright photo, as `multitask.Reading.points`.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        clip = self.clip
        (look, found, weighed), further = runtime.together(
            lambda: self.measure(photo, face, points),
            lambda: None if clip is None else clip.log_odds(photo.pixels, *align.square_of(face)),
        )
        parts = parts_of(look, weighed, further)
        return Examined(
            look,
            found,
            weighed,
            parts,
            log_odds=self.stack.log_odds(parts),
            synthetic=synthetic(look),
            blockiness=blockiness(photo.pixels, face),
            enlarged=enlarged(photo.pixels, face),
        )

    def measure(self, photo: Photo, face: Face, points: Floats) -> tuple[Look, Signals, Weighed]:
        """What the parts see, without an answer: what the stack is fitted on.

        Raises:
            WeightsError: a model file is missing or damaged.
        """
        look, found = runtime.together(
            lambda: self.network.look(photo.pixels, *align.square_of(face)),
            lambda: signals.measure(photo, view.cut(photo.pixels, points)),
        )
        return look, found, signals.classifier().weigh(found.features)


def parts_of(look: Look, weighed: Weighed, clip: float | None = None) -> dict[str, float]:
    """Log odds by `PARTS`, or by `WITH_CLIP` where CLIP looked."""
    measured = {"network": look.score, **{kind: _logit(weighed.kinds[kind]) for kind in signals.KINDS}}
    return measured if clip is None else {**measured, CLIP: clip}


def blockiness(pixels: Pixels, face: Face) -> float:
    """Of a face with its context, as the network sees it."""
    height, width = pixels.shape[:2]
    seen = windows.region(width, height, *align.square_of(face))
    part = pixels[int(seen.y0) : round(seen.y1), int(seen.x0) : round(seen.x1)]
    return quality_measures.blockiness(quality_measures.luminance(part))


def enlarged(pixels: Pixels, face: Face) -> float:
    """By which a face was enlarged; 1 for one that is too small to tell."""
    return resolution.factor(pixels, *align.square_of(face)) or 1.0


def synthetic(look: Look) -> bool:
    """Whether the network rather sees a picture that was synthesised as a whole than one that was changed in part."""
    by_kind = dict(zip(KINDS, look.kinds.tolist(), strict=True))
    return bool(by_kind["synthesis"] > by_kind["swap"] + by_kind["edit"])


def _logit(probability: float) -> float:
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))
