"""A conversation as a file: JSON with everything that was said and measured, without the photos themselves.

The photos and videos stay where they are. Their paths and SHA-256 are in the file; when a conversation is taken up
again they are opened anew and must be the very same. Embeddings are never stored. The file is not signed: whoever can
write to it can change what was said and measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from faceagent.errors import MediaError, UsageError, first_fault
from faceagent.files import write_whole
from faceagent.media import Limits, Photo
from faceagent.types import Evidence, Face, Frozen, Named, Turn
from faceagent.video import Frame, Video


class SavedFile(Frozen):
    """A photo or video that was handed in. path: absolute."""

    id: str = Field(pattern=r"^(image|video) \d+$")
    name: Named
    path: Named
    sha256: str


class SavedStill(Frozen):
    """A frame taken out of a video, known again by the SHA-256 of its pixels."""

    id: str = Field(pattern=r"^image \d+$")
    video: str
    sha256: str


class Saved(Frozen):
    """A conversation.

    taken_in, illustrated, outputs: how many ids were given to photos, pictures and files made, so that none is given
    twice.
    """

    conversation: Literal["1"] = "1"
    """Version of this form."""
    purpose: str | None
    photos: tuple[SavedFile, ...]
    videos: tuple[SavedFile, ...]
    stills: tuple[SavedStill, ...]
    looked_at: tuple[str, ...]
    """Videos that were examined, with or without stills."""
    faces: dict[str, tuple[Face, ...]]
    evidence: tuple[Evidence, ...]
    turns: tuple[Turn, ...]
    taken_in: int
    illustrated: int
    outputs: int


def write(saved: Saved, path: Path) -> None:
    """Write the file whole or not at all, readable by its owner alone.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        write_whole(path, saved.model_dump_json(indent=1).encode("utf-8"), private=True)
    except OSError as error:
        raise UsageError(
            f"The conversation cannot be written to {path} ({error.strerror})", "Choose another place"
        ) from error


def read(path: Path) -> Saved:
    """Read a file that `write` made.

    Raises:
        MediaError: it is missing, damaged, of another version, or no conversation at all.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise MediaError(f"There is no conversation at {path}", "Check the path") from None
    except OSError as error:
        raise MediaError(f"The conversation at {path} cannot be read ({error.strerror})", "Check the path") from error
    try:
        saved = Saved.model_validate_json(text)
    except ValidationError as error:
        raise MediaError(
            f"{path} is not a conversation that this version can take up ({first_fault(error)})", "Begin a new one"
        ) from error
    if [row.id for row in saved.evidence] != [f"e{number}" for number in range(1, len(saved.evidence) + 1)]:
        raise MediaError(f"{path} is damaged: its evidence is not complete", "Begin a new conversation")
    return saved


def photo(saved: SavedFile, limits: Limits) -> Photo:
    """Open a photo again.

    Raises:
        MediaError: it is gone, damaged, or not the same any more.
    """
    _present(saved)
    opened = Photo.open(Path(saved.path), name=saved.name, limits=limits)
    _same(saved, opened.sha256)
    return opened


def video(saved: SavedFile, limits: Limits) -> Video:
    """Open a video again.

    Raises:
        MediaError: it is gone, damaged, or not the same any more.
    """
    _present(saved)
    opened = Video.open(saved.path, limits=limits)
    _same(saved, opened.sha256)
    return opened


def stills(opened: Video, wanted: tuple[SavedStill, ...]) -> tuple[Photo, ...]:
    """Decode the frames again that were taken out of a video, in the order in which they are wanted.

    Raises:
        MediaError: one of them does not come out the same.
    """
    hashes = {still.sha256 for still in wanted}
    found: dict[str, Photo] = {}
    for item in opened.sample() if hashes else ():
        if isinstance(item, Frame) and item.photo.sha256 in hashes:
            found.setdefault(item.photo.sha256, item.photo)
        if len(found) == len(hashes):
            break
    if len(found) < len(hashes):
        raise MediaError(
            f"{opened.name} is the same file, but its frames are decoded otherwise than before",
            "Begin a new conversation about it",
        )
    return tuple(found[still.sha256] for still in wanted)


def _present(saved: SavedFile) -> None:
    try:
        here = Path(saved.path).is_file()
    except OSError as error:
        raise MediaError(
            f"{saved.name}, which this conversation is about, cannot be looked for at {saved.path} ({error.strerror})",
            "Check the path, or begin a new conversation",
        ) from error
    if not here:
        raise MediaError(
            f"{saved.name}, which this conversation is about, is no longer at {saved.path}",
            "Put it back, or begin a new conversation",
        )


def _same(saved: SavedFile, sha256: str) -> None:
    if sha256 != saved.sha256:
        raise MediaError(
            f"{saved.path} is not the file that this conversation is about: its SHA-256 has changed",
            "Put the original back, or begin a new conversation",
        )
