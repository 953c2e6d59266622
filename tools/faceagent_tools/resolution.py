"""How many of a face's pixels carry detail: whether it was enlarged, and by how much.

Enlarging makes pixels and no detail: the frequencies that the smaller picture could not hold stay nearly empty, or
repeat lower ones, as the interpolation has it (Gallagher 2005, doi:10.1109/CRV.2005.33). A small network reads by how
much from the mean amplitudes of the 8 x 8 cosine transform of the face. Blur empties the same frequencies: it counts as
well. `python -m faceagent_finetune.nets.calibrate_resolution` fits it and says what it is worth
(calibration/resolution.json).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from faceagent.geometry import Point
from faceagent.media import Pixels
from faceagent_tools import quality_measures
from faceagent_tools.forensics import blocks

SMALLEST = 40
"""Pixels of the measured square's side below which it has too few blocks."""
_LARGEST = 512  # of it: of a larger face the middle is measured
_REACH = 0.5  # half of the square, in units of dlib's square: brows to chin

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimator:
    """mean, scale [63]: of the amplitudes. w1 [63, h], b1 [h], w2 [h], b2: one hidden layer of ReLU, whose output is
    the binary logarithm of the factor. line: factor that only 2 in 100 photos reach that were not enlarged. table: the
    whole file.
    """

    mean: Floats
    scale: Floats
    w1: Floats
    b1: Floats
    w2: Floats
    b2: float
    line: float
    table: Mapping[str, Any]

    def factor(self, amplitudes: Floats) -> float:
        """By which the face was enlarged, 1 to 4; at the ends "not" and "so much or more"."""
        hidden = np.maximum((amplitudes - self.mean) / self.scale @ self.w1 + self.b1, 0)
        return float(2 ** np.clip(hidden @ self.w2 + self.b2, 0, 2))


@cache
def estimator() -> Estimator:
    """The one that ships."""
    text = files("faceagent_tools").joinpath("calibration", "resolution.json").read_text(encoding="utf-8")
    table = json.loads(text)
    fitted = {name: np.array(table["estimator"][name], np.float64) for name in ("mean", "scale", "w1", "b1", "w2")}
    return Estimator(**fitted, b2=table["estimator"]["b2"], line=table["line"], table=table)


def amplitudes(pixels: Pixels, centre: Point, side: float) -> Floats | None:
    """Mean amplitude of the 63 frequencies of the 8 x 8 cosine transform over the face, dB, on the photo's own grid.

    Args:
        pixels: uint8 RGB of the upright photo. centre, side: of dlib's square (`align.square_of`).

    Returns:
        [63], or None for a face that is too small.
    """
    height, width = pixels.shape[:2]
    half = min(_REACH * side, _LARGEST / 2)
    x0, y0 = (max(int(middle - half), 0) // 8 * 8 for middle in centre)
    x1, y1 = (min(int(middle + half), extent) for middle, extent in zip(centre, (width, height), strict=True))
    if min(x1 - x0, y1 - y0) < SMALLEST:
        return None
    found = blocks.cosines(blocks.split(quality_measures.luminance(pixels[y0:y1, x0:x1])))
    return blocks.amplitudes(found.reshape(-1, blocks.SIDE, blocks.SIDE)).ravel()[1:]


def factor(pixels: Pixels, centre: Point, side: float) -> float | None:
    """By which a face was enlarged (or to which it was blurred), 1 to 4; None for one that is too small.

    Args:
        pixels: uint8 RGB of the upright photo. centre, side: of dlib's square (`align.square_of`).
    """
    found = amplitudes(pixels, centre, side)
    return None if found is None else estimator().factor(found)
