"""The power spectrum of a face: how fast detail falls off, and what stands out of the fall.

Images of the world lose power with frequency roughly by a power law. Generators and up-sampling leave bumps and too
little or too much at the highest frequencies (Durall et al. 2020, arXiv:2003.01826; Frank et al. 2020,
arXiv:2003.08685), and grids of peaks at a half and a quarter of the sampling rate (Zhang et al. 2019,
arXiv:1907.06515). JPEG's own blocks make peaks at all multiples of an eighth; what the eighths show is taken off the
half and the quarter.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

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

    tail: mean power above 0.4 cycles per pixel over what the power law foretells, dB. bump: the most by which a ring
    between 0.2 and 0.45 stands above the line between its neighbours, dB. grid: power at a half and a quarter of the
    sampling rate along rows and columns over that at the odd eighths, dB. profile: power of `BINS` rings, dB.
    """

    slope: float
    tail: float
    bump: float
    grid: float
    profile: tuple[float, ...]


def measure(view: FaceView) -> Spectrum | Unmeasured:
    """The spectrum of the largest square inside the face."""
    square = _square(view)
    if min(square.shape) < SMALLEST:
        return Unmeasured("abstained", f"at less than {SMALLEST} pixels across a face has too little of a spectrum")
    power = _power(square)
    profile = _profile(power)
    octaves = np.log2((np.arange(BINS) + 0.5) / BINS / 2)
    slope, level = np.polyfit(octaves[_FITTED], profile[_FITTED], 1)
    over = profile - (slope * octaves + level)
    middle = profile[1:-1] - (profile[:-2] + profile[2:]) / 2
    return Spectrum(
        slope=float(slope),
        tail=float(over[13:].mean()),
        bump=float(middle[5:13].max()),
        grid=_grid(power),
        profile=tuple(float(value) for value in profile),
    )


def _square(view: FaceView) -> Plane:
    """Between the brows and the chin, centred on the nose."""
    x, y = view.points[27:36].mean(axis=0)
    half = min(view.width * 0.42, LARGEST / 2)
    height, width = view.luma.shape
    half = int(min(half, x, y, width - x, height - y))
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
    """dB by which the peaks of up-sampling stand out more than those of JPEG's blocks."""
    side = len(power)
    middle = side // 2
    lines = (power[middle - 1 : middle + 2].mean(axis=0), power[:, middle - 1 : middle + 2].mean(axis=1))
    total = 0.0
    for line in lines:
        decibels = 10 * np.log10(line + 1e-9)
        floor = cv2.medianBlur(decibels.astype(np.float32).reshape(1, -1), 5)[0]
        over = decibels - floor
        eighth = side // 8
        up, blocks = [middle - 4 * eighth, middle - 2 * eighth], [middle - 3 * eighth, middle - eighth]
        total += float(over[up].mean() - over[blocks].mean())
    return total / len(lines)
