"""What happens to a picture after it was made, forged or not: one pipeline, whose draws know nothing of the class.

A picture is resized, flipped, its colours and noise change, it is saved, and a window of it is cut. A forged picture
and its authentic partner go through the very same draw, so that between the two only the forgery differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from faceagent.geometry import Point
from faceagent.media import Pixels
from faceagent_finetune.nets.forensic.areas import Mask, Rng
from faceagent_finetune.nets.forensic.codec import Codec, saved
from faceagent_tools.forensics import windows
from faceagent_tools.forensics.windows import CELL, CELLS, SIZE, cut, inside, region

_LARGER = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
_SMALLER = (cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR)  # a plain one skips pixels: programs seldom do
_ROOM = 32  # pixels of the saved picture around a window of a large photo
_LEAST = 128  # a picture is not made smaller than this: the window would be mirror images for the most part
_GENTLE = 92  # quality of a JPEG that loses little
_JITTER = 24  # pixels by which a window about the whole face is off its middle


@dataclass(frozen=True)
class Strength:
    """Chances of each change and how far it goes; `[post]` of the recipe."""

    flip: float = 0.5
    resize: float = 0.45
    smallest: float = 0.4
    largest: float = 1.5
    colour: float = 0.4
    grey: float = 0.05
    blur: float = 0.12
    sharpen: float = 0.1  # as a photo program does: it must not count as a trace of a generator
    noise: float = 0.12
    as_source: float = 0.35  # saved in the way of its set
    unsaved: float = 0.08
    webp: float = 0.15
    lowest_quality: int = 40

    def eased(self, share: float) -> Strength:
        """So much of it: 0 leaves a picture nearly as it is, 1 changes nothing."""
        chances = ("resize", "colour", "grey", "blur", "sharpen", "noise")
        return replace(
            self,
            **{name: share * getattr(self, name) for name in chances},
            smallest=1 - share * (1 - self.smallest),
            lowest_quality=round(_GENTLE + share * (self.lowest_quality - _GENTLE)),
        )


@dataclass(frozen=True)
class Draw:
    """One way through the pipeline.

    place: where the window lies in the room there is, 0-1. noise: its seed and sigma.
    """

    flip: bool
    scale: float
    interpolation: int
    curve: npt.NDArray[np.uint8] | None
    grey: bool
    blur: float
    sharpen: float
    noise: tuple[int, float]
    codec: Codec
    place: tuple[float, float]


@dataclass(frozen=True)
class Window:
    """pixels: uint8 RGB [224, 224, 3]. cells: share of each cell that was changed [28, 28]. facts: what a cheat could
    read instead of the picture (see `Batch`)."""

    pixels: Pixels
    cells: Mask
    facts: dict[str, float]


def drawn(rng: Rng, codec: Codec, strength: Strength) -> Draw:
    """
    Args:
        codec: how the set's own photos were saved: name and quality.
    """
    resize = rng.random() < strength.resize
    scale = float(np.exp(rng.uniform(np.log(strength.smallest), np.log(strength.largest)))) if resize else 1.0
    return Draw(
        flip=bool(rng.random() < strength.flip),
        scale=scale,
        interpolation=int(rng.choice(_LARGER if scale > 1 else _SMALLER)),
        curve=_curve(rng) if rng.random() < strength.colour else None,
        grey=bool(rng.random() < strength.grey),
        blur=float(rng.uniform(0.4, 1.5)) if rng.random() < strength.blur else 0.0,
        sharpen=float(rng.uniform(0.3, 1.5)) if rng.random() < strength.sharpen else 0.0,
        noise=(int(rng.integers(2**31)), float(rng.uniform(0.5, 5.0)) if rng.random() < strength.noise else 0.0),
        codec=_codec(rng, codec, strength),
        place=(float(rng.random()), float(rng.random())),
    )


def _curve(rng: Rng) -> npt.NDArray[np.uint8]:
    ramp = np.linspace(0, 1, 256)[:, None]
    curve = (ramp ** np.exp(rng.normal(0, 0.2)) - 0.5) * np.exp(rng.normal(0, 0.15)) + 0.5
    curve = curve + rng.normal(0, 0.05) + rng.normal(0, 0.03, 3)
    return np.asarray(np.round(np.clip(curve, 0, 1) * 255).astype(np.uint8)[None])


def _codec(rng: Rng, usual: Codec, strength: Strength) -> Codec:
    chance, value = rng.random(), int(rng.integers(strength.lowest_quality, 99))
    if chance < strength.as_source:
        return usual
    if chance < strength.as_source + strength.unsaved:
        return ("none", 100)
    return ("webp" if chance < strength.as_source + strength.unsaved + strength.webp else "jpeg", value)


def through(pixels: Pixels, mask: Mask, centre: Point, side: float, draw: Draw) -> Window:
    """A picture and its mask through one draw.

    Args:
        centre, side: of dlib's square, where the window is to look.
    """
    pixels, mask, (x, y), side = _sized(pixels, mask, centre, side, draw)
    left, top = _corner(pixels.shape[1], pixels.shape[0], (x, y), side, draw.place)
    # What is saved is the picture, or of a large one the part that matters, on the codec's own grid.
    x0, y0 = (max((start - _ROOM) // 16 * 16, 0) for start in (left, top))
    part = (slice(y0, y0 + SIZE + 3 * _ROOM), slice(x0, x0 + SIZE + 3 * _ROOM))
    extent = pixels.shape
    kept, weight = saved(_changed(np.ascontiguousarray(pixels[part]), draw), draw.codec)
    facts = {"bytes": weight, "quality": draw.codec[1], "width": extent[1], "height": extent[0]}
    cells = _cut_mask(mask[part], left - x0, top - y0)
    return Window(cut(kept, left - x0, top - y0), cells, facts)


def whole(pixels: Pixels, mask: Mask, centre: Point, side: float, draw: Draw) -> Window:
    """The same, seen as a whole: `windows.whole` of the saved picture."""
    pixels, mask, centre, side = _sized(pixels, mask, centre, side, draw)
    height, width = pixels.shape[:2]
    kept, weight = saved(_changed(pixels, draw), draw.codec)
    facts = {"bytes": weight, "quality": draw.codec[1], "width": width, "height": height}
    seen = windows.whole(kept, centre, side)
    size = (max(round(width * seen.scale), 1), max(round(height * seen.scale), 1))
    left, top = seen.corners[0].tolist()
    cells = _cut_mask(np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA)), left, top)
    return Window(seen.pixels[0], cells, facts)


def _sized(pixels: Pixels, mask: Mask, centre: Point, side: float, draw: Draw) -> tuple[Pixels, Mask, Point, float]:
    """Mirrored and resized as the draw wants."""
    x, y = centre
    if draw.flip:
        pixels, mask, x = (
            np.ascontiguousarray(pixels[:, ::-1]),
            np.ascontiguousarray(mask[:, ::-1]),
            pixels.shape[1] - x,
        )
    scale = max(draw.scale, min(_LEAST / min(pixels.shape[:2]), 1.0))
    if scale != 1.0:
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=draw.interpolation), np.uint8)
        mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))
        x, y, side = x * scale, y * scale, side * scale
    return pixels, mask, (x, y), side


def _corner(width: int, height: int, centre: Point, side: float, place: tuple[float, float]) -> tuple[int, int]:
    """Anywhere in a region larger than the window; about its middle otherwise."""
    corner = []
    for (low, high), extent, share in zip(
        region(width, height, centre, side).spans(), (width, height), place, strict=True
    ):
        room, middle = high - low - SIZE, (low + high - SIZE) / 2
        reach = max(room / 2, _JITTER)
        corner.append(inside(middle + reach * (2 * share - 1), extent))
    return corner[0], corner[1]


def _changed(pixels: Pixels, draw: Draw) -> Pixels:
    if draw.curve is not None:
        pixels = np.asarray(cv2.LUT(pixels, draw.curve), np.uint8)
    if draw.grey:
        pixels = np.asarray(cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)
    if draw.blur:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), draw.blur), np.uint8)
    if draw.sharpen:
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.2)
        pixels = np.asarray(cv2.addWeighted(pixels, 1 + draw.sharpen, soft, -draw.sharpen, 0), np.uint8)
    seed, sigma = draw.noise
    if sigma:
        grain = np.random.default_rng(seed).standard_normal(pixels.shape[:2], np.float32)[:, :, None]
        pixels = np.clip(np.round(pixels + sigma * grain), 0, 255).astype(np.uint8)
    return pixels


def _cut_mask(mask: Mask, left: int, top: int) -> Mask:
    """The window's part of the mask by cells [28, 28]; what lies beyond the photo mirrors it as the pixels do."""
    height, width = mask.shape
    part = mask[max(top, 0) : top + SIZE, max(left, 0) : left + SIZE]
    borders = (max(-top, 0), max(top + SIZE - height, 0), max(-left, 0), max(left + SIZE - width, 0))
    if any(borders):
        part = np.asarray(cv2.copyMakeBorder(part, *borders, cv2.BORDER_REFLECT_101))
    return np.asarray(part.reshape(CELLS, CELL, CELLS, CELL).mean(axis=(1, 3)), np.float32)
