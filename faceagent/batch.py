"""Many files: names, folders and patterns into photos opened one at a time, with a Failure for each that cannot be.

One bad file never stops the rest, and never goes missing.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from faceagent.errors import MediaError, MissingExtra, UsageError
from faceagent.media import Limits, Photo
from faceagent.types import Failure

# By suffix only inside folders and patterns, where most files are something else; a file that is named is always tried.
PHOTO_SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".ppm",
        ".avif",
        ".heic",
        ".heif",
    }
)


def expand(inputs: Sequence[str]) -> list[Path]:
    """The files that inputs name, in order and once each.

    Args:
        inputs: files, folders (searched through, photos by suffix), or glob patterns ("press/**/*.jpg").

    Raises:
        UsageError: a folder or pattern holds no photo. (A named file that does not exist is kept: it fails by itself.)
    """
    found: dict[Path, None] = {}
    for given in inputs:
        found.update(dict.fromkeys(_files(given)))
    return list(found)


def _files(given: str) -> Iterable[Path]:
    path = Path(given)
    if path.is_dir():
        photos = sorted(item for item in path.rglob("*") if _is_photo(item))
        if not photos:
            raise UsageError(f"The folder {given} holds no photo", f"Photos end in {', '.join(sorted(PHOTO_SUFFIXES))}")
        return photos
    if glob.has_magic(given) and not path.exists():
        # Path.glob knows only patterns relative to a folder.
        photos = sorted(item for name in glob.iglob(given, recursive=True) if _is_photo(item := Path(name)))  # noqa: PTH207
        if not photos:
            raise UsageError(f"No photo matches {given}", "Check the pattern, and put it in quotes")
        return photos
    return [path]


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES and path.is_file() and not path.name.startswith(".")


def photos(paths: Iterable[Path], limits: Limits | None = None) -> Iterator[Photo | Failure]:
    """Open files one at a time."""
    for path in paths:
        try:
            yield Photo.open(path, limits=limits)
        except (MediaError, MissingExtra) as error:
            yield Failure(name=str(path), message=error.message + ".", mend=f"{error.mend}." if error.mend else None)
