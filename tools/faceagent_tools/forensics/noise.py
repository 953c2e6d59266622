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

from faceagent_tools.forensics.view import FaceView, Floats, Mask, Plane, Unmeasured

BLOCK = 8
"""Pixels of a side of the blocks in which noise levels are taken."""
_FEWEST = 24  # blocks on each side of the comparison
_KV = np.array(
    [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]], np.float32
) / np.float32(12)


@dataclass(frozen=True)
class Noise:
    """level: noise of the face's flattest quarter of blocks, dB of one grey level. contrast: that over the
    surroundings', dB. detail: median residual of the face over the surroundings', dB. heavy_tails: excess kurtosis of
    the face's residual. channels: correlation of the finest detail of red with green and green with blue, -1 to 1.
    channels_contrast: that less the surroundings'. chroma: finest detail of the colour differences over that of the
    luma, dB. mosaic: peak of the green channel's residual at the period of a Bayer filter, dB over its neighbours.
    """

    level: float
    contrast: float
    detail: float
    heavy_tails: float
    channels: float
    channels_contrast: float
    chroma: float
    mosaic: float


def measure(view: FaceView) -> Noise | Unmeasured:
    """Compare a face with its surroundings."""
    residual = _residual(view.luma)
    levels, shares = _levels(residual), _shares(view.face)
    outside = _shares(view.around)
    inner, outer = levels[shares > 0.9], levels[outside > 0.9]
    if min(inner.size, outer.size) < _FEWEST:
        return Unmeasured("abstained", "too little of the face or of its surroundings can be seen to compare them")
    colours = [_residual(view.pixels[:, :, channel].astype(np.float32)) for channel in range(3)]
    channels = _channels(colours, view.face)
    ycc = cv2.cvtColor(view.pixels, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    chroma = np.hypot(*(_residual(ycc[:, :, channel])[view.face].std() for channel in (1, 2)))
    inside = residual[view.face]
    return Noise(
        level=_decibels(np.quantile(inner, 0.25)),
        contrast=_decibels(np.quantile(inner, 0.25)) - _decibels(np.quantile(outer, 0.25)),
        detail=_decibels(np.median(inner)) - _decibels(np.median(outer)),
        heavy_tails=float(((inside - inside.mean()) ** 4).mean() / (inside.var() ** 2 + 1e-9) - 3),
        channels=channels,
        channels_contrast=channels - _channels(colours, view.around),
        chroma=_decibels(chroma) - _decibels(inside.std()),
        mosaic=_mosaic(view),
    )


def level_map(view: FaceView) -> Floats:
    """Noise level by block, dB of one grey level, [h // 8, w // 8]: a picture for the report."""
    return np.asarray(20 * np.log10(_levels(_residual(view.luma)) + 1e-2))


def _residual(plane: Plane) -> Plane:
    return np.asarray(cv2.filter2D(plane, cv2.CV_32F, _KV, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def _levels(residual: Plane) -> Floats:
    """Mean absolute residual by block."""
    return _blocks(np.abs(residual))


def _shares(mask: Mask) -> Floats:
    return _blocks(mask.astype(np.float32))


def _blocks(plane: Plane) -> Floats:
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    whole = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return np.asarray(whole.mean(axis=(1, 3)), dtype=np.float64)


def _decibels(amplitude: float) -> float:
    # A hundredth of a grey level stands for none: 8 bits hold no less.
    return float(20 * np.log10(amplitude + 1e-2))


def _channels(colours: list[Plane], where: Mask) -> float:
    red, green, blue = (plane[where] for plane in colours)
    return float((_correlation(red, green) + _correlation(green, blue)) / 2)


def _correlation(one: Plane, other: Plane) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).mean() / np.sqrt((one**2).mean() * (other**2).mean() + 1e-9))


def _mosaic(view: FaceView) -> float:
    """Gallagher & Chen: mean residual of green along diagonals, its spectrum at half the sampling rate."""
    green = view.pixels[:, :, 1].astype(np.float32)
    residual = np.abs(cv2.Laplacian(green, cv2.CV_32F))
    rows, columns = np.nonzero(view.face)
    sums = np.bincount(rows + columns, residual[rows, columns])
    counts = np.bincount(rows + columns)
    means = (sums / np.maximum(counts, 1))[counts > 8]
    means = means[: means.size - means.size % 2]
    power = np.abs(np.fft.rfft(means - means.mean()))
    return _decibels(float(power[-1])) - _decibels(float(np.median(power[power.size // 2 :])))
