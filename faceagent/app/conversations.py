"""Conversations on the disk of whoever runs the app: one private folder each, removed whole when it is deleted.

conversations/<user>/<id>/about.json      name and time
                          session.json    what `Session.save` writes
                          turns/0001.json what was asked, said and shown
                          files/1/a.jpg   the photos and videos as they were handed in
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from faceagent.app.figures import Told
from faceagent.errors import MediaError, UsageError
from faceagent.media import Limits, Photo
from faceagent.types import Frozen, Named
from faceagent.uploads import Uploads
from faceagent.video import Video

if TYPE_CHECKING:
    from faceagent.agent import FaceAgent
    from faceagent.session import Session

_ID = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")
_LONGEST_NAME = 80


class About(Frozen):
    """name: the first question, or what its owner called it. created: ISO 8601, UTC."""

    name: Named
    created: str


@dataclass(frozen=True)
class Conversation:
    """One conversation's folder. It exists from the first question on."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def about(self) -> About:
        """Raises:
        MediaError: the file is missing or damaged.
        """
        try:
            return About.model_validate_json((self.folder / "about.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise MediaError(f"The conversation {self.id} is damaged", "Delete it") from error

    def name_or(self, damaged: str) -> str:
        """The name, or `damaged` where it cannot be read."""
        try:
            return self.about.name
        except MediaError:
            return damaged

    def rename(self, name: str) -> None:
        """Raises:
        UsageError: the name is empty, or cannot be written.
        """
        kept = " ".join(name.split())[:_LONGEST_NAME]
        if not kept:
            raise UsageError("The name is empty", "Give the conversation a name")
        self._write("about.json", self.about.model_copy(update={"name": kept}).model_dump_json())

    def take(self, path: Path, limits: Limits) -> Photo | Video:
        """Copy a file that was handed in into the conversation, checked as `Uploads` does, and open it as what it is.

        Raises:
            MediaError: it is neither photo nor video, damaged, or over a limit; then no copy is left.
            MissingExtra: reading it takes an extra that is not installed.
        """
        files = _private(self.folder / "files")
        place = _private(files / str(1 + len(list(files.iterdir()))))
        try:
            with path.open("rb") as stream:
                upload = Uploads(place, limits).store(stream, path.name)
            kept = (place / upload.id).rename(place / path.name)
            return Video.open(kept, limits=limits) if upload.kind == "video" else Photo.open(kept, limits=limits)
        except FileNotFoundError:
            shutil.rmtree(place, ignore_errors=True)
            raise MediaError(f"{path.name} is not kept any more", "Choose it again") from None
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    def told(self) -> list[Told]:
        """What was asked and said so far, oldest first.

        Raises:
            MediaError: a file is damaged.
        """
        try:
            return [
                Told.model_validate_json(file.read_bytes()) for file in sorted((self.folder / "turns").glob("*.json"))
            ]
        except (OSError, ValidationError) as error:
            raise MediaError(f"The conversation {self.id} is damaged", "Delete it") from error

    def add(self, told: Told, number: int, session: Session) -> None:
        """Keep one more question with its answer.

        Raises:
            UsageError: it cannot be written.
        """
        _private(self.folder / "turns")
        self._write(f"turns/{number:04}.json", told.model_dump_json())
        session.save(self.folder / "session.json")

    def resume(self, agent: FaceAgent) -> Session:
        """Raises:
        MediaError: a file of it is missing, damaged or has changed.
        """
        return agent.resume(self.folder / "session.json")

    def delete(self) -> None:
        """Remove it with its photos. What is removed cannot be brought back.

        Raises:
            UsageError: something of it cannot be removed.
        """
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise UsageError(
                f"The conversation cannot be deleted ({error.strerror})", "Close other programs"
            ) from error

    def _write(self, name: str, text: str) -> None:
        file = self.folder / name
        try:
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"The conversation cannot be kept ({error.strerror})", "Make room on the disk") from error


class Shelf:
    """The conversations of one user.

    Args:
        root: the folder of all conversations. user: the name under which the user is known to the app.
    """

    def __init__(self, root: Path, user: str) -> None:
        # A name may hold anything: its hash is the folder's name.
        self._folder = _private(root / hashlib.sha256(user.encode()).hexdigest()[:16])

    def begin(self, question: str, files: Sequence[Path] = ()) -> Conversation:
        """A new conversation, named after its first question."""
        now = datetime.now(UTC)
        name = " ".join(question.split())[:_LONGEST_NAME] or (files[0].name if files else "…")
        made = Conversation(_private(self._folder / f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"))
        made._write("about.json", About(name=name, created=now.isoformat(timespec="seconds")).model_dump_json())
        return made

    def get(self, conversation_id: str) -> Conversation:
        """Raises:
        UsageError: there is none of this id.
        """
        folder = self._folder / conversation_id
        if not _ID.fullmatch(conversation_id) or not folder.is_dir():
            raise UsageError("There is no such conversation", "Reload the page")
        return Conversation(folder)

    def __iter__(self) -> Iterator[Conversation]:
        """Newest first."""
        folders = sorted((one for one in self._folder.iterdir() if _ID.fullmatch(one.name)), reverse=True)
        return (Conversation(folder) for folder in folders)


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made ({error.strerror})", "Make room on the disk") from error
    return folder
