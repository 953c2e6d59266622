"""All signals of one face side by side, and the small classifier that weighs those of every photo.

The classifier is linear in what `spectrum`, `noise` and `geometry` measure of every photo. Signals that few photos can
show (`jpeg`, highlights, the grid of an up-sampling) stay outside: for them the table has what is ordinary. Both are
made by `faceagent_finetune.nets.forensic_signals`, which writes calibration/forensic_signals.json and what it is worth.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import numpy as np

from faceagent.media import Photo
from faceagent_tools.forensics import geometry, jpeg, noise, spectrum
from faceagent_tools.forensics.geometry import Geometry
from faceagent_tools.forensics.jpeg import Compression
from faceagent_tools.forensics.noise import Noise
from faceagent_tools.forensics.spectrum import Spectrum
from faceagent_tools.forensics.view import FaceView, Floats, Unmeasured

KINDS = ("swap", "synthesis")
"""What the classifier looks for, each against authentic photos: a face blended in, a picture drawn by a generator."""
MOST = 4.0
"""Standard deviations at which a feature is cut off, so that no single strange one decides."""


@dataclass(frozen=True)
class Signals:
    """What was measured, or why not."""

    spectrum: Spectrum | Unmeasured
    noise: Noise | Unmeasured
    geometry: Geometry | Unmeasured
    compression: Compression | Unmeasured

    @cached_property
    def features(self) -> Mapping[str, float]:
        """By family and name ("noise.contrast", "spectrum.luma.12"); what was not measured is left out."""
        found = {
            "spectrum": self.spectrum,
            "noise": self.noise,
            "geometry": self.geometry,
            "jpeg": self.compression,
        }
        return {
            name: value
            for family, measured in found.items()
            if not isinstance(measured, Unmeasured)
            for name, value in _flat(family, vars(measured))
        }


def _flat(family: str, fields: Mapping[str, Any]) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    for name, value in fields.items():
        if isinstance(value, tuple):
            rows += [(f"{family}.{name}.{number}", float(one)) for number, one in enumerate(value)]
        elif value is not None:
            rows.append((f"{family}.{name}", float(value)))
    return rows


def measure(photo: Photo, view: FaceView) -> Signals:
    """Ask every family.

    Args:
        view: cut from the same photo (`view.cut`).
    """
    return Signals(
        spectrum=spectrum.measure(view),
        noise=noise.measure(view),
        geometry=geometry.measure(view),
        compression=jpeg.measure(photo, view),
    )


@dataclass(frozen=True)
class Weighed:
    """kinds: probability of each of `KINDS` against an authentic photo, at even odds; each stands for itself.
    strange: how far the features are from those that it was fitted on, root mean square of standard deviations (about 1
    is usual). leading: by kind, the three features that speak loudest for what it says, with their log odds.
    """

    kinds: Mapping[str, float]
    strange: float
    leading: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Classifier:
    """Logistic regressions on standardised features.

    names [n]; mean, scale [n]: of the features. weights [2, n], intercept [2]: log odds of `KINDS`, calibration and
    all. strangest: `Weighed.strange` that 99 of 100 training photos stay below. ordinary: by feature outside of the
    classifier, the values between which 98 of 100 authentic photos lie. table: the whole file.
    """

    names: tuple[str, ...]
    mean: Floats
    scale: Floats
    weights: Floats
    intercept: Floats
    strangest: float
    ordinary: Mapping[str, tuple[float, float]]
    table: Mapping[str, Any]

    def standardised(self, features: Mapping[str, float]) -> Floats:
        """[n]; 0, the usual, for what was not measured."""
        values = np.array([features.get(name, math.nan) for name in self.names])
        return np.nan_to_num(np.clip((values - self.mean) / self.scale, -MOST, MOST), nan=0.0)

    def weigh(self, features: Mapping[str, float]) -> Weighed:
        """Of one face (`Signals.features`)."""
        usual = self.standardised(features)
        odds = self.weights @ usual + self.intercept
        shares = self.weights * usual
        loudest = np.argsort(-np.sign(odds)[:, None] * shares, axis=1)[:, :3].tolist()
        return Weighed(
            kinds={kind: float(1 / (1 + np.exp(-value))) for kind, value in zip(KINDS, odds, strict=True)},
            strange=float(np.sqrt(np.mean(usual**2))),
            leading={
                kind: {self.names[place]: float(share[place]) for place in places}
                for kind, share, places in zip(KINDS, shares, loudest, strict=True)
            },
        )


@cache
def classifier() -> Classifier:
    """The one that ships."""
    text = files("faceagent_tools").joinpath("calibration", "forensic_signals.json").read_text(encoding="utf-8")
    table = json.loads(text)
    fitted = table["classifier"]
    return Classifier(
        names=tuple(fitted["names"]),
        **{key: np.array(fitted[key], dtype=np.float64) for key in ("mean", "scale", "weights", "intercept")},
        strangest=fitted["strangest"],
        ordinary={name: (row["low"], row["high"]) for name, row in table["ordinary"].items()},
        table=table,
    )
