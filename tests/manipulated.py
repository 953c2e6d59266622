"""Photos with a manipulation that a forensic signal has to see."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from faceagent.media import Pixels
from faceagent_tools.forensics import view
from faceagent_tools.forensics.view import Floats

Change = Callable[[Pixels], npt.NDArray[Any]]


def inside(pixels: Pixels, points: Floats, change: Change) -> Pixels:
    """The photo with its face changed: pixels [H, W, 3] -> pixels of the same size."""
    mask = view.filled(view.oval(points), pixels.shape)[:, :, None]
    changed = np.clip(np.rint(change(pixels)), 0, 255).astype(np.uint8)
    return np.where(mask == 1, changed, pixels).astype(np.uint8)


def jpeg(pixels: Pixels, quality: int, orientation: int = 1) -> bytes:
    """A file of pixels as they lie in it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, exif=exif)
    return buffer.getvalue()


def recompressed(quality: int, down: int = 0, right: int = 0) -> Change:
    """Through JPEG, on a grid that lies so many pixels further down and to the right."""

    def change(pixels: Pixels) -> Pixels:
        moved = np.roll(pixels, (-down, -right), axis=(0, 1))
        through = np.asarray(Image.open(io.BytesIO(jpeg(np.ascontiguousarray(moved), quality))))
        return np.roll(through, (down, right), axis=(0, 1))

    return change
