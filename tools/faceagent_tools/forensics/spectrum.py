"""The power spectrum of a face: how fast detail falls off, and what comes back at the grid of an up-sampling.

Images of the world lose power with frequency roughly by a power law, and generators and up-sampling change how (Durall
et al. 2020, arXiv:2003.01826; Frank et al. 2020, arXiv:2003.08685). Up-sampling also copies the strong low frequencies
to a half and a quarter of the sampling rate (Zhang et al. 2019, arXiv:1907.06515). JPEG's own blocks make peaks at all
multiples of an eighth; what the odd eighths show is taken off the half and the quarter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceagent_tools.forensics import blocks
from faceagent_tools.forensics.view import FaceView, Floats, Plane, Unmeasured

SMALLEST = 48
"""Pixels of the analysed square's side below which the bins of the profile hold too few frequencies."""
LARGEST = 512
"""Pixels; of a larger face the middle is taken."""
BINS = 16
"""Rings of the profile, of equal width from 0 to 0.5 cycles per pixel."""
_FITTED = slice(1, 9)  # 0.03-0.28 cycles per pixel: above the light on the face, below what cameras and JPEG cut


@dataclass(frozen=True)
class Spectrum:
    """slope: exponent of the power law, in dB per octave (about -9 for sharp photos, lower when blurred).

    grid: power at a half or a quarter of the sampling rate along rows and columns over that at the odd eighths beside
    it, dB.

    luma: mean amplitude of the 63 frequencies of the 8 x 8 cosine transform, dB, in rows downwards from the horizontal
    ones; chroma: of the 15 lowest of each colour difference (Cr first). No single one says much; together they are what
    Frank et al. tell generators by.
    """

    slope: float
    grid: float
    luma: tuple[float, ...]
    chroma: tuple[float, ...]


def measure(view: FaceView) -> Spectrum | Unmeasured:
    """The spectrum of the largest square inside the face."""
    square = _square(view)
    if min(square.shape) < SMALLEST:
        return Unmeasured("abstained", f"at less than {SMALLEST} pixels across a face has too little of a spectrum")
    power = _power(square)
    profile = _profile(power)
    octaves = np.log2((np.arange(BINS) + 0.5) / BINS / 2)
    slope, _ = np.polyfit(octaves[_FITTED], profile[_FITTED], 1)
    return Spectrum(
        slope=float(slope),
        grid=_grid(power),
        luma=_amplitudes(view, 0, 8),
        chroma=(*_amplitudes(view, 1, 4), *_amplitudes(view, 2, 4)),
    )


def _amplitudes(view: FaceView, channel: int, side: int) -> tuple[float, ...]:
    """Of the lowest side x side frequencies but zero, over the blocks inside the face; on the photo's own grid."""
    skip_x, skip_y = -int(view.box.x0) % 8, -int(view.box.y0) % 8
    on_grid = np.s_[skip_y:, skip_x:]
    chosen = blocks.split(view.ycc[channel][on_grid])[blocks.inside(view.face[on_grid])]
    return tuple(float(value) for value in blocks.amplitudes(blocks.cosines(chosen, side)).ravel()[1:])


def _square(view: FaceView) -> Plane:
    """Between the brows and the chin, centred on the nose."""
    x, y = view.points[27:36].mean(axis=0)
    half = min(view.width * 0.42, LARGEST / 2)
    height, width = view.luma.shape
    half = max(int(min(half, x, y, width - x, height - y)), 0)
    row, column = round(float(y)), round(float(x))
    half = half - half % 8
    return view.luma[row - half : row + half, column - half : column + half]


def _power(square: Plane) -> Floats:
    """[n, n], zero frequency in the middle."""
    window = np.hanning(len(square))
    spectrum = np.fft.fftshift(np.fft.fft2((square - square.mean()) * np.outer(window, window)))
    return np.asarray(np.abs(spectrum) ** 2 / (window**2).sum() ** 2, dtype=np.float64)


def _profile(power: Floats) -> Floats:
    """Mean power by ring, dB."""
    side = len(power)
    axis = (np.arange(side) - side // 2) / side
    ring = (np.hypot(axis[:, None], axis[None]) * 2 * BINS).astype(int)
    inside = ring < BINS
    total = np.bincount(ring[inside], power[inside], minlength=BINS)
    return np.asarray(10 * np.log10(total / np.bincount(ring[inside], minlength=BINS) + 1e-9))


def _grid(power: Floats) -> float:
    """dB by which a half or a quarter of the sampling rate outdoes the odd eighths; mean of rows and columns."""
    side = len(power)
    total = 0.0
    for plane in (power, power.T):
        eighths = [float(plane[_near(side, k)][:, _near(side, 0)].mean()) for k in range(5)]
        _, one, quarter, three, half = 10 * np.log10(np.array(eighths) + 1e-9)
        total += float(max(half - three, quarter - (one + three) / 2))
    return total / 2


def _near(side: int, eighths: int) -> npt.NDArray[np.int64]:
    """Three places about a frequency in eighths of the sampling rate; they go round at the half."""
    return (side // 2 + eighths * side // 8 + np.array([-1, 0, 1])) % side
