"""A photo that is known to be authentic or forged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Suffixes of files that are taken for photos."""


def pictures(folder: Path) -> list[Path]:
    """The photos below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.casefold() in PICTURES)


@dataclass(frozen=True)
class Item:
    """One photo.

    set: what it came with; forgeries are held against the authentic photos of their own set. generator: what made it,
    "" for an authentic photo. split: "test", "val", "calibration" for a val photo that the stack was fitted on, or "".
    group: video, person or photo: what is not independent of one another. frame: the group is a video.
    people: what the set says of the person shown, as pairs such as ("gender", "female").
    """

    name: str
    photo: Path | bytes
    set: str
    generator: str
    split: str
    group: str
    frame: bool = False
    people: tuple[tuple[str, str], ...] = ()

    @property
    def forged(self) -> bool:
        return bool(self.generator)
