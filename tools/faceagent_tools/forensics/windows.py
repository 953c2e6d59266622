"""faceagent-forensic's contract: which pixels it sees of a face, what its outputs mean, how its windows are joined.

The network looks at square windows of a photo in their own pixels: what an editor or a generator leaves behind is lost
by resizing. A face with its context is seen through one window, as it is and mirrored, or, where it is larger, through
up to four; only one that is larger than those is scaled down. Trained by `faceagent_finetune.nets.forensic`, on the
windows that are cut here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.geometry import Point
from faceagent.media import Pixels

SIZE, CELL = 224, 8
"""Sides of a window and of a cell of the region map, in pixels."""
CELLS = SIZE // CELL
KINDS = ("none", "swap", "synthesis", "edit")
"""No forgery; a face swapped or blended in; all of the picture synthesised; a part of the face changed."""
OUTPUTS = ("score", "kind", "map", "domain")
"""Logit of forged [N, 1], logits of `KINDS` [N, 4], logit of forged by cell [N, 28, 28], coordinates among the windows
of the training, each of mean 0 and variance 1 there [N, 32]."""
DIRECTIONS = 32

REACH = 1.8
"""Side of the face with its context in units of dlib's square (`align.square_of`): hair, ears, neck, background."""
_ONE_HOLDS = 1.4  # a region up to so many window sides is seen through one window: its rim is background
_OVERLAP = 32  # pixels that two windows share at least

Floats = npt.NDArray[np.float64]
Outputs = Mapping[str, npt.NDArray[Any]]
Network = Callable[[npt.NDArray[np.uint8]], Outputs]
"""`OUTPUTS` by name for windows uint8 RGB [N, 224, 224, 3]."""


@dataclass(frozen=True)
class Windows:
    """What the network sees of one face.

    pixels: uint8 RGB [N, 224, 224, 3], N = 1, 2 or 4. corners: [N, 2] x and y of each window's corner in the photo
    scaled by `scale` (1 unless the face is very large).
    """

    pixels: npt.NDArray[np.uint8]
    corners: npt.NDArray[np.int64]
    scale: float


@dataclass(frozen=True)
class Region:
    """Part of an upright photo that shows the face with its context, in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    def spans(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return (self.x0, self.x1), (self.y0, self.y1)


def region(width: int, height: int, centre: Point, side: float) -> Region:
    """The face with its context, as far as the photo goes. centre, side: of dlib's square."""
    reach = REACH * side / 2
    return Region(
        max(centre[0] - reach, 0.0),
        max(centre[1] - reach, 0.0),
        min(centre[0] + reach, float(width)),
        min(centre[1] + reach, float(height)),
    )


def windows(pixels: Pixels, centre: Point, side: float) -> Windows:
    """Cut the windows of one face.

    Args:
        pixels: uint8 RGB of the upright photo.
        centre, side: of dlib's square (`align.square_of`).
    """
    pixels, seen, scale = _fitted(pixels, centre, side, 2 * SIZE - _OVERLAP)
    height, width = pixels.shape[:2]
    lefts, tops = (starts(span, extent) for span, extent in zip(seen.spans(), (width, height), strict=True))
    corners = [(left, top) for top in tops for left in lefts]
    return Windows(np.stack([cut(pixels, *corner) for corner in corners]), np.array(corners), scale)


def whole(pixels: Pixels, centre: Point, side: float) -> Windows:
    """The same with one window for any face: a large one is scaled down until its rim is all that is lost."""
    pixels, seen, scale = _fitted(pixels, centre, side, _ONE_HOLDS * SIZE)
    height, width = pixels.shape[:2]
    left, top = (
        inside((low + high - SIZE) / 2, extent)
        for (low, high), extent in zip(seen.spans(), (width, height), strict=True)
    )
    return Windows(cut(pixels, left, top)[None], np.array([(left, top)]), scale)


def _fitted(pixels: Pixels, centre: Point, side: float, most: float) -> tuple[Pixels, Region, float]:
    """The photo scaled down, where the face with its context is longer than `most`; where that is; by how much."""
    height, width = pixels.shape[:2]
    seen = region(width, height, centre, side)
    scale = min(1.0, most / max(high - low for low, high in seen.spans()))
    if scale < 1.0:
        width, height = max(round(width * scale), 1), max(round(height * scale), 1)
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        seen = region(width, height, (centre[0] * scale, centre[1] * scale), side * scale)
    return pixels, seen, scale


def starts(span: tuple[float, float], extent: int) -> list[int]:
    """Where the windows begin along one axis: one about the middle of the span, or one at each of its ends."""
    low, high = span
    if high - low <= _ONE_HOLDS * SIZE:
        return [inside((low + high - SIZE) / 2, extent)]
    return [inside(low, extent), inside(high - SIZE, extent)]


def inside(start: float, extent: int) -> int:
    """The start nearest to a wanted one whose window lies in the photo; the photo is centred when it is smaller."""
    room = extent - SIZE
    return round(min(max(start, 0), room)) if room >= 0 else room // 2


def cut(pixels: Pixels, left: int, top: int) -> Pixels:
    """One window; what lies beyond the photo is its mirror image, so that no edge is made up."""
    height, width = pixels.shape[:2]
    part = pixels[max(top, 0) : top + SIZE, max(left, 0) : left + SIZE]
    if part.shape[:2] == (SIZE, SIZE):
        return part
    borders = (max(-top, 0), max(top + SIZE - height, 0), max(-left, 0), max(left + SIZE - width, 0))
    return np.asarray(cv2.copyMakeBorder(part, *borders, cv2.BORDER_REFLECT_101), np.uint8)


class Joined(NamedTuple):
    """One answer from the windows of a face.

    score: logit of forged. kinds: probabilities of `KINDS` [4]. cells: probability of forged by cell [ceil(height *
    scale / 8), ceil(width * scale / 8)] of the photo, NaN where no window looked, the mean where two did. far: root
    mean square of the coordinates among the training's windows, about 1 there.
    """

    score: float
    kinds: Floats
    cells: Floats
    far: float


def outputs(network: Network, seen: Windows) -> Outputs:
    """What the network says of the windows of a face. A single window is also shown as its mirror image: two looks err
    less than one, and several windows are several looks already.
    """
    if len(seen.pixels) > 1:
        return network(seen.pixels)
    both = network(np.concatenate([seen.pixels, seen.pixels[:, :, ::-1]]))
    as_it_is, mirrored = ({name: values[at : at + 1] for name, values in both.items()} for at in (0, 1))
    mirrored["map"] = mirrored["map"][:, :, ::-1]
    return {name: (as_it_is[name] + mirrored[name]) / 2 for name in as_it_is}


def joined(outputs: Outputs, seen: Windows, width: int, height: int) -> Joined:
    """One answer from the windows of a face.

    Args:
        outputs: of the network, for `seen.pixels`.
        width, height: of the upright photo.

    """
    logits = outputs["score"][:, 0].astype(np.float64)
    # Between the mean and the largest: a forgery that one window shows counts, four doubts do not add up to one.
    score = float(np.log(np.mean(np.exp(logits - logits.max()))) + logits.max())
    raised = np.exp(outputs["kind"] - outputs["kind"].max(axis=1, keepdims=True)).astype(np.float64)
    weight = np.exp(logits - logits.max())
    kinds = np.average(raised / raised.sum(axis=1, keepdims=True), axis=0, weights=weight)
    shape = (-(-round(height * seen.scale) // CELL), -(-round(width * seen.scale) // CELL))
    total, count = np.zeros(shape), np.zeros(shape)
    for (left, top), cells in zip(seen.corners.tolist(), outputs["map"], strict=True):
        # To the nearest cell: windows do not begin on the grid.
        row, column = round(top / CELL), round(left / CELL)
        rows = slice(max(row, 0), min(row + CELLS, shape[0]))
        columns = slice(max(column, 0), min(column + CELLS, shape[1]))
        shown = cells[rows.start - row : rows.stop - row, columns.start - column : columns.stop - column]
        total[rows, columns] += 1 / (1 + np.exp(-shown.astype(np.float64)))
        count[rows, columns] += 1
    far = float(np.sqrt(np.mean(outputs["domain"].astype(np.float64) ** 2)))
    return Joined(score, kinds, np.where(count > 0, total / np.maximum(count, 1), np.nan), far)
