"""Many files: names, folders and patterns into photos and videos opened one at a time, or a Failure for each.

One bad file never stops the rest, and never goes missing.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from faceagent.errors import FaceAgentError, MediaError, MissingExtra, UsageError
from faceagent.media import Limits, Photo
from faceagent.types import Failure
from faceagent.video import Video, take

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
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".flv", ".ogv", ".wmv"},
)


def expand(inputs: Sequence[str]) -> list[Path]:
    """The files that inputs name, in order and once each.

    Args:
        inputs: files, folders (searched through, by suffix), or glob patterns ("press/**/*.jpg").

    Raises:
        UsageError: a folder or pattern holds nothing to examine. (A named file that does not exist is kept: it
            fails by itself.)
    """
    found: dict[Path, None] = {}
    for given in inputs:
        found.update(dict.fromkeys(_files(given)))
    return list(found)


def _files(given: str) -> Iterable[Path]:
    path = Path(given)
    if path.is_dir():
        found = sorted(item for item in path.rglob("*") if is_media(item))
        if not found:
            endings = ", ".join(sorted(PHOTO_SUFFIXES | VIDEO_SUFFIXES))
            raise UsageError(f"The folder {given} holds no photo and no video", f"They end in {endings}")
        return found
    if glob.has_magic(given) and not path.exists():
        # Path.glob knows only patterns relative to a folder.
        found = sorted(item for name in glob.iglob(given, recursive=True) if is_media(item := Path(name)))  # noqa: PTH207
        if not found:
            raise UsageError(f"No photo and no video matches {given}", "Check the pattern, and put it in quotes")
        return found
    return [path]


def is_media(path: Path) -> bool:
    """Whether a file is a photo or a video by its suffix, and not hidden."""
    return has_media_name(path.name) and path.is_file()


def has_media_name(name: str) -> bool:
    """Whether a name, without its folder, is that of a photo or a video, and not hidden."""
    return Path(name).suffix.lower() in PHOTO_SUFFIXES | VIDEO_SUFFIXES and not name.startswith(".")


def media(paths: Iterable[Path], limits: Limits | None = None) -> Iterator[Photo | Video | Failure]:
    """Open files one at a time."""
    for path in paths:
        yield attempt(str(path), partial(take, path, limits))


def attempt(name: str, opening: Callable[[], Photo | Video]) -> Photo | Video | Failure:
    """What `opening` opens, or why the file of this name cannot be used."""
    try:
        return opening()
    except (MediaError, MissingExtra) as error:
        return failure(name, error)


def failure(name: str, error: FaceAgentError) -> Failure:
    """Why the file of this name cannot be used, for a report."""
    return Failure(name=name, message=f"{error.message}.", mend=f"{error.mend}." if error.mend else None)
