"""The assistant: tools that measure, a controller that plans and words, and the check between them (`loop`)."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from faceagent import policy
from faceagent.controllers import make_controller
from faceagent.errors import UsageError
from faceagent.ground import words_of
from faceagent.loop import Budget, Conversation
from faceagent.media import Limits, Photo, Pixels
from faceagent.session import Session
from faceagent.tool import AnyTool, Toolbox
from faceagent.types import Answer, Answered, Event
from faceagent.video import Video, take

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from PIL import Image

    from faceagent.audit import AuditLog
    from faceagent.controllers.person import PersonTokens
    from faceagent.gallery import Gallery

    PhotoLike = str | Path | bytes | Pixels | Image.Image | Photo | Video

__all__ = ["Budget", "FaceAgent"]


class FaceAgent:
    """The assistant: tools that measure, a controller that plans and words, and the check between them.

    Args:
        controller: "embedded", "transformers:<model folder or hub id>[+<adapter folder>]",
            "openai:<base url>#<model>", or any LangChain chat model that can bind tools.
        tools: what it may measure with; by default those of every installed package that declares some.
        limits: which files are refused before decoding.
        budget: what one question may cost.
        purpose: what faces are read for, a name in `faceagent.policy.purposes()`. Without one, emotion and ethnicity
            stay off.
        load_in: bits of a local controller's weights; by default as they are stored.
        person: a file with the soft tokens of a protected person, for a local controller; it opens with the gallery.
        gallery: the people who are enrolled; without one nobody is.
        audit: where every question is logged with what was done and said; by default the gallery's log, and none
            without a gallery.

    Raises:
        UsageError: no such controller, model or purpose; no tools are installed, the words of two contradict, or the
            person's tokens do not fit the model.
        MissingExtra: the controller takes an extra that is not installed.
        ControllerError: the controller's model cannot be loaded.
    """

    def __init__(
        self,
        controller: str | BaseChatModel = "embedded",
        *,
        tools: Iterable[AnyTool] | None = None,
        limits: Limits | None = None,
        budget: Budget | None = None,
        purpose: str | None = None,
        load_in: Literal["4bit", "8bit"] | None = None,
        person: str | Path | None = None,
        gallery: Gallery | None = None,
        audit: AuditLog | None = None,
    ) -> None:
        self.tools = Toolbox.installed() if tools is None else Toolbox(tools)
        if not self.tools:
            raise UsageError("No tools are installed", "Install faceagent itself rather than its core alone")
        words_of(self.tools.values())  # what is wrong with them is told now and not at the first question
        if isinstance(controller, str):
            controller = make_controller(
                controller, self.tools, load_in=load_in, person=_tokens(person, gallery) if person else None
            )
        self.controller = controller
        self.limits = limits or Limits()
        self.budget = budget or Budget()
        self.purpose = None if purpose is None else policy.purpose(purpose).name
        self.gallery = gallery
        self.audit = gallery.audit if audit is None and gallery is not None else audit

    def open(self, images: Iterable[PhotoLike]) -> Session:
        """A new conversation about these photos and videos.

        Raises:
            MediaError: one of them cannot be used.
        """
        session = Session(self.purpose, self.gallery)
        for image in images:
            self._take(session, image)
        return session

    def _take(self, session: Session, given: PhotoLike) -> str:
        opened = take(given, self.limits) if isinstance(given, str | Path) else given
        if isinstance(opened, Video):
            return session.add_video(opened)
        return session.add(opened if isinstance(opened, Photo) else Photo.open(opened, limits=self.limits))

    def resume(self, path: str | Path) -> Session:
        """Take up a conversation that `Session.save` wrote, under the purpose that it had.

        Raises:
            MediaError: the file, or a photo or video of it, is missing, damaged or has changed since.
            UsageError: there is no such purpose.
        """
        session = Session.resume(path, self.limits, self.gallery)
        if session.purpose is not None:
            policy.purpose(session.purpose)
        return session

    def ask(
        self,
        question: str,
        images: Iterable[PhotoLike] = (),
        *,
        session: Session | None = None,
        stop: threading.Event | None = None,
    ) -> Answer:
        """Answer a question, each sentence with the evidence that it rests on.

        Args:
            images: photos and videos to add to the conversation: paths, bytes (of photos), Pillow images, uint8 RGB
                arrays, Photos, Videos.
            session: a conversation to go on with (see `open`), under its own purpose; by default a new one.
            stop: set from another thread, it ends the question with what has been established so far. A tool that is
                running is waited for.

        Raises:
            MediaError: a photo cannot be used.
            UsageError: the question is empty.
            ControllerError: the controller did not produce a usable turn, whatever its model raised.
            AuditError: there is an audit log and it cannot be written; then nothing is answered.
        """
        for event in self.stream(question, images, session=session, stop=stop):
            if isinstance(event, Answered):
                return event.answer
        raise AssertionError("a question ends with an answer")

    def stream(
        self,
        question: str,
        images: Iterable[PhotoLike] = (),
        *,
        session: Session | None = None,
        stop: threading.Event | None = None,
    ) -> Generator[Event, None, None]:
        """As `ask`, told as it happens: each tool call as it starts and ends, then the answer (`Answered`).

        Whoever stops iterating ends the question; it is then not part of the conversation.
        """
        if not question.strip():
            raise UsageError("The question is empty", "Ask something about the photos")
        session = session or Session(self.purpose, self.gallery)
        for image in images:
            self._take(session, image)
        conversation = Conversation(self.controller, self.tools, self.budget, session, question, stop)
        yield from self._logged(conversation)

    def _logged(self, conversation: Conversation) -> Generator[Event, None, None]:
        """The conversation's events; the answer is in the audit log before anybody hears it."""
        answer: Answer | None = None
        try:
            for event in conversation.events():
                if isinstance(event, Answered):
                    answer = event.answer
                    self._log(conversation, answer)
                yield event
        finally:
            if answer is None:
                self._log(conversation, None)

    def _log(self, conversation: Conversation, answer: Answer | None) -> None:
        if self.audit is None:
            return
        session = conversation.session
        names = {} if session.gallery is None else session.gallery.pseudonyms()
        self.audit.question(
            conversation.question, session.purpose, session.exhibits(), conversation.steps, answer, names
        )


def _tokens(file: str | Path, gallery: Gallery | None) -> PersonTokens:
    if gallery is None:
        raise UsageError(f"{file} opens with its gallery alone", "Name the gallery too")
    from faceagent.controllers.person import PersonTokens

    return PersonTokens.read(Path(file), gallery)
