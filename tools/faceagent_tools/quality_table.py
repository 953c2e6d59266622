"""The lines that quality measures are held against: read from the calibration, never typed into code.

`python -m faceagent_finetune.nets.calibrate_quality` makes quality.json and prints what is in it; how far heads are
turned in ordinary photos is part of pose.json (`pose_table`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent.types import Finite, Frozen, GroupError, Method, Threshold, Unit
from faceagent_tools import compare, pose_table
from faceagent_tools import quality_measures as measures

Level = Literal["good", "reduced", "poor"]
Floats = npt.NDArray[np.float32]


class Line(Frozen):
    """Where a line lies and how it was found."""

    value: Finite
    source: str


class Scale(Frozen):
    """One measure and its lines.

    rule: which side is good. ordinary: met by most ordinary photos. identity, attributes, forensic: beyond it the
    purpose fails; None where no damage that was tried made it fail. missed: (measure, share of true matches missed),
    rising in the measure, from the damaged photos.
    """

    rule: Literal[">=", "<="]
    ordinary: Line
    identity: Line | None = None
    attributes: Line | None = None
    forensic: Line | None = None
    missed: tuple[tuple[Finite, Unit], ...] = ()

    def meets(self, line: Line | None, score: float) -> bool:
        return line is None or (score >= line.value if self.rule == ">=" else score <= line.value)

    def level(self, score: float) -> Level:
        """ "poor" fails identity comparison; "reduced" is worse than ordinary photos."""
        if not self.meets(self.identity, score):
            return "poor"
        return "good" if self.meets(self.ordinary, score) else "reduced"

    def threshold(self, meaning: str, line: Line | None = None) -> Threshold:
        """A line as evidence shows it (by default that of identity comparison, else the ordinary one)."""
        shown = line or self.identity or self.ordinary
        return Threshold(value=shown.value, rule=self.rule, meaning=meaning, source=shown.source)

    def missed_at(self, score: float) -> float | None:
        """The share of true matches missed at this score, between the measured points; None where not measured."""
        if not self.missed:
            return None
        at, shares = zip(*self.missed, strict=True)
        return float(np.interp(score, at, shares))


class Occlusion(Frozen):
    """How the cue behaves.

    eyes, mouth: lines on its two scores, met by 98 % of uncovered faces. auc, found: by cover and zone, on faces that
    training did not see. false_alarms: on faces as photographed, by group.
    """

    eyes: Line
    mouth: Line
    auc: dict[str, Unit]
    found: dict[str, Unit]
    false_alarms: tuple[GroupError, ...]


class Table(Frozen):
    """calibration/quality.json.

    pairs: true pairs tried; missed_undamaged: the share missed on the photos as they are. jpeg_quality: (blockiness,
    quality), rising in blockiness.
    """

    command: str
    pairs: int
    missed_undamaged: Unit
    sharpness: Scale
    detail: Scale
    brightness: Scale
    glare: Scale
    contrast: Scale
    noise: Scale
    eyes: Scale
    compression: Scale
    jpeg_quality: tuple[tuple[Finite, Finite], ...]
    occlusion: Occlusion

    def jpeg_quality_at(self, blockiness: float) -> float:
        """The JPEG quality (IJG scale) at which photos show this much blockiness in the median."""
        at, quality = zip(*self.jpeg_quality, strict=True)
        return float(np.interp(blockiness, at, quality))


@cache
def table() -> Table:
    """The lines that ship with the tool."""
    return Table.model_validate_json(_file("quality.json"))


@cache
def turn() -> Scale:
    """The lines on |yaw|. Sets of ordinary photos have too few turned faces to say where comparing fails."""
    ordinary = pose_table.table().ordinary_yaw
    return Scale(
        rule="<=",
        ordinary=Line(value=ordinary.value, source=ordinary.source),
        identity=Line(value=compare.WIDEST_YAW, source="compare_faces abstains beyond"),
    )


def _file(name: str) -> bytes:
    return files("faceagent_tools").joinpath("calibration", name).read_bytes()


@dataclass(frozen=True)
class CoverScores:
    """How likely the network finds it that something covers the eyes, or the mouth, 0-1; not calibrated."""

    eyes: float
    mouth: float


class OcclusionNet:
    """A two-layer network on `measures.occlusion_features`, small enough for numpy.

    Args:
        arrays: "mean" and "scale" [825], "w1" [825, h], "b1" [h], "w2" [h, 2], "b2" [2].
    """

    def __init__(self, arrays: dict[str, Floats]) -> None:
        self._arrays = {name: array.astype(np.float32) for name, array in arrays.items()}

    def scores(self, chip: Pixels) -> CoverScores:
        """The two scores of an aligned face, uint8 RGB [150, 150, 3]."""
        return self.from_features(measures.occlusion_features(chip))

    def from_features(self, features: Floats) -> CoverScores:
        """The same from `measures.occlusion_features`, float32 [825]."""
        a = self._arrays
        hidden = np.maximum((features - a["mean"]) * a["scale"] @ a["w1"] + a["b1"], 0)
        eyes, mouth = 1 / (1 + np.exp(-(hidden @ a["w2"] + a["b2"])))
        return CoverScores(float(eyes), float(mouth))


@cache
def occlusion_net() -> OcclusionNet:
    import io

    with np.load(io.BytesIO(_file("occlusion.npz")), allow_pickle=False) as arrays:
        return OcclusionNet({name: arrays[name] for name in arrays.files})


@cache
def occlusion_method() -> Method:
    return Method(
        name="faceagent occlusion cue",
        version="1",
        licence="Apache-2.0; trained on FairFace (CC BY 4.0)",
        sha256=hashlib.sha256(_file("occlusion.npz")).hexdigest(),
        source=table().command,
    )
