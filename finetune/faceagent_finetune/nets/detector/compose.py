"""Training pictures: photos and cut-outs at every size, lean and crowding on places without a face.

What is pasted is as often a place without a face as one with a face, with the same edges, so that a pasted edge tells
nothing. A face counts (`FACE`) where YuNet is sure of it and most of it shows; one that YuNet is not sure of, that is
mostly covered, very small or lying is neither face nor background (`IGNORE`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceagent_finetune.nets.detector import labels
from faceagent_finetune.nets.detector.backgrounds import Backgrounds
from faceagent_finetune.nets.detector.labels import PhotoSet

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
FACE, IGNORE = 1, 0
MIRROR = [1, 0, 2, 4, 3]  # of the five points: eyes, nose tip, mouth corners

_SHOWN, _GONE = 0.6, 0.1  # share of a box: from the first a face counts, below the second it is background
_LYING = 60.0  # degrees
_SMALLEST = 9.0  # px
_ALONE = 110.0  # px: photos with faces of at least this size stand alone


@dataclass(frozen=True)
class Plan:
    """`[compose]` of the recipe. Shares of pictures and chances of each change; sizes in pixels.

    whole: pictures of photos as they are; empty: pictures without a face; else a scene with many pasted parts.
    """

    whole: float = 0.55
    empty: float = 0.12
    smallest: float = 11.0
    largest: float = 290.0
    most: int = 18  # parts with a face in a scene
    grey: float = 0.15
    colour: float = 0.6
    dark: float = 0.08
    low_resolution: float = 0.12
    blur: float = 0.1
    noise: float = 0.1
    jpeg: float = 0.35


@dataclass
class Canvas:
    """A picture in the making.

    pixels: uint8 RGB [S, S, 3]. Of each face: box [4], points [5, 2], kind, and the share of it that shows.
    """

    pixels: Pixels
    boxes: list[Floats] = field(default_factory=list)
    points: list[Floats] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)

    def cover(self, mask: Pixels, left: int, top: int) -> None:
        """Something was put over it: take its share from the faces below. mask: uint8, 255 where it covers."""
        for place, box in enumerate(self.boxes):
            self.shown[place] -= _share(mask, box - [left, top, left, top])

    def finished(self) -> tuple[Floats, Floats, npt.NDArray[np.int8]]:
        """Boxes [M, 4], points [M, 5, 2] and kinds [M] of what is left to see."""
        kept = [place for place, shown in enumerate(self.shown) if shown > _GONE]
        kinds = [self.kinds[place] if self.shown[place] >= _SHOWN else IGNORE for place in kept]
        boxes = np.array([self.boxes[place] for place in kept]).reshape(-1, 4)
        points = np.array([self.points[place] for place in kept]).reshape(-1, 5, 2)
        return boxes, points, np.array(kinds, np.int8)


def _share(mask: Pixels, box: Floats) -> float:
    """Share of a box that lies under a mask."""
    area = float(np.prod(box[2:] - box[:2]))
    x0, y0 = np.maximum(box[:2], 0).astype(int)
    x1, y1 = np.minimum(box[2:], mask.shape[1::-1]).astype(int)
    if x1 <= x0 or y1 <= y0 or area <= 0:
        return 0.0
    return cv2.countNonZero(mask[y0:y1, x0:x1]) / area


@dataclass(frozen=True)
class Part:
    """What is pasted. window: x0, y0, x1, y1 of the pixels; faces in pixels of it, with YuNet's scores."""

    pixels: Pixels
    window: Floats
    boxes: Floats
    points: Floats
    scores: Floats


class Composer:
    """Makes pictures.

    Args:
        sets, shares: photo sets and how often a face comes from each.
    """

    def __init__(self, sets: Sequence[PhotoSet], shares: Sequence[float], plan: Plan) -> None:
        self._sets, self._shares, self._plan = sets, np.array(shares) / sum(shares), plan
        self._sure = [
            np.flatnonzero((one.scores >= labels.FACE) & (one.part[one.photo] == labels.TRAIN)) for one in sets
        ]
        # A large photo shows more of the world around the face: whole ones are taken more often from large ones.
        spread = self._shares * [np.prod(one.photos.shape[1:3]) ** 0.5 for one in sets]
        self._whole_shares = spread / spread.sum()
        self._backgrounds = Backgrounds(sets)

    @property
    def faces(self) -> int:
        return sum(rows.size for rows in self._sure)

    def picture(self, rng: np.random.Generator, side: int) -> Canvas:
        """One picture [side, side, 3] with its faces."""
        kind = rng.random()
        if kind < self._plan.whole:
            canvas = self._whole(rng, side)
        else:
            canvas = self._scene(rng, side, 0 if kind < self._plan.whole + self._plan.empty else self._plan.most)
        canvas.pixels = spoilt(canvas.pixels, rng, self._plan)
        return canvas

    def _whole(self, rng: np.random.Generator, side: int) -> Canvas:
        """One photo, perhaps beyond the edges, perhaps on a frame; small ones are not alone."""
        chance = rng.random()
        if chance < 0.4:
            ground = np.zeros((side, side, 3), np.uint8)  # as the detector pads
        elif chance < 0.6:
            ground = np.full((side, side, 3), rng.integers(0, 256, 3), np.uint8)
        else:
            ground = self._backgrounds.canvas(rng, side)
        canvas = Canvas(ground)
        size = _log_uniform(rng, 3 * self._plan.smallest, self._plan.largest)
        for _ in range(max(1, min(6, round((_ALONE / size) ** 2)))):
            part, face = self._part(rng, 3)
            degrees = float(rng.normal(0, 8)) if rng.random() < 0.5 else 0.0
            self._paste(canvas, part, face, size * float(np.exp(rng.normal(0, 0.15))), degrees, rng, 0.0)
        return canvas

    def _scene(self, rng: np.random.Generator, side: int, most: int) -> Canvas:
        canvas = Canvas(self._backgrounds.canvas(rng, side))
        faces = int(min(rng.geometric(0.15), most))
        others = int(min(rng.geometric(0.2), 16))
        crowd = _log_uniform(rng, self._plan.smallest, 90) if rng.random() < 0.4 else None
        for is_face in rng.permutation([True] * faces + [False] * others):
            size = _log_uniform(rng, self._plan.smallest, 0.9 * self._plan.largest)
            if crowd is not None:
                size = float(np.clip(crowd * np.exp(rng.normal(0, 0.25)), self._plan.smallest, self._plan.largest))
            part, face = self._part(rng, int(rng.integers(4))) if is_face else self._faceless(rng)
            self._paste(canvas, part, face, size, _lean(rng), rng, 0.4)
        return canvas

    def _part(self, rng: np.random.Generator, width: int) -> tuple[Part, Floats]:
        """A face and what is around it: the face itself, the head, the bust or all of the photo (width 0 to 3)."""
        shares = self._whole_shares if width == 3 else self._shares
        which = int(rng.choice(len(self._sets), p=shares))
        photos = self._sets[which]
        row = int(self._sure[which][rng.integers(self._sure[which].size)])
        photo = int(photos.photo[row])
        boxes, points, scores = photos.faces(photo)
        pixels = photos.photos[photo]
        box = photos.boxes[row].astype(np.float64)
        window = np.array([0.0, 0.0, pixels.shape[1], pixels.shape[0]])
        if width < 3:
            low, high = ((0.02, 0.2), (0.25, 0.6), (0.6, 1.5))[width]
            grown = (box[2:] - box[:2])[[0, 1, 0, 1]] * rng.uniform(low, high, 4) * [-1, -1, 1, 1]
            window = np.clip(box + grown, 0, window[[2, 3, 2, 3]])
        return Part(pixels, window, boxes.astype(np.float64), points.astype(np.float64), scores.astype(np.float64)), box

    def _faceless(self, rng: np.random.Generator) -> tuple[Part, Floats]:
        """A place without a face, a small part of a face, or a face whose parts have changed places."""
        chance = rng.random()
        if chance < 0.7:
            pixels = self._backgrounds.patch(rng)
        else:
            part, box = self._part(rng, 0)
            x0, y0, x1, y1 = np.clip(box, 0, part.pixels.shape[1::-1] * 2).astype(int)
            pixels = part.pixels[y0 : max(y1, y0 + 12), x0 : max(x1, x0 + 12)]
            pixels = _shuffled(pixels, rng) if chance < 0.82 else _detail(pixels, rng)
        high, wide = pixels.shape[:2]
        window = np.array([0.0, 0.0, wide, high])
        middle = window * 0.5 + np.array([wide, high, wide, high]) * 0.25
        nothing = np.empty(0)
        return Part(pixels, window, nothing.reshape(0, 4), nothing.reshape(0, 5, 2), nothing), middle

    def _paste(
        self,
        canvas: Canvas,
        part: Part,
        face: Floats,
        size: float,
        degrees: float,
        rng: np.random.Generator,
        soft: float,
    ) -> None:
        """Put a part on the canvas so that `face` is `size` large there; soft: chance that its outline is not hard."""
        side = canvas.pixels.shape[0]
        scale = size / math.sqrt(max(float(np.prod(face[2:] - face[:2])), 1.0))
        pixels, shrunk = part.pixels, 1.0
        if scale < 0.6:  # first by area, else the warp would skip pixels
            shrunk = scale
            wide, high = (max(round(length * shrunk), 2) for length in pixels.shape[1::-1])
            pixels = np.asarray(cv2.resize(pixels, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)
        mirrored = bool(rng.random() < 0.5)
        matrix = _map(face, scale, degrees, mirrored, _target(rng, side, size))
        left, top, right, bottom = _extent(part.window, matrix, side)
        if right - left < 4 or bottom - top < 4:
            return
        local = np.column_stack([matrix[:, :2] / shrunk, matrix[:, 2] - [left, top]])
        local[:, 2] += local[:, :2] @ [0.5, 0.5] - 0.5  # OpenCV puts pixel centres at whole numbers, we at halves
        shape = (right - left, bottom - top)
        patch = np.asarray(
            cv2.warpAffine(pixels, local, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        is_soft = bool(rng.random() < soft)
        mask = _outline(part.window, matrix, (left, top), shape, is_soft and bool(rng.random() < 0.7))
        ground = canvas.pixels[top:bottom, left:right]
        if is_soft:
            blurred = cv2.GaussianBlur(mask, (0, 0), max(size * rng.uniform(0.01, 0.08), 0.5))
            alpha = np.asarray(blurred, np.float32)[:, :, None] / 255
            ground[:] = (ground + (patch - ground.astype(np.float32)) * alpha).astype(np.uint8)
        else:
            cv2.copyTo(patch, mask, ground)
        canvas.cover(mask, left, top)
        self._note(canvas, part, matrix, scale, degrees, mirrored, mask, (left, top))

    def _note(
        self,
        canvas: Canvas,
        part: Part,
        matrix: Floats,
        scale: float,
        degrees: float,
        mirrored: bool,
        mask: Pixels,
        corner: tuple[int, int],
    ) -> None:
        """Enter the faces of a part that was pasted."""
        for box, points, score in zip(part.boxes, part.points, part.scores, strict=True):
            moved = moved_box(box, matrix, scale, degrees)
            marks = points @ matrix[:, :2].T + matrix[:, 2]
            size = math.sqrt(max(float(np.prod(moved[2:] - moved[:2])), 0.0))
            clear = score >= labels.FACE and abs(degrees) < _LYING and size >= _SMALLEST
            canvas.boxes.append(moved)
            canvas.points.append(marks[MIRROR] if mirrored else marks)
            canvas.kinds.append(FACE if clear else IGNORE)
            # Where a face fills the photo its box reaches beyond: what was never there is not covered.
            photo = np.array([0.0, 0.0, *part.pixels.shape[1::-1]])
            inside = np.minimum(box[2:], photo[2:]) - np.maximum(box[:2], photo[:2])
            there = float(np.prod(np.maximum(inside, 0))) / max(float(np.prod(box[2:] - box[:2])), 1e-6)
            canvas.shown.append(_share(mask, moved - [*corner, *corner]) / max(there, 0.5))


def moved_box(box: Floats, matrix: Floats, scale: float, degrees: float) -> Floats:
    """Where a box goes: that of the ellipse within it, which grows less with the angle than that of its corners."""
    x, y = matrix[:, :2] @ ((box[:2] + box[2:]) / 2) + matrix[:, 2]
    wide, high = (box[2:] - box[:2]) * scale / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    half_wide, half_high = math.hypot(wide * cos, high * sin), math.hypot(wide * sin, high * cos)
    return np.array([x - half_wide, y - half_high, x + half_wide, y + half_high])


def _map(face: Floats, scale: float, degrees: float, mirrored: bool, target: Floats) -> Floats:
    """[2, 3]: the middle of a face goes to the target."""
    cos, sin = math.cos(math.radians(degrees)) * scale, math.sin(math.radians(degrees)) * scale
    turn = np.array([[cos, -sin], [sin, cos]])
    if mirrored:
        turn = turn @ np.diag([-1.0, 1.0])
    return np.column_stack([turn, target - turn @ ((face[:2] + face[2:]) / 2)])


def _target(rng: np.random.Generator, side: int, size: float) -> Floats:
    """Anywhere, a little beyond the edges now and then; large ones nearer to the middle."""
    room = min(max(0.5 * side - 0.35 * size, 0.0), 0.5 * side)
    return np.asarray(side / 2 + rng.uniform(-1, 1, 2) * room)


def _corners(window: Floats) -> Floats:
    x0, y0, x1, y1 = window
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _extent(window: Floats, matrix: Floats, side: int) -> tuple[int, int, int, int]:
    """left, top, right, bottom of a moved window, on the canvas."""
    moved = _corners(window) @ matrix[:, :2].T + matrix[:, 2]
    left, top = np.clip(np.floor(moved.min(axis=0)), 0, side).astype(int)
    right, bottom = np.clip(np.ceil(moved.max(axis=0)), 0, side).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _outline(window: Floats, matrix: Floats, corner: tuple[int, int], shape: tuple[int, int], oval: bool) -> Pixels:
    """uint8 [H, W], 255 within the moved window or the ellipse in it."""
    if oval:
        angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        middle, half = (window[:2] + window[2:]) / 2, (window[2:] - window[:2]) / 2
        outline = middle + half * np.column_stack([np.cos(angles), np.sin(angles)])
    else:
        outline = _corners(window)
    moved = outline @ matrix[:, :2].T + matrix[:, 2] - corner
    mask = np.zeros(shape[::-1], np.uint8)
    cv2.fillConvexPoly(mask, np.round(moved).astype(np.int32), 255)
    return mask


def _lean(rng: np.random.Generator) -> float:
    chance = rng.random()
    if chance < 0.7:
        return float(np.clip(rng.normal(0, 12), -30, 30))
    return float(rng.uniform(-50, 50) if chance < 0.95 else rng.uniform(-180, 180))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _shuffled(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The quarters or ninths of a picture in another order."""
    count = int(rng.integers(2, 4))
    high, wide = (length // count for length in pixels.shape[:2])
    tiles = [pixels[high * r : high * (r + 1), wide * c : wide * (c + 1)] for r in range(count) for c in range(count)]
    # None stays: in halves that only changed sides a face could still be seen.
    order = np.roll(np.arange(count * count), int(rng.integers(1, count * count)))
    rows = [np.concatenate([tiles[k] for k in row], axis=1) for row in order.reshape(count, count)]
    return np.ascontiguousarray(np.concatenate(rows, axis=0))


def _detail(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A part of a face too small to be one."""
    high, wide = (max(int(length * rng.uniform(0.2, 0.38)), 4) for length in pixels.shape[:2])
    top, left = rng.integers(0, pixels.shape[0] - high + 1), rng.integers(0, pixels.shape[1] - wide + 1)
    return np.ascontiguousarray(pixels[top : top + high, left : left + wide])


def spoilt(pixels: Pixels, rng: np.random.Generator, plan: Plan) -> Pixels:
    """Grey, colours, darkness, low resolution, blur, noise and JPEG, each by its own chance."""
    made: npt.NDArray[Any] = pixels
    side = pixels.shape[0]
    if rng.random() < plan.grey:
        made = cv2.cvtColor(cv2.cvtColor(made, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < plan.low_resolution:
        small = int(rng.uniform(0.35, 0.8) * side)
        made = cv2.resize(cv2.resize(made, (small, small), interpolation=cv2.INTER_AREA), (side, side))
    if rng.random() < plan.blur:
        made = cv2.GaussianBlur(made, (0, 0), float(rng.uniform(0.5, 2.0)))
    if rng.random() < plan.colour:
        ramp = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.normal(0, 0.25))
        curve = (ramp - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.07) + rng.normal(0, 0.04, 3)
        if rng.random() < plan.dark:
            curve = curve * rng.uniform(0.15, 0.5)
        made = cv2.LUT(made, (np.clip(curve, 0, 1) * 255).astype(np.uint8)[None])
    if rng.random() < plan.noise:
        grain = rng.standard_normal((side, side, 1), np.float32) * rng.uniform(2, 14)
        made = np.clip(made + grain, 0, 255).astype(np.uint8)
    if rng.random() < plan.jpeg:
        packed = cv2.imencode(".jpg", made, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))])[1]
        made = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return np.asarray(made, np.uint8)
