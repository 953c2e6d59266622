"""What the routes call: uploads taken in, questions answered by the workers, reports queued."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from fastapi import Request, UploadFile
from starlette.concurrency import run_in_threadpool

from faceagent.agent import FaceAgent
from faceagent.api.pool import Pool
from faceagent.errors import Busy, MediaError, MissingExtra
from faceagent.jobs import Jobs
from faceagent.media import Limits
from faceagent.types import Answer, Answered, Event
from faceagent.uploads import Upload, Uploads, private_folder
from faceagent.web.conversations import Conversation, Conversations
from faceagent.web.gate import Client, Rules
from faceagent.web.problems import Refused


@dataclass(frozen=True)
class Settings:
    """What the person who starts the server decides.

    data: folder of uploads and reports. max_files: of a request. workers, waiting: questions that are answered at the
    same time, and that may wait. report_workers: reports that are made at the same time. keep: after which reports and
    whatever is left of uploads are deleted.
    """

    data: Path
    rules: Rules = field(default_factory=Rules)
    limits: Limits = field(default_factory=lambda: Limits(max_video_bytes=200 * 2**20))
    max_files: int = 20
    workers: int = 2
    waiting: int = 64
    report_workers: int = 1
    keep: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class Taken:
    """Files of a request: those that were taken in, and those that were not, by what their sender calls them."""

    uploads: list[Upload] = field(default_factory=list)
    refused: list[tuple[str, MediaError | MissingExtra]] = field(default_factory=list)


class Service:
    """Everything that the API works with, from start to end of the server."""

    def __init__(self, agent: FaceAgent, settings: Settings) -> None:
        folder = private_folder(settings.data)
        self.agent, self.settings = agent, settings
        self.uploads = Uploads(folder / "uploads", settings.limits)
        self.jobs = Jobs(folder / "jobs", agent.tools, self.uploads, workers=settings.report_workers)
        self.conversations = Conversations(self.uploads)
        self.pool = Pool(settings.workers, settings.waiting)

    def close(self) -> None:
        self.pool.close()
        self.jobs.close()

    def purge(self) -> None:
        """Delete what is too old to be kept."""
        self.conversations.expire()
        self.jobs.purge(self.settings.keep)
        self.uploads.purge(self.settings.keep)

    def purpose(self, client: Client, stated: str | None) -> str | None:
        """The purpose that this client may state.

        Raises:
            Refused: it may not state this one.
        """
        if stated and client.purposes is not None and stated not in client.purposes:
            allowed = ", ".join(sorted(client.purposes)) or "none"
            raise Refused(
                403, f"Your key may not state the purpose {stated!r}.", f"It may state: {allowed}. Else leave it out."
            )
        return stated or None

    async def take(self, files: Sequence[UploadFile]) -> Taken:
        """Take in the files of a request, and say what could not be.

        Raises:
            Refused: there are too many.
        """
        most = self.settings.max_files
        if len(files) > most:
            raise Refused(413, f"There are {len(files)} files, over the limit of {most}.", "Send fewer at a time.")
        taken = Taken()
        try:
            for file in files:
                name = file.filename or ""
                try:
                    taken.uploads.append(await run_in_threadpool(self.uploads.store, file.file, name))
                except (MediaError, MissingExtra) as error:
                    taken.refused.append((name, error))
        except BaseException:
            self.uploads.remove(*taken.uploads)
            raise
        return taken

    async def ask(
        self, request: Request, conversation: Conversation, question: str, uploads: list[Upload]
    ) -> AsyncIterator[Event]:
        """Have a question answered, unless its sender goes away: each step as it happens, at the end the answer.

        Raises:
            FaceAgentError: as `FaceAgent.ask`, and `Busy`.
            Refused: another question is being answered in this conversation.
        """
        stop = threading.Event()
        loop, steps = asyncio.get_running_loop(), asyncio.Queue[Event | None]()

        def tell(step: Event | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(steps.put_nowait, step)

        try:
            future = self.pool.submit(partial(self._answered, conversation, question, uploads, stop, tell))
        except Busy:
            self.uploads.remove(*uploads)
            raise
        future.add_done_callback(lambda _: tell(None))
        listening = asyncio.ensure_future(_until_gone(request, stop))
        try:
            while (step := await steps.get()) is not None:
                yield step
            yield Answered(answer=await asyncio.wrap_future(future))
        finally:
            stop.set()  # nobody waits any more
            listening.cancel()

    def _answered(
        self,
        conversation: Conversation,
        question: str,
        uploads: list[Upload],
        stop: threading.Event,
        tell: Callable[[Event], None],
    ) -> Answer:
        """The answer, told by who called when the conversation is free again for the next question."""
        try:
            with self.conversations.room(conversation, uploads):
                self.conversations.add(conversation, uploads)
                for event in self.agent.stream(question, session=conversation.session, stop=stop):
                    if isinstance(event, Answered):
                        answer = event.answer
                    else:
                        tell(event)
        finally:
            self.uploads.remove(*(upload for upload in uploads if upload not in conversation.kept))
        self.conversations.keep(conversation)
        return answer


async def _until_gone(request: Request, stop: threading.Event) -> None:
    """End the question when its sender goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
    stop.set()
