"""What every tab of the app is given: the assistant, the gallery, folders, settings, and the language."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from faceagent.errors import UsageError
from faceagent.media import Limits
from faceagent.messages import catalogue

if TYPE_CHECKING:
    from faceagent.agent import FaceAgent
    from faceagent.gallery import Gallery

Bits = Literal["4bit", "8bit"] | None


@dataclass(frozen=True)
class Settings:
    """How the app was started.

    folder: the app's own data (conversations, uploads), readable by its owner alone.
    gallery: the people who are enrolled; None where the app was started without one.
    """

    folder: Path
    controller: str = "embedded"
    load_in: Bits = None
    purpose: str | None = None
    limits: Limits = field(default_factory=Limits)
    gallery: Gallery | None = None


class Seat:
    """Who plans and words. Taken when the first question is asked, so that the page is there at once; it can be given
    to another controller while the app runs. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._agent: FaceAgent | None = None
        self.controller = settings.controller

    def agent(self) -> FaceAgent:
        """The assistant, made at the first call.

        Raises:
            UsageError, MissingExtra, ControllerError: as `FaceAgent`.
        """
        with self._lock:
            if self._agent is None:
                self._agent = self._made(self.controller, self._settings.load_in)
            return self._agent

    def give(self, controller: str, load_in: Bits = None) -> None:
        """Seat another controller; the one before stays where this one cannot be had.

        Raises:
            UsageError, MissingExtra, ControllerError: as `FaceAgent`.
        """
        agent = self._made(controller, load_in)
        with self._lock:
            self._agent, self.controller = agent, controller

    def _made(self, controller: str, load_in: Bits) -> FaceAgent:
        # Imported where used, so that the page is there before OpenCV and the rest are.
        from faceagent.agent import FaceAgent

        settings = self._settings
        return FaceAgent(
            controller, limits=settings.limits, purpose=settings.purpose, load_in=load_in, gallery=settings.gallery
        )


@dataclass(frozen=True)
class Desk:
    """One reader's view of the app: shared settings and assistant, and the reader's language."""

    settings: Settings
    seat: Seat
    language: str = "en"

    @staticmethod
    def of(settings: Settings) -> Desk:
        return Desk(settings, Seat(settings))

    @property
    def agent(self) -> FaceAgent:
        """The assistant.

        Raises:
            UsageError, MissingExtra, ControllerError: as `FaceAgent`.
        """
        return self.seat.agent()

    @property
    def gallery(self) -> Gallery | None:
        return self.settings.gallery

    @property
    def gettext(self) -> Callable[[str], str]:
        """Translates what the interface says. Name it `_` where it is used: that is what finds the messages."""
        return catalogue(self.language).gettext

    def folder(self, name: str) -> Path:
        """A folder of the app's own by this name, made if need be, open to its owner alone.

        Raises:
            UsageError: it cannot be made.
        """
        place = self.settings.folder / name
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.chmod(0o700)
        except OSError as error:
            raise UsageError(
                f"The folder {place} cannot be made ({error.strerror})", "Choose another one with --data"
            ) from error
        return place
