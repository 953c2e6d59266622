"""Does the thumbnail inside a file still show the photo that it belongs to?

Cameras and editors store a small copy of the picture beside it. An editor that changes the picture and keeps the old
thumbnail leaves a copy of the unaltered picture behind (Kee and Farid, "Digital image authentication from thumbnails",
SPIE 2010, describe what makes thumbnails differ between makers).

A thumbnail never equals the reduced photo: makers crop, letterbox, sharpen and compress it in their own ways. So the
comparison first finds how the two lie on each other, then takes out of the difference all that one global law explains
(tone, sharpening, a shift or scale of less than a pixel, shading) and all that the thumbnail's own quantisation can
have made, and then asks whether what is left at some place is far more than its texture makes likely.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent.types import Box

Grey = npt.NDArray[np.float32]

SMALLEST_SIDE = 40
"""Thumbnails with a shorter side show too little of a face to compare."""
SMALLEST_REDUCTION = 2.0
"""A photo must be this much larger than its thumbnail: at one scale compression does not average out."""
FLAT = 4.0
"""Standard deviation in grey levels below which a picture has no content that could agree or differ."""
# Photos are reduced to this many pixels along the longer side first: six times a thumbnail, and quick.
_WORKING_SIDE = 960
# Differences are averaged over Gaussian windows of this standard deviation, in thumbnail pixels: about an eye of a face
# that fills a quarter of the frame. Of 1, 1.5, 2 and 2.5 the last kept honest and changed thumbnails apart best.
_WINDOW = 2.5
# Squared grey levels that are expected to differ anywhere, from rounding and small filters.
_GREY_NOISE = 3.0
# Thumbnail pixels along the border that are left out: makers fill them in different ways.
_EDGE = 2
# A thumbnail pixel is clipped when more than this share of what it covers is; the tones lost lie within this depth.
_CLIPPED_SHARE, _CLIPPED_DEPTH = 0.02, np.float32(40)
# Template search finds some place for any photo; below this correlation it is chance.
_CROP_MATCH = 0.9


@dataclass(frozen=True)
class Overlap:
    """How a thumbnail lies on the photo: which part of one shows which part of the other (pixels of each).

    kind: "whole", "letterboxed", "centre of the photo", or "wider than the photo" (the photo was cropped later).
    correlation: normalised correlation of the brightness of the two parts, -1 to 1.
    """

    kind: str
    thumbnail: Box
    photo: Box
    correlation: float


@dataclass(frozen=True)
class Difference:
    """Where and how much a thumbnail differs from the photo beyond what recompression explains.

    score: largest local difference, in multiples of what is expected at that place (1 = as expected).
    region: around every place that differs by at least the level asked for, in photo pixels.
    """

    score: float
    region: Box | None


def comparable(photo: Pixels, thumbnail: Pixels) -> bool:
    """Whether the sizes allow a comparison at all."""
    large, small = sorted(photo.shape[:2]), sorted(thumbnail.shape[:2])
    return bool(small[0] >= SMALLEST_SIDE and large[1] >= SMALLEST_REDUCTION * small[1])


def overlap(photo: Pixels, thumbnail: Pixels) -> Overlap:
    """The best of the ways in which a thumbnail can lie on the photo.

    Args:
        photo, thumbnail: uint8 RGB [H, W, 3], turned the same way.
    """
    large, small = _luma(_reduced(photo)), _luma(thumbnail)
    scale = photo.shape[1] / large.shape[1]
    candidates = [_measured(kind, large, small, *boxes) for kind, *boxes in _layouts(large.shape, small.shape)]
    best = max(candidates, key=lambda candidate: candidate.correlation)
    if best.correlation < _CROP_MATCH:
        inside = _photo_inside(large, small)
        if inside is not None and inside.correlation > max(best.correlation, _CROP_MATCH):
            best = inside
    in_photo = Box(**{side: value * scale for side, value in best.photo.model_dump().items()})
    return Overlap(best.kind, best.thumbnail, in_photo, best.correlation)


def difference(photo: Pixels, thumbnail: Pixels, lie: Overlap, table: Sequence[int], level: float) -> Difference:
    """The largest local difference between a photo and its thumbnail.

    Args:
        photo, thumbnail: uint8 RGB [H, W, 3], turned the same way.
        lie: from `overlap`.
        table: the 64 entries of the thumbnail's luminance quantisation table in natural order.
        level: places whose score reaches it make up the region.
    """
    ratio = _ratio(_reduced(_cut(photo, lie.photo)), _luma(thumbnail), lie.thumbnail, table)
    ratio[:_EDGE], ratio[-_EDGE:], ratio[:, :_EDGE], ratio[:, -_EDGE:] = 0, 0, 0, 0
    return Difference(score=float(ratio.max()), region=_region(ratio, level, lie.photo))


def without_bars(thumbnail: Pixels, lie: Overlap, aspect: float) -> Pixels:
    """The thumbnail as a reader is shown it: a letterboxed one cut to the photo's aspect (width / height)."""
    if lie.kind != "letterboxed":
        return thumbnail
    return np.asarray(_cut(thumbnail, _fitted(aspect, thumbnail.shape[1], thumbnail.shape[0])), dtype=np.uint8)


# How the two lie on each other


def _layouts(large: tuple[int, ...], small: tuple[int, ...]) -> Iterator[tuple[str, Box, Box]]:
    """The layouts that makers use: (kind, part of the thumbnail, part of the photo)."""
    (photo_h, photo_w), (thumb_h, thumb_w) = large[:2], small[:2]
    all_photo, all_thumb = _frame(photo_w, photo_h), _frame(thumb_w, thumb_h)
    yield "whole", all_thumb, all_photo
    # DCF wants 160 x 120 whatever the photo: bars above and below, or at the sides. Makers round differently.
    yield "letterboxed", *_inset(_fitted(photo_w / photo_h, thumb_w, thumb_h), all_thumb, all_photo)
    yield "centre of the photo", all_thumb, _fitted(thumb_w / thumb_h, photo_w, photo_h)


def _frame(width: float, height: float) -> Box:
    return Box(x0=0, y0=0, x1=width, y1=height)


def _fitted(aspect: float, width: int, height: int) -> Box:
    """The largest centred box of this aspect (width / height) in a frame."""
    w, h = min(width, height * aspect), min(height, width / aspect)
    return Box(x0=(width - w) / 2, y0=(height - h) / 2, x1=(width + w) / 2, y1=(height + h) / 2)


def _inset(boxed: Box, all_thumb: Box, all_photo: Box) -> tuple[Box, Box]:
    """Two pixels off each side that has a bar, and the same share off the photo."""
    dx, dy = 2.0 * (boxed.x0 > all_thumb.x0), 2.0 * (boxed.y0 > all_thumb.y0)
    sx, sy = all_photo.width / boxed.width, all_photo.height / boxed.height
    # To whole pixels here, so that the photo gives way by the same amount.
    x0, y0, x1, y1 = round(boxed.x0 + dx), round(boxed.y0 + dy), round(boxed.x1 - dx), round(boxed.y1 - dy)
    return (
        Box(x0=x0, y0=y0, x1=x1, y1=y1),
        Box(
            x0=(x0 - boxed.x0) * sx,
            y0=(y0 - boxed.y0) * sy,
            x1=(x1 - boxed.x0) * sx,
            y1=(y1 - boxed.y0) * sy,
        ),
    )


def _measured(kind: str, large: Grey, small: Grey, in_small: Box, in_large: Box) -> Overlap:
    ours = _cut(small, in_small)
    theirs = _resized(_cut(large, in_large), ours.shape[::-1])
    return Overlap(kind, in_small, in_large, _correlation(ours, theirs))


def _photo_inside(large: Grey, small: Grey) -> Overlap | None:
    """Where a cropped photo lies in a thumbnail that shows more, by template search over scales."""
    height, width = small.shape
    aspect = large.shape[1] / large.shape[0]
    widest = min(1.0, height * aspect / width)
    best: Overlap | None = None
    for step in (0.03, 0.005):
        around = best.thumbnail.width / width if best else None
        low, high = (around - 0.03, around + 0.03) if around else (0.35, 1.0)
        for share in np.arange(low, min(high, widest) + 1e-9, step):
            found = _searched(large, small, round(share * width), round(share * width / aspect))
            if found is not None and (best is None or found.correlation > best.correlation):
                best = found
        if best is None:
            return None
    return best


def _searched(large: Grey, small: Grey, width: int, height: int) -> Overlap | None:
    if min(width, height) < SMALLEST_SIDE // 2 or width > small.shape[1] or height > small.shape[0]:
        return None
    template = _resized(large, (width, height))
    if template.std() < FLAT:
        return None
    _, peak, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(small, template, cv2.TM_CCOEFF_NORMED))
    place = Box(x0=x, y0=y, x1=x + width, y1=y + height)
    return Overlap("wider than the photo", place, _frame(large.shape[1], large.shape[0]), float(peak))


def _correlation(one: Grey, other: Grey) -> float:
    a, b = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


# What differs


def _ratio(photo: Pixels, whole: Grey, part: Box, table: Sequence[int]) -> Grey:
    """Local difference over expected local difference, [h, w] of the part of the thumbnail that shows the photo."""
    thumb = _cut(whole, part)
    size = thumb.shape[::-1]
    grey = _luma(photo)
    reference = _resized(grey, size)
    # What one thumbnail pixel averages over: a maker that skips pixels instead leaves a difference of this order.
    averaged = np.maximum(_resized(grey * grey, size) - reference**2, 0)
    white, black = (_resized(share, size) > _CLIPPED_SHARE for share in _clipped(photo))
    explained = _explained(reference, thumb, white | black)
    # Where the photo is clipped to white or black, an older thumbnail may show what was lost, but only nearby tones.
    explained = np.where(white, np.clip(thumb, explained - _CLIPPED_DEPTH, 255), explained)
    explained = np.where(black, np.clip(thumb, 0, explained + _CLIPPED_DEPTH), explained)
    residual = _unexplained(explained, whole, part, table)
    gx, gy = _gradient(reference)
    causes = [np.ones_like(reference), _smooth(averaged, _WINDOW), _smooth(gx * gx + gy * gy, _WINDOW)]
    energy = _smooth(residual * residual, _WINDOW)
    return np.asarray(np.sqrt(energy / _expected(energy, np.stack(causes, axis=-1))), dtype=np.float32)


def _clipped(photo: Pixels) -> tuple[Grey, Grey]:
    """1 where a channel is at its upper end, else 0; and the same for all channels at the lower."""
    brightest = cv2.max(cv2.max(photo[:, :, 0], photo[:, :, 1]), photo[:, :, 2])
    return (brightest >= 253).astype(np.float32), (brightest <= 2).astype(np.float32)


def _explained(reference: Grey, thumb: Grey, clipped: npt.NDArray[np.bool_]) -> Grey:
    """The part of the thumbnail that a global law makes of the reduced photo, by robust least squares.

    Terms: tone (up to the cube), shift, stretch and turn to first order (gradients), sharpening or blur at two
    scales, and shading across the frame. Places that fit badly count less (Cauchy weights), so that a
    local change does not bend the law.
    """
    height, width = reference.shape
    gx, gy = _gradient(reference)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width - 0.5, y / height - 0.5
    finer, coarser = reference - _smooth(reference, 1.0), reference - _smooth(reference, 2.0)
    tone = [(reference / 255) ** power for power in range(4)]
    place = [gx, gy, x * gx, y * gx, x * gy, y * gy]
    shading = [x, y, x * x, y * y, x * y]
    terms = [*tone, *place, finer, coarser, *shading]
    design = np.stack(terms, axis=-1).reshape(-1, len(terms)).astype(np.float64)
    target = thumb.reshape(-1).astype(np.float64)
    usable = 1.0 - clipped.reshape(-1)
    weight, fitted = usable, target
    for _ in range(4):
        weighted = design * weight[:, None]
        # lstsq on the normal equations: terms can coincide (a picture of one tone), which solve() would refuse.
        solution = np.linalg.lstsq(weighted.T @ design, weighted.T @ target, rcond=None)[0]
        fitted = design @ solution
        off = np.abs(target - fitted)
        typical = 1.4826 * float(np.median(off[usable > 0])) if usable.any() else 0.0
        weight = usable / (1 + (off / (3 * typical + 1e-3)) ** 2)
    return np.asarray(np.clip(fitted.reshape(reference.shape), 0, 255), dtype=np.float32)


def _expected(energy: Grey, causes: Grey) -> npt.NDArray[np.float64]:
    """Expected squared difference: a non-negative mix of causes, fitted robustly to the whole picture.

    Multiplicative updates keep the mix non-negative (Lee and Seung, 2001).
    """
    design = causes.reshape(-1, causes.shape[-1]).astype(np.float64)
    target = energy.reshape(-1).astype(np.float64)
    mix = np.full(design.shape[1], 0.1)
    expected = np.full_like(target, target.mean() + _GREY_NOISE)
    for _ in range(6):
        surprise = target / expected
        weight = 1 / (1 + (surprise / 3) ** 2) / expected**2
        weighted = design * weight[:, None]
        square, right = weighted.T @ design, weighted.T @ target
        for _ in range(60):
            mix *= right / (square @ mix + 1e-12)
        expected = design @ mix + _GREY_NOISE
    return expected.reshape(energy.shape)


def _unexplained(explained: Grey, whole: Grey, part: Box, table: Sequence[int]) -> Grey:
    """What of the difference the thumbnail's own quantisation cannot have made, in grey levels.

    Each coefficient of the thumbnail's 8 x 8 blocks was rounded to a multiple of its table entry, so it stands for an
    interval. What was explained may lie anywhere in it; only what lies outside counts.
    """
    canvas = whole.copy()
    _cut(canvas, part)[:] = explained
    # A hostile table may hold zeros, which no encoder writes.
    steps = np.maximum(np.asarray(table, dtype=np.float64).reshape(8, 8), 1)
    stored = np.rint(_COSINES @ _blocks(whole) @ _COSINES.T / steps) * steps
    off = stored - _COSINES @ _blocks(canvas) @ _COSINES.T
    outside = off - np.clip(off, -steps / 2, steps / 2)
    residual = _unblocked(_COSINES.T @ outside @ _COSINES)[: whole.shape[0], : whole.shape[1]]
    return np.asarray(_cut(residual, part), dtype=np.float32)


def _cosines() -> npt.NDArray[np.float64]:
    """The 8 x 8 matrix of the discrete cosine transform of JPEG (ITU-T T.81, A.3.3)."""
    k = np.arange(8)
    matrix = np.cos((2 * k[None, :] + 1) * k[:, None] * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, dtype=np.float64)


_COSINES = _cosines()


def _blocks(grey: Grey) -> npt.NDArray[np.float64]:
    """[rows, columns, 8, 8] of a picture, level-shifted, its last row and column repeated to fill the blocks."""
    height, width = grey.shape
    filled = np.pad(grey.astype(np.float64) - 128, ((0, -height % 8), (0, -width % 8)), mode="edge")
    return filled.reshape(filled.shape[0] // 8, 8, filled.shape[1] // 8, 8).transpose(0, 2, 1, 3)


def _unblocked(blocks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rows, columns = blocks.shape[:2]
    return blocks.transpose(0, 2, 1, 3).reshape(rows * 8, columns * 8)


def _region(ratio: Grey, level: float, photo: Box) -> Box | None:
    """One box around the places that reach `level`, each grown to where the difference has halved."""
    count, labels = cv2.connectedComponents((ratio >= level / 2).astype(np.uint8))
    over = {int(label) for label in np.unique(labels[ratio >= level])} - {0}
    if count < 2 or not over:
        return None
    ys, xs = np.nonzero(np.isin(labels, list(over)))
    sx, sy = photo.width / ratio.shape[1], photo.height / ratio.shape[0]
    return Box(
        x0=photo.x0 + float(xs.min()) * sx,
        y0=photo.y0 + float(ys.min()) * sy,
        x1=photo.x0 + float(xs.max() + 1) * sx,
        y1=photo.y0 + float(ys.max() + 1) * sy,
    )


# Pixels


def _luma(pixels: Pixels) -> Grey:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def _reduced(pixels: Pixels) -> Pixels:
    """At most `_WORKING_SIDE` pixels along the longer side: enough for any thumbnail, and quick."""
    factor = _WORKING_SIDE / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _resized(grey: Grey, size: tuple[int, ...]) -> Grey:
    """At a size of (width, height); every new pixel is the mean of what it covers."""
    return np.asarray(cv2.resize(grey, (size[0], size[1]), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _cut(pixels: Any, box: Box) -> Any:
    return pixels[round(box.y0) : round(box.y1), round(box.x0) : round(box.x1)]


def _smooth(values: Grey, sigma: float) -> Grey:
    blurred = cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, dtype=np.float32)


def _gradient(values: Grey) -> tuple[Grey, Grey]:
    """Central differences in grey levels per pixel, smoothed across (Sobel)."""
    gx = cv2.Sobel(values, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    gy = cv2.Sobel(values, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    return np.asarray(gx, dtype=np.float32), np.asarray(gy, dtype=np.float32)
