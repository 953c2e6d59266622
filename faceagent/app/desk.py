"""What every tab of the app is given: the assistant, the gallery, folders, settings, and the language."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from faceagent.media import Limits
from faceagent.messages import catalogue

if TYPE_CHECKING:
    from faceagent.agent import FaceAgent
    from faceagent.gallery import Gallery
    from faceagent.jobs import Jobs
    from faceagent.tool import Toolbox
    from faceagent.uploads import Uploads

REPORTS_KEPT = timedelta(days=30)
UPLOADS_KEPT = timedelta(days=1)
"""After how long reports are deleted, and files that were handed to the page and not taken in."""
Bits = Literal["4bit", "8bit"] | None


@dataclass(frozen=True)
class Settings:
    """How the app was started.

    folder: the app's own data (conversations, uploads), readable by its owner alone.
    gallery: the people who are enrolled; None where the app was started without one.
    shared: others may use it, by name and password. Then nobody changes from the page what all of them share.
    """

    folder: Path
    controller: str = "embedded"
    load_in: Bits = None
    purpose: str | None = None
    limits: Limits = field(default_factory=Limits)
    gallery: Gallery | None = None
    shared: bool = False


class Seat:
    """What all readers share: who plans and words, the tools, the enrolled people, and the queue of reports.

    Each is made when it is first needed, so that the page is there at once. The controller can be changed, and a
    gallery opened, while the app runs. Safe to use from several threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._agent: FaceAgent | None = None
        self._tools: Toolbox | None = None
        self._jobs: Jobs | None = None
        self._bits = settings.load_in
        self.controller = settings.controller
        self.gallery = settings.gallery

    def agent(self) -> FaceAgent:
        """The assistant, made at the first call.

        Raises:
            UsageError, MissingExtra, ControllerError: as `FaceAgent`.
        """
        with self._lock:
            if self._agent is None:
                self._agent = self._made(self.controller, self._bits)
            return self._agent

    def tools(self) -> Toolbox:
        """The tools, made at the first call."""
        from faceagent.tool import Toolbox

        with self._lock:
            if self._tools is None:
                self._tools = Toolbox.installed()
            return self._tools

    def jobs(self, folder: Path, uploads: Uploads) -> Jobs:
        """The queue of reports, begun at the first call; what was not finished before goes on then.

        Raises:
            UsageError: a folder cannot be used.
        """
        from faceagent.jobs import Jobs

        with self._lock:
            uploads.purge(UPLOADS_KEPT)
            if self._jobs is None:
                self._jobs = Jobs(folder, self.tools(), uploads)
            self._jobs.purge(REPORTS_KEPT)
            return self._jobs

    def give(self, controller: str, load_in: Bits = None) -> None:
        """Seat another controller; the one before stays where this one cannot be had.

        Raises:
            UsageError, MissingExtra, ControllerError: as `FaceAgent`.
        """
        agent = self._made(controller, load_in)
        with self._lock:
            self._agent, self.controller, self._bits = agent, controller, load_in

    def renew(self) -> None:
        """Have the tools made anew, so that they find a model just fetched. Reports in the queue keep theirs."""
        with self._lock:
            self._tools = self._agent = None

    def admit(self, gallery: Gallery) -> None:
        """Open a gallery for everybody who uses the app; conversations that are open go on without it."""
        with self._lock:
            self.gallery, self._agent = gallery, None

    def close(self) -> None:
        """End the queue of reports, and close the gallery if it was opened here."""
        with self._lock:
            jobs, self._jobs = self._jobs, None
            opened = self.gallery if self.gallery is not self._settings.gallery else None
        if jobs is not None:
            jobs.close()
        if opened is not None:
            opened.close()

    def _made(self, controller: str, load_in: Bits) -> FaceAgent:
        # Imported where used, so that the page is there before OpenCV and the rest are.
        from faceagent.agent import FaceAgent

        settings = self._settings
        return FaceAgent(
            controller,
            tools=self.tools().values(),
            limits=settings.limits,
            purpose=settings.purpose,
            load_in=load_in,
            gallery=self.gallery,
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
        return self.seat.gallery

    @property
    def jobs(self) -> Jobs:
        """The queue of reports.

        Raises:
            UsageError: a folder cannot be used.
        """
        return self.seat.jobs(self.folder("reports"), self.uploads)

    @property
    def uploads(self) -> Uploads:
        """Where the files of reports lie until these are made.

        Raises:
            UsageError: the folder cannot be used.
        """
        from faceagent.uploads import Uploads

        return Uploads(self.folder("report-files"), self.settings.limits)

    @property
    def gettext(self) -> Callable[[str], str]:
        """Translates what the interface says. Name it `_` where it is used: that is what finds the messages."""
        return catalogue(self.language).gettext

    @property
    def ngettext(self) -> Callable[[str, str, int], str]:
        """The same for what is counted."""
        return catalogue(self.language).ngettext

    def folder(self, name: str) -> Path:
        """A folder of the app's own by this name, made if need be, open to its owner alone.

        Raises:
            UsageError: it cannot be made.
        """
        from faceagent.uploads import private_folder  # imported where used, so that the page is there at once

        return private_folder(self.settings.folder / name)
