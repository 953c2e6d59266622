"""One browser tab's conversation: questions in, what the page shows of them out, step by step."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceagent.app import figures
from faceagent.app.conversations import Conversation, Shelf
from faceagent.app.figures import Told
from faceagent.errors import FaceAgentError, UsageError
from faceagent.media import Photo
from faceagent.types import Answer, Answered, Event, Step, StepFinished, StepStarted
from faceagent.video import Video

if TYPE_CHECKING:
    from faceagent.app.desk import Desk
    from faceagent.session import Session

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    """A question on its way. calls: of each tool call the steps that it took, its own last; tool: the one that runs."""

    question: str
    given: tuple[tuple[str, str], ...] = ()
    failures: tuple[str, ...] = ()
    calls: tuple[tuple[Step, ...], ...] = ()
    tool: str | None = None
    error: str | None = None


@dataclass
class Talk:
    """What one browser tab has open. One question at a time."""

    desk: Desk
    user: str
    conversation: Conversation | None = None
    session: Session | None = None
    told: list[Told] = field(default_factory=list)
    stop: threading.Event | None = None

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.desk.folder("conversations"), self.user)

    @property
    def busy(self) -> bool:
        return self.stop is not None

    def cancel(self) -> None:
        """End the question that runs with what has been established so far."""
        if self.stop is not None:
            self.stop.set()

    def leave(self) -> None:
        """Close the conversation; the next question begins another."""
        self.cancel()
        self.conversation, self.session, self.told = None, None, []

    def take_up(self, conversation_id: str) -> None:
        """Open a conversation that was kept.

        Raises:
            UsageError: there is none of this id.
            MediaError: it is damaged, or a photo of it is missing or has changed.
        """
        self.leave()
        conversation = self.shelf.get(conversation_id)
        told = conversation.told()
        self.session = conversation.resume(self.desk.agent) if told else None
        self.conversation, self.told = conversation, told

    def ask(self, question: str, files: Sequence[Path] = ()) -> Iterator[Running | Told]:
        """Put a question: each state of it as it changes, at the end the answer, and once more with its figures.

        Raises:
            UsageError: another question runs, or there is nothing to ask.
        """
        if self.busy:
            raise UsageError("A question is being answered", "Wait for it, or stop it")
        if not question.strip() and not files:
            raise UsageError("The question is empty", "Ask something about a photo")
        self.stop = stop = threading.Event()
        running = Running(question)
        try:
            for state in self._asked(running, files, stop):
                if isinstance(state, Running):
                    running = state
                yield state
        except FaceAgentError as error:
            yield replace(running, tool=None, error=str(error))
        except Exception as error:  # noqa: BLE001 - the last line of defence: a person never sees a traceback
            _log.exception("a question was not answered")
            told = f"Something unexpected went wrong ({type(error).__name__}). The details are in the program's log."
            yield replace(running, tool=None, error=told)
        finally:
            self.stop = None

    def _asked(self, running: Running, files: Sequence[Path], stop: threading.Event) -> Iterator[Running | Told]:
        yield running
        agent = self.desk.agent
        if self.conversation is None:
            self.conversation = self.shelf.begin(running.question, files)
        session = self.session = self.session or agent.open(())
        outputs = tuple(session.outputs)
        running = self._taken(self.conversation, session, running, files)
        yield running
        for event in agent.stream(running.question, session=session, stop=stop):
            if isinstance(event, Answered):
                yield from self._answered(event.answer, running, outputs)
            else:
                running = _after(running, event)
                yield running

    def _taken(self, conversation: Conversation, session: Session, running: Running, files: Sequence[Path]) -> Running:
        """Photos and videos handed in become exhibits; one that cannot be used is told and does not stop the rest."""
        given, failures = [], []
        for file in files:
            try:
                opened = conversation.take(file, self.desk.settings.limits)
            except FaceAgentError as error:
                failures.append(str(error))
                continue
            name = session.add_video(opened) if isinstance(opened, Video) else session.add(opened)
            given.append((f"{name} · {opened.name}", figures.thumbnail(_seen(opened))))
        return replace(running, given=tuple(given), failures=tuple(failures))

    def _answered(self, answer: Answer, running: Running, outputs: Sequence[str]) -> Iterator[Told]:
        assert self.session is not None and self.conversation is not None
        turn = self.session.turns[-1]
        told = Told(
            answer=answer,
            remarks=turn.remarks,
            given=running.given,
            failures=running.failures,
            calls=running.calls,
        )
        yield told
        told = told.model_copy(
            update={
                "bars": figures.bars(answer),
                "sliders": figures.sliders(answer, self.session),
                "pairs": figures.pairs(answer, self.session),
                "made": figures.made(answer, outputs, self.session),
            }
        )
        self.told.append(told)
        self.conversation.add(told, len(self.told), self.session)
        yield told


def _seen(opened: Photo | Video) -> Photo | None:
    """The photo, or a video's first frame that can be decoded."""
    if isinstance(opened, Photo):
        return opened
    return next((item.photo for item in opened.sample(1, 1) if hasattr(item, "photo")), None)


def _after(running: Running, event: Event) -> Running:
    if isinstance(event, StepStarted):
        return replace(running, tool=event.tool, calls=(*running.calls, ()))
    assert isinstance(event, StepFinished)
    *before, last = running.calls
    return replace(
        running, calls=(*before, (*last, event.step)), tool=None if event.step.tool == running.tool else running.tool
    )
