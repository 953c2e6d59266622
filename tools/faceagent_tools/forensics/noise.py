"""Noise of a face against that of its surroundings, and how the colour channels share their finest detail.

The residual is that of a 5 x 5 high-pass filter of the spatial rich model (Fridrich & Kodovsky 2012,
doi:10.1109/TIFS.2012.2190402), which removes the picture and leaves the grain. A face from elsewhere brings another
grain, or none. Cameras interpolate two of three colours at each pixel, so that the finest detail of the channels is
nearly the same (Gallagher & Chen 2008, doi:10.1109/CVPRW.2008.4562984); generators need not.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceagent_tools.forensics import blocks
from faceagent_tools.forensics.view import FaceView, Floats, Mask, Plane, Unmeasured

_FEWEST = 24  # blocks on each side of the comparison
_KV = np.array(
    [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]], np.float32
) / np.float32(12)


@dataclass(frozen=True)
class Noise:
    """contrast: noise of the face's flattest quarter of blocks over the surroundings', dB. heavy_tails: excess kurtosis
    of the face's residual. channels: correlation of the finest detail of red with green and green with blue, -1 to 1;
    channels_contrast: that less the surroundings'. chroma: finest detail of the colour differences over that of the
    luma, dB.
    """

    contrast: float
    heavy_tails: float
    channels: float
    channels_contrast: float
    chroma: float


def measure(view: FaceView) -> Noise | Unmeasured:
    """Compare a face with its surroundings."""
    luma, *chroma = (_residual(plane) for plane in view.ycc)
    levels = _levels(luma)
    inner, outer = (levels[blocks.inside(mask)] for mask in (view.face, view.around))
    if min(inner.size, outer.size) < _FEWEST:
        return Unmeasured("abstained", "too little of the face or of its surroundings can be seen to compare them")
    colours = [_residual(plane.astype(np.float32)) for plane in cv2.split(view.pixels)]
    channels = _channels(colours, view.face)
    squares = _centred(luma[view.face]) ** 2
    spread = squares.mean()
    return Noise(
        contrast=_decibels(np.quantile(inner, 0.25)) - _decibels(np.quantile(outer, 0.25)),
        heavy_tails=float((squares**2).mean() / (spread**2 + 1e-9) - 3),
        channels=channels,
        channels_contrast=channels - _channels(colours, view.around),
        chroma=_decibels(np.hypot(*(plane[view.face].std() for plane in chroma))) - _decibels(np.sqrt(spread)),
    )


def level_map(view: FaceView) -> Floats:
    """Noise level by block, dB of one grey level, [h // 8, w // 8]: a picture for the report."""
    return np.asarray(20 * np.log10(_levels(_residual(view.luma)) + 1e-2))


def _residual(plane: Plane) -> Plane:
    return np.asarray(cv2.filter2D(plane, cv2.CV_32F, _KV, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def _levels(residual: Plane) -> Floats:
    """Mean absolute residual by block."""
    return blocks.means(np.abs(residual))


def _decibels(amplitude: float) -> float:
    # A hundredth of a grey level stands for none: 8 bits hold no less.
    return float(20 * np.log10(amplitude + 1e-2))


def _channels(colours: list[Plane], where: Mask) -> float:
    red, green, blue = (_centred(plane[where]) for plane in colours)
    return float((_correlation(red, green) + _correlation(green, blue)) / 2)


def _centred(values: Plane) -> Plane:
    return np.asarray(values - values.mean(), np.float32)


def _correlation(one: Plane, other: Plane) -> float:
    """Of centred values [n]."""
    return float(one.dot(other) / np.sqrt(one.dot(one) * other.dot(other) + 1e-9 * one.size**2))
