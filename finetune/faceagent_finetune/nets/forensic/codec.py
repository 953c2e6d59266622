"""Pictures as files: encoded, decoded, and both."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from faceagent.media import Pixels

Codec = tuple[str, int]
"""jpeg, webp or none, and the quality 1-100."""


def decoded(file: npt.NDArray[Any]) -> Pixels:
    """uint8 RGB of the bytes of a file."""
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB), np.uint8)


def saved(pixels: Pixels, codec: Codec) -> tuple[Pixels, int]:
    """A picture as a reader of its file sees it, and the bytes of the file."""
    name, quality = codec
    if name == "none":
        return pixels, pixels.size
    if name == "webp":
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(
            buffer, "WEBP", quality=quality, method=1
        )  # OpenCV's way takes three times as long
        file = np.frombuffer(buffer.getvalue(), np.uint8)
    else:
        turned = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        file = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return decoded(file), int(file.size)
