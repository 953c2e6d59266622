"""What a face shows as a thing in the world: the skin along its edge, and the light in its eyes.

Left out, as they told next to nothing of DFDC's swaps, StyleGAN's faces and blends, and not on the same side in all:
asymmetry after the affine map that undoes the turn of the head, the steepest step across the jaw line, the colour of
the skin along it and of the forehead against the cheeks, detail of the teeth. No set at hand shows pupils large enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceagent_tools.forensics.view import FaceView, Floats, Mask, Plane, Unmeasured

SMALLEST = 64.0
"""Pixels of the face's width below which its edge is a handful of pixels."""
SMALLEST_IRIS = 16.0
"""Pixels across below which a highlight is one or two pixels."""
_IRISES = (68, 73)  # their centres among the points; four of the rim follow each
_PATCH = 32  # pixels of a side to which both irises are brought to compare their highlights
_BRIGHT = 40.0  # grey levels of a highlight over the iris
_ALONG = 64  # places along the jaw line
_PLACES = np.linspace(-0.26, -0.03, 32)  # across it, in widths of the face; inwards is negative
_RIM, _DEEP = (-0.065, 0.035), (-0.21, 0.05)  # middle and half width of two bands along it
_FEWEST = 8  # of the places along the jaw line that have to lie in the photo


@dataclass(frozen=True)
class Geometry:
    """rim_detail: finest detail of the skin along the jaw line over that of the cheeks further in, median, dB.
    highlights: intersection over union of the highlights on both irises (Hu, Li & Lyu 2021, arXiv:2009.11924), 0-1,
    None where an iris is too small or bears none.
    """

    rim_detail: float
    highlights: float | None


def measure(view: FaceView) -> Geometry | Unmeasured:
    """Look at one face."""
    if view.width < SMALLEST:
        return Unmeasured("abstained", f"at less than {SMALLEST:.0f} pixels across a face's edge is a few pixels")
    detail = _profiles(view, np.abs(cv2.Laplacian(view.luma, cv2.CV_32F)))
    seen = np.isfinite(detail).all(axis=1)
    if seen.sum() < _FEWEST:
        return Unmeasured("abstained", "the edge of the face lies outside of the photo")
    rim, deep = (np.median(detail[seen][:, np.abs(_PLACES - middle) < half]) for middle, half in (_RIM, _DEEP))
    # A quarter of a grey level stands for none.
    return Geometry(
        rim_detail=float(20 * np.log10((rim + 0.25) / (deep + 0.25))),
        highlights=_highlights(view),
    )


def _profiles(view: FaceView, plane: Plane) -> Floats:
    """Values across the jaw line, [_ALONG, len(_PLACES)], NaN beyond the frame."""
    jaw = view.points[:17]
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(jaw, axis=0).T))])
    spots = np.linspace(0, run[-1], _ALONG)
    line = np.column_stack([np.interp(spots, run, jaw[:, axis]) for axis in (0, 1)])
    along = np.gradient(line, axis=0)
    outward = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-6)[:, None]
    inside = view.points[27:36].mean(axis=0) - line
    outward *= -np.sign((outward * inside).sum(axis=1, keepdims=True))
    places = (line[:, None] + outward[:, None] * (_PLACES * view.width)[:, None] - 0.5).astype(np.float32)
    columns, rows = (np.ascontiguousarray(places[:, :, axis]) for axis in (0, 1))
    values = cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=[np.nan] * 4)
    return np.asarray(values, dtype=np.float64)


def _highlights(view: FaceView) -> float | None:
    masks = []
    for iris in _IRISES:
        centre, rim = view.points[iris], view.points[iris + 1 : iris + 5]
        radius = float(np.hypot(*(rim - centre).T).mean())
        if not 2 * radius >= SMALLEST_IRIS:  # nor where there is no iris among the points
            return None
        masks.append(_highlight(view, centre, radius))
    one, other = masks
    if not one.any() or not other.any():
        return None
    return float((one & other).sum() / (one | other).sum())


def _highlight(view: FaceView, centre: Floats, radius: float) -> Mask:
    """What is bright on an iris, laid over its middle: [_PATCH, _PATCH]."""
    scale = 2 * radius / _PATCH
    to_photo = np.array([[scale, 0, centre[0] - radius - 0.5], [0, scale, centre[1] - radius - 0.5]])
    size = (_PATCH, _PATCH)
    patch = cv2.warpAffine(view.luma, to_photo, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    axis = np.arange(_PATCH) + 0.5 - _PATCH / 2
    disc = np.hypot(axis[:, None], axis[None]) < _PATCH * 0.45
    return np.asarray(disc & (patch > np.median(patch[disc]) + _BRIGHT), dtype=np.bool_)
