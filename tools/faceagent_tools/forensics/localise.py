"""Where in a face the network looked when it called it forged: names of regions, a box, and a picture of it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.media import Photo, Pixels
from faceagent.types import Box
from faceagent_tools import parsing
from faceagent_tools.forensics.network import Look
from faceagent_tools.forensics.view import Floats, Plane, filled
from faceagent_tools.forensics.windows import CELL

MARKED = 0.5
"""Probability from which a cell counts as forged: the one at which the overlap with known forgeries is measured."""
LEFT, RIGHT = "nearer the left edge", "nearer the right edge"
PLACES = {
    "brow_nearer_left_edge": f"the brow {LEFT}",
    "brow_nearer_right_edge": f"the brow {RIGHT}",
    "eye_nearer_left_edge": f"the eye {LEFT}",
    "eye_nearer_right_edge": f"the eye {RIGHT}",
    "nose": "the nose",
    "lips": "the mouth",
    "jaw": "the jaw line",
    "forehead": "the forehead",
    "cheeks": "the cheeks",
    "surroundings": "the surroundings of the face",
}
"""Regions as sentences name them."""
_JAW = 0.12  # of the face's width: thickness of the band along the jaw
_NAMED = 2
_LEAST = 0.5  # cells of a place, to have a mean
_NEAR = 0.75  # of the strongest place's mean: the second is named as well
_MOST = 320  # pixels of the picture's longer side
_TINT = 0.6
_MARGIN = 1.5


@dataclass(frozen=True, eq=False)
class Places:
    """strength: by name of `PLACES`, mean probability of forged over its cells. strongest: the one or two to be named,
    none where no cell is marked. marked: share of the cells within the face that are marked, 0-1. box: around the
    marked cells, in pixels of the photo, or None.
    """

    strength: dict[str, float]
    strongest: tuple[str, ...]
    marked: float
    box: Box | None


def places(look: Look, points: Floats) -> Places:
    """Name where the network looked.

    Args:
        points: [78, 2] in pixels of the upright photo, as `multitask.Reading.points`.
    """
    seen = _Seen.of(look)
    cells, here = np.nan_to_num(seen.cells), (points * look.scale - seen.corner)
    masks = {name: seen.shares(canvas) for name, canvas in drawn(here, seen.shape).items()}
    strength = {
        name: round(float(np.average(cells, weights=mask)), 3) for name, mask in masks.items() if mask.sum() > _LEAST
    }
    forged = cells >= MARKED
    if not forged.any() or not strength:
        return Places(strength, (), 0.0, None)
    order = sorted(strength, key=strength.__getitem__, reverse=True)[:_NAMED]
    named = tuple(name for name in order if strength[name] >= _NEAR * strength[order[0]])
    inside = sum(mask for name, mask in masks.items() if name != "surroundings")
    marked = float(np.average(forged, weights=inside)) if np.any(inside) else 0.0
    return Places(strength, named, round(marked, 3), _box(forged, seen, look.scale))


@dataclass(frozen=True, eq=False)
class _Seen:
    """The cells that windows looked at. cells [h, w], NaN where none did; corner: of theirs, in scaled pixels."""

    cells: Floats
    corner: npt.NDArray[np.float64]

    @staticmethod
    def of(look: Look) -> _Seen:
        rows, columns = (np.flatnonzero(np.isfinite(look.cells).any(axis=axis)) for axis in (1, 0))
        part = look.cells[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return _Seen(part, np.array([columns[0], rows[0]], np.float64) * CELL)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in scaled pixels."""
        return self.cells.shape[0] * CELL, self.cells.shape[1] * CELL

    def shares(self, canvas: npt.NDArray[np.uint8]) -> Plane:
        """Of each known cell, what is drawn."""
        share = cv2.resize(canvas.astype(np.float32), self.cells.shape[::-1], interpolation=cv2.INTER_AREA)
        return np.asarray(share * np.isfinite(self.cells), np.float32)


def drawn(points: Floats, shape: tuple[int, int]) -> dict[str, npt.NDArray[np.uint8]]:
    """By name of `PLACES`: 1 where it is [H, W].

    Args:
        points: as `multitask.Reading.points`, in pixels of a picture of this height and width.
    """
    outlines = parsing.polygons(points)
    parts = {name: filled(outline, shape) for name, outline in outlines.items() if name in PLACES}
    face, outline = filled(outlines["face"], shape), outlines["face"]
    jaw = np.zeros(shape, np.uint8)
    thick = max(round(_JAW * float(np.hypot(*(points[16] - points[0])))), 1)
    cv2.polylines(jaw, [np.rint(points[:17]).astype(np.int32)], False, 1, thick)
    forehead = filled(np.vstack([points[17:27], outline[17:]]), shape)
    cheeks = face.copy()
    for part in (*parts.values(), jaw, forehead):
        cheeks[part > 0] = 0
    return {**parts, "jaw": jaw, "forehead": forehead, "cheeks": cheeks, "surroundings": 1 - (face | jaw)}


def _box(forged: npt.NDArray[np.bool_], seen: _Seen, scale: float) -> Box:
    """Around the largest piece of marked cells."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(forged.astype(np.uint8), connectivity=8)
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    x, y, width, height = (float(stats[best, column]) for column in range(4))
    left, top = seen.corner[0] + x * CELL, seen.corner[1] + y * CELL
    return Box(x0=left / scale, y0=top / scale, x1=(left + width * CELL) / scale, y1=(top + height * CELL) / scale)


def heatmap(photo: Photo, look: Look, box: Box) -> bytes:
    """The face with what the network marked tinted from yellow to red, as PNG; nothing is tinted below one half.

    Args:
        box: of the face.
    """
    from PIL import Image

    x0, y0, x1, y1 = _around(photo, box)
    scale = _MOST / max(x1 - x0, y1 - y0)
    size = (max(round((x1 - x0) * scale), 1), max(round((y1 - y0) * scale), 1))
    shown = np.asarray(cv2.resize(photo.pixels[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA), np.uint8)
    buffer = io.BytesIO()
    tinted = _tinted(shown, _over(look, (x0, y0, x1, y1), size))
    Image.fromarray(tinted).save(buffer, format="PNG", compress_level=1)  # quick: it is soon decoded again
    return buffer.getvalue()


def part(photo: Photo, box: Box) -> Box:
    """The part of the photo that `heatmap` shows, in whole pixels."""
    x0, y0, x1, y1 = _around(photo, box)
    return Box(x0=x0, y0=y0, x1=x1, y1=y1)


def _around(photo: Photo, box: Box) -> tuple[int, int, int, int]:
    wide = box.scaled_about_centre(_MARGIN).clipped(photo.width, photo.height)
    x0, y0 = int(wide.x0), int(wide.y0)
    return x0, y0, max(round(wide.x1), x0 + 1), max(round(wide.y1), y0 + 1)


def _over(look: Look, place: tuple[int, int, int, int], size: tuple[int, int]) -> Plane:
    """Probability of forged by pixel of a picture of a part of the photo."""
    factor = look.scale / CELL  # cells a pixel of the photo
    x0, y0, x1, y1 = place
    across, down = (
        (start + (np.arange(count) + 0.5) * (stop - start) / count) * factor - 0.5
        for start, stop, count in ((x0, x1, size[0]), (y0, y1, size[1]))
    )
    cells = np.nan_to_num(look.cells).astype(np.float32)
    maps = (np.tile(across.astype(np.float32), (size[1], 1)), np.tile(down.astype(np.float32)[:, None], (1, size[0])))
    return np.asarray(cv2.remap(cells, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _tinted(shown: Pixels, forged: Plane) -> Pixels:
    grey = cv2.cvtColor(cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(np.float32)
    above = np.clip((forged - MARKED) / (1 - MARKED), 0, 1)[..., None]
    colour = np.concatenate([np.full_like(above, 255), 215 * (1 - above), np.zeros_like(above)], axis=2)
    alpha = np.where(forged[..., None] >= MARKED, _TINT, 0.0)
    mixed = grey * (1 - alpha) + colour * alpha
    marked = (forged >= MARKED).astype(np.uint8)
    out = np.clip(mixed, 0, 255).astype(np.uint8)
    edges, _ = cv2.findContours(marked, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(out, edges, -1, (160, 0, 0), 1)
    return np.asarray(out, np.uint8)
