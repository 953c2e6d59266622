"""What a face shows as a thing in the world: its symmetry, the light in its eyes, its edge, its teeth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceagent_tools.forensics.view import FaceView, Floats, Mask, Plane, Unmeasured, filled
from faceagent_tools.multitask import MIRROR

SMALLEST = 64.0
"""Pixels of the face's width below which its edge is a handful of pixels."""
SMALLEST_IRIS = 16.0
"""Pixels across below which a highlight is one or two pixels."""
OPEN = 0.18
"""Height over width of the mouth from which teeth can show."""
_EYES = ((slice(36, 42), 68), (slice(42, 48), 73))  # corners and lids; centre of the iris, its rim follows
_PATCH = 32  # pixels of a side to which both irises are brought to compare their highlights
_BRIGHT = 40.0  # grey levels of a highlight over the iris
_ALONG, _INWARD, _OUTWARD = 64, -0.28, 0.12  # places along the jaw line; reach of a profile in widths of the face
_ACROSS = 41


@dataclass(frozen=True)
class Geometry:
    """asymmetry: root mean square distance of the 68 points from their mirror image, after the affine map that takes
    out the turn of the head, in distances of the eyes. highlights: intersection over union of the highlights on both irises
    (Hu, Li & Lyu 2021, arXiv:2009.11924), 0-1, None where an iris is too small or bears none. teeth: detail in the open
    mouth over that of the eyes, dB, None where the mouth is closed.

    Along the jaw line, as medians: edge: steepest change of luma across it over the usual change on the cheek, dB.
    rim_colour: difference in colour of the skin next to it from that further in, CIELAB units without the lightness.
    rim_detail: finest detail of the skin next to it over that further in, dB.
    forehead_colour, forehead_detail: the same two for the forehead above the brows against the cheeks, which a swap
    that ends at the brows leaves as it was.
    """

    asymmetry: float
    highlights: float | None
    teeth: float | None
    edge: float
    rim_colour: float
    rim_detail: float
    forehead_colour: float
    forehead_detail: float


def measure(view: FaceView) -> Geometry | Unmeasured:
    """Look at one face."""
    if view.width < SMALLEST:
        return Unmeasured("abstained", f"at less than {SMALLEST:.0f} pixels across the face's parts are a few pixels")
    fine = np.abs(cv2.Laplacian(view.luma, cv2.CV_32F))
    lab = cv2.cvtColor(view.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    luma, colour, detail = (_profiles(view, plane) for plane in (view.luma, lab[:, :, 1:], fine[:, :, None]))
    place = np.linspace(_INWARD, _OUTWARD, _ACROSS)
    rim, deep = (place > -0.1) & (place < -0.03), (place > -0.26) & (place < -0.16)
    steps = np.abs(np.diff(luma[:, :, 0], axis=1))
    near, cheek = np.abs(place[1:]) < 0.08, place[1:] < -0.14
    forehead, cheeks = _forehead(view), _cheeks(view)
    return Geometry(
        asymmetry=asymmetry(view.points),
        highlights=_highlights(view),
        teeth=_teeth(view, fine),
        edge=_ratio(np.nanmedian(np.nanmax(steps[:, near], axis=1)), np.nanmedian(steps[:, cheek])),
        rim_colour=float(np.hypot(*np.nanmedian(colour[:, rim].mean(axis=1) - colour[:, deep].mean(axis=1), axis=0))),
        rim_detail=_ratio(np.nanmedian(detail[:, rim]), np.nanmedian(detail[:, deep])),
        forehead_colour=float(np.hypot(*(np.median(lab[forehead, 1:], axis=0) - np.median(lab[cheeks, 1:], axis=0)))),
        forehead_detail=_ratio(np.median(fine[forehead]), np.median(fine[cheeks])),
    )


def asymmetry(points: Floats) -> float:
    """Of points [78, 2]: see `Geometry`. An affine map takes out yaw, pitch and roll of a flat face seen from afar."""
    shape = points[:68]
    mirrored = shape[MIRROR[:68]] * [-1.0, 1.0]
    source = np.column_stack([mirrored, np.ones(68)])
    residual = shape - source @ np.linalg.lstsq(source, shape, rcond=None)[0]
    eyes = np.hypot(*(shape[36:42].mean(axis=0) - shape[42:48].mean(axis=0)))
    return float(np.sqrt((residual**2).sum(axis=1).mean()) / max(eyes, 1e-6))


def _ratio(one: float, other: float) -> float:
    # A quarter of a grey level stands for none.
    return float(20 * np.log10((one + 0.25) / (other + 0.25)))


def _profiles(view: FaceView, plane: Plane) -> Floats:
    """Values across the jaw line: [_ALONG, _ACROSS, channels], NaN beyond the frame."""
    jaw = view.points[:17]
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(jaw, axis=0).T))])
    spots = np.linspace(0, run[-1], _ALONG)
    line = np.column_stack([np.interp(spots, run, jaw[:, axis]) for axis in (0, 1)])
    along = np.gradient(line, axis=0)
    outward = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-6)[:, None]
    inside = view.points[27:36].mean(axis=0) - line
    outward *= -np.sign((outward * inside).sum(axis=1, keepdims=True))
    reach = np.linspace(_INWARD, _OUTWARD, _ACROSS) * view.width
    places = (line[:, None] + outward[:, None] * reach[:, None] - 0.5).astype(np.float32)
    values = cv2.remap(
        plane.astype(np.float32),
        places,
        None,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=[np.nan] * 4,
    )
    return np.asarray(values, dtype=np.float64).reshape(_ALONG, _ACROSS, -1)


def _forehead(view: FaceView) -> Mask:
    """A band above the brows, as high as a quarter of the nose is long."""
    brows = view.points[18:26]
    up = (brows.mean(axis=0) - view.points[33]) / 4
    return _inside(view, np.vstack([brows + up * 0.6, (brows + up * 1.6)[::-1]]))


def _cheeks(view: FaceView) -> Mask:
    """Between the eyes, the nose and the corners of the mouth, both sides."""
    points = view.points
    left = points[[1, 41, 40, 31, 48, 4]]
    right = points[[15, 46, 47, 35, 54, 12]]
    middles = [side.mean(axis=0) + (side - side.mean(axis=0)) * 0.7 for side in (left, right)]
    return _inside(view, middles[0]) | _inside(view, middles[1])


def _inside(view: FaceView, outline: Floats) -> Mask:
    return np.asarray(filled(outline, view.luma.shape), dtype=np.bool_)


def _highlights(view: FaceView) -> float | None:
    masks = []
    for _, iris in _EYES:
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


def _teeth(view: FaceView, fine: Plane) -> float | None:
    mouth, lips = view.points[60:68], view.points
    opening = np.hypot(*(lips[66] - lips[62])) / max(np.hypot(*(lips[64] - lips[60])), 1e-6)
    inside = _inside(view, mouth)
    if opening < OPEN or inside.sum() < 64:
        return None
    eyes = _inside(view, view.points[36:42]) | _inside(view, view.points[42:48])
    return _ratio(fine[inside].mean(), fine[eyes].mean()) if eyes.any() else None
