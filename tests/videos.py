"""Videos made for tests: each frame says in its brightness which one it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np

from faceagent.media import Photo
from faceagent.video import Video

RATE = 25


def made(
    path: Path,
    frames: int = 100,
    gop: int = 25,
    size: tuple[int, int] = (64, 48),
    rate: int = RATE,
    sound: bool = False,
    codec: str = "mpeg4",
    says: Mapping[str, str] | None = None,
    track: Mapping[str, str] | None = None,
) -> Path:
    """A video whose frame k is grey of level 2k, its upper half brighter by 40.

    says, track: metadata of the container and of the picture track.
    """
    # So that MP4 and QuickTime keep keys that FFmpeg does not know.
    options = {"movflags": "use_metadata_tags"} if says and path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options=options) as container:
        container.metadata.update(says or {})
        stream = container.add_stream(codec, rate=rate, options={"g": str(gop), "qscale": "1", "bf": "0"})
        stream.metadata.update(track or {})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.gop_size = gop
        voice = container.add_stream("aac", rate=8000) if sound else None
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 2 * number % 200, np.uint8)
            picture[: size[1] // 2] += 40
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
        if voice is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 8000
            container.mux(voice.encode(silence))
            container.mux(voice.encode())
    return path


def panned(photo: Photo, path: Path, frames: int = 30) -> Video:
    """A short video that moves slowly over a photo."""
    width, height = (side // 16 * 16 - 32 for side in (photo.width, photo.height))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=15, options={"qscale": "2"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            shift = number % 16
            cut = np.ascontiguousarray(photo.pixels[shift : shift + height, shift : shift + width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(cut, format="rgb24")))
        container.mux(stream.encode())
    return Video.open(path)


def damaged(path: Path, low: float, high: float) -> Path:
    """The same file with noise from one share of its bytes to another."""
    raw = bytearray(path.read_bytes())
    first, last = round(len(raw) * low), round(len(raw) * high)
    raw[first:last] = np.random.default_rng(0).integers(0, 256, last - first, np.uint8).tobytes()
    path.write_bytes(raw)
    return path
