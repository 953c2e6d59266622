"""Frames of videos that a set labels by number."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from faceagent.errors import MediaError
from faceagent.media import Photo
from faceagent.video import opened


class Frames:
    """The frames of a video, one after the other. next: the number of the one that comes next, from 1."""

    def __init__(self, path: Path) -> None:
        self.path, self.next = path, 1

    @cached_property
    def _left(self) -> Iterator[Photo]:
        return self._decoded()

    def _decoded(self) -> Iterator[Photo]:
        with opened(self.path) as container:
            for frame in container.decode(video=0):
                pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                yield Photo.open(pixels, name=f"{self.path.name}, frame {self.next}")

    def take(self, number: int) -> Photo:
        """The frame of that number, which must not have passed.

        Raises:
            MediaError: the video ends before, is missing, or cannot be read.
            MissingExtra: the extra `video` is not installed.
        """
        for photo in self._left:
            self.next += 1
            if self.next > number:
                return photo
        raise MediaError(f"{self.path.name} ends before frame {number}")
