"""What JPEG compression leaves in a face and not around it: ghosts, double quantisation, a second grid of blocks.

All of it is read from the luma's block transform on the grid of the file itself, so it works on files that are JPEG
now; of a photo that was converted to another format since, nothing is said.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from PIL import Image

from faceagent.media import Photo, Pixels, opened, turned
from faceagent_tools.forensics import blocks
from faceagent_tools.forensics.view import FaceView, Floats, Mask, Plane, Unmeasured
from faceagent_tools.provenance_records import jpeg_quality

FORMATS = ("JPEG", "MPO")
QUALITIES = tuple(range(40, 96, 3))
"""IJG qualities at which ghosts are looked for."""
_COARSER = 1.3  # times the file's own steps: five points of quality below 92, ten below 75
_DEEP = 0.6  # of the deepest dip
_ENOUGH = 1000  # blocks for a curve
_FEWEST = 48  # blocks on each side of the comparison
_BACK = {6: 8, 8: 6}  # the other EXIF orientations undo themselves
_HIGHEST = 32  # quantised coefficients beyond are too rare for a histogram
_LOW = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2))  # coefficients with enough to count
_ERROR_LEVEL_QUALITY = 90
_ERROR_LEVEL_SIDE = 320  # pixels, as large as a report shows it


@dataclass(frozen=True)
class Compression:
    """ghost: the deepest dip of the face's curve of recompression error where that of the surroundings has none, dB;
    ghost_quality: the lowest IJG quality at which it is about as deep (Farid 2009, doi:10.1109/TIFS.2008.2012215).
    lost: the same the other way round, a ghost that the surroundings have and the face lacks, dB. second_grid: strength
    of the strongest block grid that is not the file's, face less surroundings, dB (Li et al. 2009,
    doi:10.1016/j.sigpro.2009.03.025). double_face, double_around: periodicity of the histograms of quantised
    coefficients, 0-1 (Popescu & Farid 2004, doi:10.1007/978-3-540-30114-1_10): how often compressed, forged or not.
    """

    ghost: float
    ghost_quality: int
    lost: float
    second_grid: float
    double_face: float
    double_around: float


def measure(photo: Photo, view: FaceView) -> Compression | Unmeasured:
    """Compare a face with its surroundings.

    Args:
        view: cut from the same photo.
    """
    if photo.format not in FORMATS or not photo.raw:
        return Unmeasured("not_applicable", "traces of JPEG compression are read from JPEG files only")
    luma, face, around = _on_grid(photo, view)
    by_block = blocks.split(luma)
    inner, outer = (by_block[blocks.inside(mask)] for mask in (face, around))
    if min(len(inner), len(outer)) < _FEWEST:
        return Unmeasured("abstained", "too little of the face or of its surroundings can be seen to compare them")
    table = luma_table(photo)
    inner, outer = blocks.cosines(inner), blocks.cosines(outer)
    face_dips, around_dips = _dips(inner, table), _dips(outer, table)
    # The other's dip counts double: where all was compressed before, one of them still dips deeper.
    dips = face_dips - 2 * np.maximum(around_dips, 0)
    # The coarsest of the deep ones: steps that divide the earlier ones fit as well.
    best = int(np.argmax(dips >= _DEEP * dips.max()))
    return Compression(
        ghost=float(dips.max()),
        ghost_quality=QUALITIES[best + 1],
        lost=float((around_dips - 2 * np.maximum(face_dips, 0)).max()),
        second_grid=_second_grid(luma, face) - _second_grid(luma, around),
        double_face=_periodicity(inner, table),
        double_around=_periodicity(outer, table),
    )


def luma_table(photo: Photo) -> Floats:
    """[8, 8]: the steps by which the file's luma is quantised, rows down.

    Raises:
        MediaError: the file is damaged.
    """
    with opened(photo.raw, photo.name) as image:
        tables = getattr(image, "quantization", {})
        return np.array(tables[min(tables)], dtype=np.float64).reshape(8, 8)


def error_level_picture(view: FaceView, gain: float = 15.0) -> bytes:
    """Difference from the same pixels saved once more, as JPEG. A picture to look at and no measurement: what shines is
    mostly what has edges and colour. At most 320 pixels wide and high.

    Args:
        gain: times the difference.
    """
    saved = np.asarray(Image.open(io.BytesIO(_saved(view.pixels))), dtype=np.float32)
    apart = np.clip(np.abs(view.pixels - saved) * gain, 0, 255).astype(np.uint8)
    picture = Image.fromarray(apart)
    picture.thumbnail((_ERROR_LEVEL_SIDE, _ERROR_LEVEL_SIDE))
    return _saved(np.asarray(picture))


def _saved(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_ERROR_LEVEL_QUALITY)
    return buffer.getvalue()


@cache
def ijg_table(quality: int) -> Floats:
    """[8, 8]: the IJG's luma table at a quality of 1-100."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip(np.floor((np.array(jpeg_quality.LUMINANCE) * scale + 50) / 100), 1, 255)


def _on_grid(photo: Photo, view: FaceView) -> tuple[Plane, Mask, Mask]:
    """Luma, face and surroundings of the cut-out as they lie in the file, from a corner of its blocks on."""
    stored = view.box.mapped(photo.to_upright.inverse())
    skip_x, skip_y = -round(stored.x0) % 8, -round(stored.y0) % 8
    back = _BACK.get(photo.orientation, photo.orientation)
    luma, face, around = (
        turned(plane.astype(np.uint8), back)[skip_y:, skip_x:] for plane in (view.luma, view.face, view.around)
    )
    return luma.astype(np.float32), face.astype(np.bool_), around.astype(np.bool_)


def _dips(chosen: Floats, table: Floats) -> Floats:
    """By quality but the first and last: how far the error of quantising anew lies below that at its neighbours, dB.

    0 for qualities as fine as the file's own, which leaves its own dip.

    Args:
        chosen: blocks' transforms [n, 8, 8].
    """
    few = chosen.reshape(-1, 64)[:: 1 + len(chosen) // _ENOUGH, 1:].astype(np.float32)
    tables = np.array([ijg_table(quality).ravel() for quality in QUALITIES])
    errors = []
    for step in tables[:, 1:].astype(np.float32):
        off = few / step
        np.rint(off, out=off)
        off *= step
        off -= few
        errors.append(np.vdot(off, off) / off.size)
    curve = 10 * np.log10(np.array(errors) + 1e-3)
    coarser = tables[1:-1].mean(axis=1) > _COARSER * table.mean()
    return np.where(coarser, (curve[:-2] + curve[2:]) / 2 - curve[1:-1], 0.0)


def _second_grid(luma: Plane, where: Mask) -> float:
    """Of the seven places where a second grid's lines can lie among rows and columns, how far the most broken one
    stands out, dB; the weaker of rows and columns counts, as a grid has both."""
    strengths = []
    for axis in (0, 1):
        # Across a block's edge the step is larger than the mean of the steps beside it.
        inside = where[1:] & where[:-1] if axis == 0 else where[:, 1:] & where[:, :-1]
        # A root keeps the picture's own edges from outweighing everything.
        step = np.sqrt(np.abs(np.diff(luma, axis=axis))) * inside
        phase = np.arange(1, luma.shape[axis]) % 8
        sums, counts = (np.bincount(phase, each.sum(axis=1 - axis, dtype=np.float64)) for each in (step, inside))
        other = (sums / counts)[1:]
        strengths.append(20 * np.log10(other.max() / np.median(other)))
    return float(min(strengths))


def _periodicity(chosen: Floats, table: Floats) -> float:
    """Of the histograms of quantised coefficients: the share of the fluctuation that one period makes up, 0-1."""
    found = []
    for row, column in _LOW:
        values = np.abs(np.rint(chosen[:, row, column] / table[row, column])).astype(int)
        counts = np.bincount(values[(values > 0) & (values <= _HIGHEST)], minlength=_HIGHEST + 1)[1:].astype(np.float64)
        smooth = cv2.blur(counts.reshape(1, -1), (5, 1), borderType=cv2.BORDER_REFLECT)[0]
        change = (counts - smooth) / np.sqrt(smooth + 1)
        power = np.abs(np.fft.rfft(change))[4:] ** 2
        found.append(float(power.max() / (power.sum() + 1e-9)))
    return float(np.mean(found))
