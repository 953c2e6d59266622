"""Forgeries made on the fly from authentic photos, each with the exact mask of what was changed.

A forgery is three choices: what takes the place of the face (`_MATERIALS`: the same face changed a little, the face of
somebody else, either as a generator of small pictures would draw it), where (`areas`: hulls of landmarks), and how it
is put in (`blended`). Self-blended images: Shiohara & Yamasaki 2022 (arXiv 2204.08376); somebody of like shape, as in
Face X-ray (Li et al. 2020, arXiv 1912.13458). Parts alone make local edits, all of the picture a synthesis.

Pixels are uint8 RGB [H, W, 3], masks float32 [H, W] of 0-1, points [68, 2] in pixels, in the order of 300-W.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Pixels
from faceagent_finetune.nets.forensic.areas import AREAS, PARTS, Face, Mask, Points, Rng, grid, mask_of, one
from faceagent_finetune.nets.forensic.codec import saved
from faceagent_tools.forensics.windows import KINDS

_LARGER = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)  # what pictures are enlarged with
_SMALLER = (*_LARGER, cv2.INTER_AREA)


@dataclass(frozen=True)
class Forgery:
    """mask: how much of each pixel was changed, 1 at its most. kind: index in `KINDS`."""

    pixels: Pixels
    mask: Mask
    kind: int


Donor = Callable[[], Face]
"""A face of somebody else, of like shape, when it is asked for."""


# What is put in: the same face, changed a little.


def recoloured(pixels: Pixels, rng: Rng) -> Pixels:
    """Another light: gamma, contrast, brightness and a tint, and at times another saturation."""
    ramp = np.linspace(0, 1, 256)[:, None]
    curve = (ramp ** np.exp(rng.normal(0, 0.12)) - 0.5) * np.exp(rng.normal(0, 0.1)) + 0.5
    curve = curve + rng.normal(0, 0.025) + rng.normal(0, 0.02, 3)
    changed = np.asarray(cv2.LUT(pixels, np.round(np.clip(curve, 0, 1) * 255).astype(np.uint8)[None]), np.uint8)
    if rng.random() < 0.4:
        grey = cv2.cvtColor(cv2.cvtColor(changed, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        more = float(rng.uniform(-0.35, 0.35))
        changed = np.asarray(cv2.addWeighted(changed, 1 + more, grey, -more, 0), np.uint8)
    return changed


def resampled(pixels: Pixels, rng: Rng) -> Pixels:
    """Smaller and back: what a picture of lower resolution has lost."""
    height, width = pixels.shape[:2]
    share = rng.uniform(0.25, 0.9)
    small = (max(round(width * share), 8), max(round(height * share), 8))
    down, up = one(_SMALLER, rng), one(_LARGER, rng)
    return np.asarray(
        cv2.resize(cv2.resize(pixels, small, interpolation=down), (width, height), interpolation=up), np.uint8
    )


def softened(pixels: Pixels, rng: Rng) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 1.8)), np.uint8)


def sharpened(pixels: Pixels, rng: Rng) -> Pixels:
    more = rng.uniform(0.5, 2.0)
    return np.asarray(
        cv2.addWeighted(pixels, 1 + more, cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.7, 2)), -more, 0)
    )


def noisy(pixels: Pixels, rng: Rng) -> Pixels:
    return _added(pixels, rng.normal(0, rng.uniform(1.0, 6.0), pixels.shape))


def recompressed(pixels: Pixels, rng: Rng) -> Pixels:
    return saved(pixels, ("jpeg", int(rng.integers(30, 90))))[0]


def _added(pixels: Pixels, signal: npt.NDArray[Any]) -> Pixels:
    return np.asarray(np.clip(np.round(pixels + signal), 0, 255).astype(np.uint8))


Change = Callable[[Pixels, Rng], Pixels]
_CHANGES: Sequence[Change] = (recoloured, recoloured, resampled, softened, sharpened, noisy, recompressed)


def changed(pixels: Pixels, rng: Rng) -> Pixels:
    """One to three changes of colour or detail."""
    for which in rng.choice(len(_CHANGES), rng.integers(1, 4), replace=False):
        pixels = _CHANGES[which](pixels, rng)
    return pixels


def nudged(face: Face, pixels: Pixels, rng: Rng) -> Pixels:
    """Shifted, turned and stretched by a few hundredths of the face: features double at the seam."""
    (x, y), reach = face.points.mean(axis=0), 0.03 * face.width
    turn = np.eye(2) + rng.normal(0, 0.02, (2, 2))
    centre = np.array([x, y])
    matrix = np.column_stack([turn, centre - turn @ centre + rng.uniform(-reach, reach, 2)])
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))


def itself(face: Face, donor: Donor, rng: Rng) -> Pixels:
    """The same face, a little different: what is left to see are the traces of the blending."""
    pixels = nudged(face, face.pixels, rng) if rng.random() < 0.7 else face.pixels
    return changed(pixels, rng)


# What is put in: somebody else.


def other(face: Face, donor: Donor, rng: Rng) -> Pixels:
    """The donor's face drawn to the points of this one, and to its colours, more or less."""
    given = donor()
    pixels = matched(fitted(given, face), face, rng.uniform(0.4, 1.0))
    return changed(pixels, rng) if rng.random() < 0.6 else pixels


def fitted(given: Face, face: Face) -> Pixels:
    """A face bent to the points of another by a polynomial of second degree (least squares over the 68 points)."""
    height, width = face.pixels.shape[:2]
    centre, unit = face.points.mean(axis=0), face.width
    weights = np.linalg.lstsq(_quadratic((face.points - centre) / unit), given.points, rcond=None)[0]
    columns, rows = ((axis - middle) / unit for axis, middle in zip(grid(height, width), centre, strict=True))
    # Far from the face the polynomial leads astray, and nothing of it is used there.
    x, y = np.clip(columns, -1, 1), np.clip(rows, -1, 1)
    field = [w[0] + x * (w[1] + w[3] * x + w[4] * y) + y * (w[2] + w[5] * y) for w in weights.T.astype(np.float32)]
    return np.asarray(
        cv2.remap(given.pixels, field[0], field[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )


def _quadratic(at: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    x, y = at.astype(np.float64).T
    return np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])


def matched(pixels: Pixels, face: Face, share: float) -> Pixels:
    """Mean and spread of each channel inside the face drawn to those of the face by a share (Reinhard et al. 2001)."""
    hull = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(face.points).astype(np.int32)), 1)
    (mean, spread), (wanted, wide) = (cv2.meanStdDev(image, mask=hull) for image in (pixels, face.pixels))
    gain = 1 + share * (np.clip(wide / np.maximum(spread, 1), 0.4, 2.5) - 1)
    curve = (np.arange(256)[:, None] - mean.T) * gain.T + mean.T + share * (wanted - mean).T
    return np.asarray(cv2.LUT(pixels, np.clip(np.round(curve), 0, 255).astype(np.uint8)[None]), np.uint8)


# What is put in: as a generator would draw it. Stand-ins for the traces that generators share (Durall et al. 2020,
# arXiv 2003.01826; Zhang et al. 2019, arXiv 1907.06515): a lattice from up-sampling, lost detail, dull patches.


def upsampled(pixels: Pixels, rng: Rng) -> Pixels:
    """Halved once or twice, and doubled again by transposed convolutions that are not quite even."""
    height, width = pixels.shape[:2]
    times = 1 + int(rng.random() < 0.35)
    small = (-(-width // 2**times), -(-height // 2**times))
    made: npt.NDArray[Any] = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    base = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16.0 if rng.random() < 0.7 else np.ones((2, 2))
    spread = np.exp(rng.uniform(np.log(0.004), np.log(0.05)))  # from what only filters see to what the eye does
    uneven = (base * np.exp(rng.normal(0, spread, base.shape))).astype(np.float32)
    for _ in range(times):
        wide = np.zeros((2 * made.shape[0], 2 * made.shape[1], 3), np.float32)
        wide[::2, ::2] = made
        made = cv2.filter2D(wide, -1, uneven * (4 / uneven.sum()), borderType=cv2.BORDER_REFLECT_101)
    return _sharp_again(np.clip(made[:height, :width], 0, 255).astype(np.uint8), rng)


def _sharp_again(pixels: Pixels, rng: Rng) -> Pixels:
    """Generators draw crisp edges, blurred as their small pictures are: the lack of detail must not be all."""
    return sharpened(pixels, rng) if rng.random() < 0.6 else pixels


def coded(pixels: Pixels, rng: Rng) -> Pixels:
    """A linear autoencoder: overlapping patches kept by their low frequencies, with an error in each code."""
    height, width = pixels.shape[:2]
    step, side = (4, 8) if rng.random() < 0.5 else (8, 16)
    kept = int(rng.integers(side // 4 + 1, side // 2 + 2))
    basis = _cosines(side)[:kept]
    tall, broad = (-(-extent // step) * step + side for extent in (height, width))
    padded = cv2.copyMakeBorder(pixels, 0, tall - height, 0, broad - width, cv2.BORDER_REFLECT_101).astype(np.float32)
    patches = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))[::step, ::step]
    codes = np.matmul(np.matmul(basis, patches), basis.T)
    codes = codes + rng.normal(0, rng.uniform(1.0, 5.0), codes.shape).astype(np.float32)
    drawn = np.matmul(np.matmul(basis.T, codes), basis)  # [rows, columns, 3, side, side]
    window = np.outer(_bump(side, rng), _bump(side, rng)).astype(np.float32)
    made, weight = np.zeros_like(padded), np.zeros(padded.shape[:2], np.float32)
    across = side // step
    for row in range(across):  # patches that do not overlap are laid down at once
        for column in range(across):
            part = drawn[row::across, column::across] * window
            high, wide = part.shape[0] * side, part.shape[1] * side
            at = (slice(row * step, row * step + high), slice(column * step, column * step + wide))
            made[at] += part.transpose(0, 3, 1, 4, 2).reshape(high, wide, 3)
            weight[at] += np.tile(window, part.shape[:2])
    mean = made / np.maximum(weight, 1e-3)[:, :, None]
    return _sharp_again(np.asarray(np.clip(np.round(mean[:height, :width]), 0, 255).astype(np.uint8)), rng)


def _cosines(side: int) -> npt.NDArray[np.float32]:
    """The orthonormal basis of the DCT, low frequencies first [side, side]."""
    basis = np.cos(np.pi * np.outer(np.arange(side), np.arange(side) + 0.5) / side) * np.sqrt(2 / side)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis.astype(np.float32))


def _bump(side: int, rng: Rng) -> npt.NDArray[np.float64]:
    """How much a patch counts from its rim to its middle."""
    return np.asarray((np.sin(np.pi * (np.arange(side) + 0.5) / side)) ** rng.uniform(0.2, 1.5))


def polished(pixels: Pixels, rng: Rng) -> Pixels:
    """Skin without pores: smooth but for edges, and fresh noise that is the same everywhere."""
    made = cv2.bilateralFilter(pixels, 5, rng.uniform(15, 45), rng.uniform(2, 5))
    if rng.random() < 0.5:
        made = cv2.medianBlur(made, 3)
    grain: npt.NDArray[Any] = rng.normal(0, 1, pixels.shape[:2])
    if rng.random() < 0.5:
        grain = cv2.GaussianBlur(grain, (0, 0), 0.7)
    return _sharp_again(_added(np.asarray(made, np.uint8), rng.uniform(0.3, 2.5) * grain[:, :, None]), rng)


def latticed(pixels: Pixels, rng: Rng) -> Pixels:
    """A faint pattern that repeats every 2, 4 or 8 pixels, stronger where the picture is."""
    height, width = pixels.shape[:2]
    period = int(rng.choice([2, 4, 8]))
    tile = rng.normal(0, 1, (period, period, 1 if rng.random() < 0.5 else 3))
    tile = tile - tile.mean(axis=(0, 1))
    pattern = np.tile(tile, (-(-height // period), -(-width // period), 1))[:height, :width]
    detail = pixels.astype(np.float32) - cv2.GaussianBlur(pixels, (0, 0), 2.0)
    strength = rng.uniform(0.4, 1.2) + rng.uniform(0, 0.15) * np.abs(detail)
    return _added(polished(pixels, rng) if rng.random() < 0.4 else pixels, pattern * strength)


_GENERATORS: Sequence[Change] = (upsampled, upsampled, coded, coded, polished, latticed)


def generated(pixels: Pixels, rng: Rng) -> Pixels:
    return one(_GENERATORS, rng)(pixels, rng)


def redrawn(face: Face, donor: Donor, rng: Rng) -> Pixels:
    """The same face or another one as a generator of small faces draws it (64-256 px a side, then resized)."""
    pixels = other(face, donor, rng) if rng.random() < 0.5 else itself(face, donor, rng)
    side = rng.choice([64, 96, 128, 160, 256]) / (1.6 * face.width)  # of its pictures, in those of the photo
    if side >= 1.0:
        return generated(pixels, rng)
    height, width = pixels.shape[:2]
    small = cv2.resize(
        pixels, (max(round(width * side), 16), max(round(height * side), 16)), interpolation=cv2.INTER_AREA
    )
    drawn = generated(np.asarray(small, np.uint8), rng)
    return np.asarray(cv2.resize(drawn, (width, height), interpolation=one(_LARGER, rng)), np.uint8)


# What is put in: a part, edited.


def swollen(face: Face, outline: Points, rng: Rng) -> Pixels:
    """Larger or smaller about the middle of the part, as a liquify brush does it."""
    (x, y), reach = outline.mean(axis=0), max(float(np.ptp(outline, axis=0).max()), 6.0) * rng.uniform(0.7, 1.0)
    columns, rows = grid(*face.pixels.shape[:2])
    far = np.hypot(columns - x, rows - y) / reach
    pull = rng.choice([-1, 1]) * rng.uniform(0.12, 0.3) * np.clip(1 - far * far, 0, 1) ** 2
    shift = rng.uniform(-0.08, 0.08, 2) * reach * (np.clip(1 - far * far, 0, 1) ** 2)[:, :, None]
    field = [columns - pull * (columns - x) + shift[:, :, 0], rows - pull * (rows - y) + shift[:, :, 1]]
    moved = [axis.astype(np.float32) for axis in field]
    return np.asarray(cv2.remap(face.pixels, moved[0], moved[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101))


def filled(face: Face, outline: Points, rng: Rng) -> Pixels:
    """The part taken out and the hole filled from its rim."""
    hole = np.zeros(face.pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(hole, cv2.convexHull(np.round(outline).astype(np.int32)), 255)
    method = cv2.INPAINT_TELEA if rng.random() < 0.5 else cv2.INPAINT_NS
    return np.asarray(cv2.inpaint(face.pixels, hole, 3, method), np.uint8)


def retouched(face: Face, outline: Points, rng: Rng) -> Pixels:
    """Smoothed, at times as a generator would fill it in."""
    return generated(face.pixels, rng) if rng.random() < 0.6 else polished(face.pixels, rng)


def tinted(face: Face, outline: Points, rng: Rng) -> Pixels:
    """Another colour: lips, eyes, shadow."""
    hsv = cv2.cvtColor(face.pixels, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[:, :, 0] = (hsv[:, :, 0] + rng.choice([-1, 1]) * rng.uniform(6, 30)) % 180
    hsv[:, :, 1] = np.clip(hsv[:, :, 1] * rng.uniform(0.6, 1.7), 0, 255)
    return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)


def copied(face: Face, outline: Points, rng: Rng) -> Pixels:
    """Pixels from elsewhere on the face laid over the part."""
    dx, dy = np.round(rng.choice([-1, 1], 2) * rng.uniform(0.12, 0.3, 2) * face.width).astype(int)
    return np.roll(face.pixels, (dy, dx), axis=(0, 1))


# How: blending, and the recipe of each kind.


def blended(below: Pixels, above: Pixels, mask: Mask) -> Pixels:
    """above where the mask is 1, below where it is 0."""
    return np.asarray(cv2.blendLinear(above, below, mask, 1 - mask), np.uint8)


def poisson(below: Pixels, above: Pixels, mask: Mask) -> tuple[Pixels, Mask]:
    """Gradients of one in the light of the other (Pérez et al. 2003), and the mask of what that changed."""
    inside = (mask > 0.5).astype(np.uint8)
    inside[[0, 1, -2, -1]] = 0
    inside[:, [0, 1, -2, -1]] = 0
    x, y, width, height = cv2.boundingRect(inside)
    if min(width, height) < 8:
        return blended(below, above, mask), mask
    middle = (x + width // 2, y + height // 2)
    return np.asarray(cv2.seamlessClone(above, below, inside * 255, middle, cv2.NORMAL_CLONE)), inside.astype(
        np.float32
    )


_Material = Callable[[Face, Donor, Rng], Pixels]
_MATERIALS: Sequence[_Material] = (itself, itself, itself, other, other, redrawn, redrawn)


def swap(face: Face, donor: Donor, rng: Rng) -> Forgery:
    """A face, or most of it, blended in."""
    area = one(AREAS, rng)
    mask = mask_of(face, area(face.points, rng), rng, grow=rng.uniform(-0.04, 0.04))
    make = one(_MATERIALS, rng)
    below, above = face.pixels, make(face, donor, rng)
    if make is itself and rng.random() < 0.4:  # the change may as well be around the face
        below, above = above, below
    if rng.random() < 0.12:
        pixels, mask = poisson(below, above, mask)
    else:
        pixels = blended(below, above, mask * rng.choice([0.5, 0.75, 1, 1, 1, 1]).astype(np.float32))
    return Forgery(pixels, mask, KINDS.index("swap"))


_Edit = Callable[[Face, Points, Rng], Pixels]
_EDITS: Sequence[_Edit] = (swollen, swollen, filled, retouched, retouched, tinted, copied)


def edit(face: Face, donor: Donor, rng: Rng) -> Forgery:
    """A part of the face changed."""
    outline = one(PARTS, rng)(face.points, rng)
    mask = mask_of(face, outline, rng, grow=rng.uniform(0.02, 0.08))
    if rng.random() < 0.35:
        pixels = other(face, donor, rng)
    else:
        pixels = one(_EDITS, rng)(face, outline, rng)
    return Forgery(blended(face.pixels, pixels, mask), mask, KINDS.index("edit"))


def synthesis(face: Face, donor: Donor, rng: Rng) -> Forgery:
    """All of the picture as a generator would draw it."""
    return Forgery(generated(face.pixels, rng), np.ones(face.pixels.shape[:2], np.float32), KINDS.index("synthesis"))


FORGERIES = {"swap": swap, "edit": edit, "synthesis": synthesis}


def forged(face: Face, donor: Donor, rng: Rng, shares: Mapping[str, float]) -> Forgery:
    """One forgery; its kind by the shares (names of `FORGERIES`)."""
    names = list(shares)
    chances = np.array([shares[name] for name in names])
    return FORGERIES[names[rng.choice(len(names), p=chances / chances.sum())]](face, donor, rng)
