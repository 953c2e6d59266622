"""Files of others: a private folder that they are taken into, and leave again.

What a sender says of a file is not believed. Its type is read from its content, its size is limited while it is written
and its pixels before they are decoded; it is stored under a name of our own, and what its sender calls it is data that
is only ever shown. Whoever keeps such a folder calls `Uploads.purge` from time to time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import Field

from faceagent.errors import MediaError, MediaTooLarge, UsageError
from faceagent.media import Limits, Photo, check_pixels, opened
from faceagent.types import Frozen, Named
from faceagent.video import HEAD, Video, begins_a_video

_PIECE = 2**20
_LONGEST_NAME = 255


class Upload(Frozen):
    """A file that was taken in.

    id: 32 hex digits, the name of its file. name: what its sender calls it; data, and never a path. pixels: of the
    photo, or of a frame of the video, as its header states them.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    name: Named
    kind: Literal["photo", "video"]
    bytes: int
    pixels: int
    sha256: str


class Uploads:
    """The folder. Safe to use from several threads.

    Args:
        folder: made if need be, readable by its owner alone (0700), as are the files in it (0600).
        limits: which files are refused before they are decoded.

    Raises:
        UsageError: the folder cannot be made, or is not ours alone.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.folder, self.limits = private_folder(folder), limits or Limits()

    def store(self, stream: BinaryIO, name: str) -> Upload:
        """Take in a file. Nothing of it is left where it is refused.

        Args:
            stream: its bytes, read in pieces and no further than the limits allow.
            name: what its sender calls it.

        Raises:
            MediaError: it is empty, damaged, neither photo nor video (`UnknownFormat`), or over a limit
                (`MediaTooLarge`).
            MissingExtra: reading it takes an extra that is not installed.
        """
        name = _shortened(name) or "file"
        made = self.folder / secrets.token_hex(16)
        try:
            upload = self._written(made, stream, name)
            return upload.model_copy(update={"pixels": self._pixels(upload)})
        except MediaTooLarge as error:
            made.unlink(missing_ok=True)
            raise MediaTooLarge(error.message, "Send a smaller one") from error
        except BaseException:
            made.unlink(missing_ok=True)
            raise

    def open(self, upload: Upload) -> Photo | Video:
        """Decode a photo, or open a video, under the name that its sender gave it.

        Raises:
            MediaError: it is damaged, or was purged.
            MissingExtra: reading it takes an extra that is not installed.
        """
        path = self._path(upload)
        try:
            if upload.kind == "video":
                return Video.open(path, name=upload.name, limits=self.limits)
            return Photo.open(path.read_bytes(), name=upload.name, limits=self.limits)
        except FileNotFoundError:
            raise MediaError(f"{upload.name} is not kept any more", "Send it again") from None

    def remove(self, *uploads: Upload) -> None:
        """Delete files; those that are gone already are gone."""
        for upload in uploads:
            self._path(upload).unlink(missing_ok=True)

    def purge(self, older_than: timedelta) -> int:
        """Delete every file that was taken in longer ago, and say how many that were."""
        oldest = time.time() - older_than.total_seconds()
        gone = 0
        for path in self.folder.iterdir():
            try:
                if path.lstat().st_mtime <= oldest:
                    path.unlink()
                    gone += 1
            except FileNotFoundError:
                continue  # somebody else removed it in between
        return gone

    def _path(self, upload: Upload) -> Path:
        return self.folder / upload.id

    def _written(self, path: Path, stream: BinaryIO, name: str) -> Upload:
        digest, size, piece = hashlib.sha256(), 0, stream.read(max(_PIECE, HEAD))
        video = begins_a_video(piece[:HEAD])
        most = self.limits.max_video_bytes if video else self.limits.max_bytes
        # O_EXCL: never into a file or through a link that somebody else put there.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while piece:
                size += len(piece)
                if size > most:
                    raise MediaTooLarge(f"{name} has more than the {most / 2**20:.4g} MB that are allowed")
                digest.update(piece)
                file.write(piece)
                piece = stream.read(_PIECE)
        kind: Literal["photo", "video"] = "video" if video else "photo"
        return Upload(id=path.name, name=name, kind=kind, bytes=size, pixels=0, sha256=digest.hexdigest())

    def _pixels(self, upload: Upload) -> int:
        """Check type and size as the file's own header states them; nothing of a photo is decoded."""
        if upload.kind == "video":
            video = self.open(upload)
            return video.width * video.height
        with opened(self._path(upload).read_bytes(), upload.name) as image:
            width, height = image.size
            check_pixels(width, height, upload.name, self.limits)
            return width * height


def purge_tree(folder: Path, older_than: timedelta) -> None:
    """Delete every file in a folder of ours, and in those within, that was written longer ago."""
    oldest = time.time() - older_than.total_seconds()
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # somebody else removed it in between
            if not path.is_dir() and path.lstat().st_mtime <= oldest:
                path.unlink()


def private_folder(folder: Path) -> Path:
    """The folder, made if need be and closed to everybody but its owner.

    Raises:
        UsageError: it cannot be, or it is a link to somewhere else.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink():
            raise UsageError(f"{folder} is a link to another place", "Name the folder itself")
        folder.chmod(0o700)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made a private folder ({error.strerror})", "Choose another place"
        ) from error
    return folder


def _shortened(name: str) -> str:
    """The end of a long name has the suffix, which a reader wants to see."""
    return name if len(name) <= _LONGEST_NAME else f"…{name[-_LONGEST_NAME + 1 :]}"
