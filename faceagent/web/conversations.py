"""Conversations that can be gone on with, each its owner's alone, for as long as there is room."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from faceagent import policy
from faceagent.errors import MediaTooLarge, UnknownReference
from faceagent.session import Session
from faceagent.uploads import Upload, Uploads
from faceagent.video import Video
from faceagent.web.problems import Refused

IDLE = 30 * 60.0
"""Seconds after which a conversation that nobody goes on with is forgotten."""


@dataclass(eq=False)
class Conversation:
    """One of them. pixels: of all its photos, decoded. kept: files that are read again (videos)."""

    id: str
    owner: str
    session: Session
    pixels: int = 0
    kept: list[Upload] = field(default_factory=list)
    asking: threading.Lock = field(default_factory=threading.Lock)
    used: float = field(default_factory=time.monotonic)


class Conversations:
    """All of them, in memory. Safe to use from several threads.

    Args:
        pixels: of the photos of all conversations together; beyond, conversations are forgotten.
        most: conversations.
    """

    def __init__(self, uploads: Uploads, *, pixels: int = 500_000_000, most: int = 200) -> None:
        self._uploads, self._pixels, self._most = uploads, pixels, most
        self._lock = threading.RLock()
        self._all: OrderedDict[str, Conversation] = OrderedDict()

    def begin(self, owner: str, purpose: str | None) -> Conversation:
        """A new one. It is kept once `keep` is called, so that a question that fails leaves none.

        Raises:
            UsageError: there is no such purpose.
        """
        if purpose is not None:
            policy.purpose(purpose)
        return Conversation(secrets.token_hex(16), owner, Session(purpose))

    def get(self, conversation_id: str, owner: str) -> Conversation:
        """One to go on with.

        Raises:
            UnknownReference: there is none of this id, it was forgotten, or it is somebody else's.
        """
        with self._lock:
            found = self._all.get(conversation_id)
        if found is None or found.owner != owner:
            raise UnknownReference(
                f"There is no conversation {conversation_id!r}",
                "Those that nobody goes on with are forgotten: begin a new one",
            )
        return found

    @contextmanager
    def room(self, conversation: Conversation, uploads: Sequence[Upload]) -> Iterator[None]:
        """Ask in it, alone, with as much room as its photos need.

        Raises:
            Refused: another question is being answered in it.
            MediaTooLarge: its photos are larger than all conversations together may be.
        """
        if not conversation.asking.acquire(blocking=False):
            raise Refused(409, "Another question is being answered in this conversation.", "Wait for its answer.")
        try:
            pixels = conversation.pixels + sum(upload.pixels for upload in uploads)
            if pixels > self._pixels:
                raise MediaTooLarge(
                    f"The photos have {pixels / 1e6:.0f} megapixels together, over the limit of "
                    f"{self._pixels / 1e6:.0f}",
                    "Send fewer or smaller ones",
                )
            self._make_room(pixels - conversation.pixels, conversation.owner)
            conversation.pixels = pixels
            yield
        except BaseException:
            if conversation.id not in self._all:  # it never began
                self.forget(conversation)
            raise
        finally:
            conversation.used = time.monotonic()
            conversation.asking.release()

    def add(self, conversation: Conversation, uploads: Sequence[Upload]) -> None:
        """Take files into it, all or none. Photos are in memory then, and their files are deleted; videos are kept.

        Raises:
            MediaError: one cannot be used. It is the caller's to remove the files.
        """
        opened = [self._uploads.open(upload) for upload in uploads]
        for upload, one in zip(uploads, opened, strict=True):
            if isinstance(one, Video):
                conversation.session.add_video(one)
                conversation.kept.append(upload)
            else:
                conversation.session.add(one)
                self._uploads.remove(upload)

    def keep(self, conversation: Conversation) -> None:
        """Remember it, as the one that was used last."""
        with self._lock:
            self._all[conversation.id] = conversation
            self._all.move_to_end(conversation.id)
            self._make_room(0, conversation.owner)

    def forget(self, conversation: Conversation) -> None:
        """Let go of its photos, and delete what is kept of it."""
        with self._lock:
            self._all.pop(conversation.id, None)
        self._uploads.remove(*conversation.kept)

    def expire(self) -> None:
        """Forget those that nobody goes on with."""
        oldest = time.monotonic() - IDLE
        with self._lock:
            old = [one for one in self._all.values() if one.used < oldest and not one.asking.locked()]
            for one in old:
                self.forget(one)

    def _make_room(self, pixels: int, owner: str) -> None:
        """Forget the owner's own conversations first, and of those the ones that were used longest ago."""
        with self._lock:
            for one in sorted(self._all.values(), key=lambda one: one.owner != owner):
                held = sum(other.pixels for other in self._all.values())
                if held + pixels <= self._pixels and len(self._all) <= self._most:
                    return
                if not one.asking.locked():
                    self.forget(one)
