"""Miniatures of sets in the layouts of their authors: real photos, re-saved, with labels made up."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageOps

EXAMPLES = Path(__file__).parents[1] / "examples"
_CROPS = ((0, 0, 300, 300), (60, 0, 360, 300), (120, 0, 420, 300), (90, 30, 330, 270), (40, 10, 340, 310))


@functools.cache
def photo(number: int, suffix: str = "JPEG", side: int = 96) -> bytes:
    """One of many crops of two real photos, mirrored or in another light: no two have like perceptual hashes."""
    whole = Image.fromarray(skimage.data.astronaut()) if number % 2 else Image.open(EXAMPLES / "group.jpg")
    part = whole.crop(_CROPS[number // 2 % len(_CROPS)]).resize((side, side))
    pattern = np.random.default_rng(number).integers(0, 256, (5, 5, 3), np.uint8)
    light = Image.fromarray(pattern).resize((side, side), Image.Resampling.BICUBIC)
    shown = Image.blend(ImageOps.mirror(part) if number % 3 else part, light, 0.6)
    buffer = io.BytesIO()
    shown.save(buffer, suffix)
    return buffer.getvalue()


def put(file: Path, number: int) -> None:
    """A photo where a set has one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(photo(number))


def lines(file: Path, rows: Sequence[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")


def film(file: Path, frames: Sequence[np.ndarray]) -> None:
    """A video of these frames."""
    import av  # an extra that the tests of photos do without

    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w", format="mp4" if file.suffix.lower() == ".mp4" else None) as container:
        stream = container.add_stream("mpeg4", rate=20)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 8_000_000
        for pixels in frames:
            shown = np.ascontiguousarray(pixels[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(stream.encode())
