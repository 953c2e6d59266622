"""What the server's tools do: photos opened, questions answered, reports made, single tools called."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from faceagent.agent import FaceAgent
from faceagent.batch import attempt, failure
from faceagent.errors import MediaError, MissingExtra, UsageError, first_fault
from faceagent.ground import ground, words_of
from faceagent.mcp.folders import Folders
from faceagent.mcp.results import (
    Ask,
    Asked,
    MakeReport,
    Measured,
    Opened,
    OpenedFile,
    OpenPhotos,
    Reported,
    quoted,
    shortened,
)
from faceagent.media import Photo
from faceagent.narrate import compose, narrate
from faceagent.report import build_report, write_report
from faceagent.report.drawing import annotated, shown_for
from faceagent.session import Session
from faceagent.tool import DETECTOR, AnyTool, ArgumentsT, Names
from faceagent.types import Evidence, Failure
from faceagent.uploads import Upload, Uploads
from faceagent.video import Video
from faceagent.web.conversations import Conversation, Conversations

CONVERSATION = "conversation"
OF_GALLERY = frozenset({"identify_person", "verify_protected_identity"})
CHANGES_GALLERY = frozenset({"enroll_person", "forget_person"})
"""Tools that nobody but a person at the command line may use: who is enrolled is no assistant's decision."""
_PICTURES = 4  # of one result


@dataclass(frozen=True)
class Told:
    """A result: in words, as a value, and as pictures (JPEG), each with what it shows."""

    text: str
    value: BaseModel
    pictures: tuple[tuple[str, bytes], ...] = ()


class Desk:
    """All of it. Its methods may be called from several threads.

    Args:
        agent: answers questions, under the purpose that it was made with.
        folders: which files a client may have read.
        uploads: where copies of them lie while they are needed.
        out: where reports are written, each into a folder of its own; None keeps none.
    """

    def __init__(self, agent: FaceAgent, folders: Folders, uploads: Uploads, out: Path | None = None) -> None:
        self.agent, self._folders, self._uploads, self._out = agent, folders, uploads, out
        self._words = words_of(agent.tools.values())
        self._conversations = Conversations(uploads)

    @property
    def tools(self) -> tuple[AnyTool, ...]:
        """The measuring tools that a client may call by name."""
        hidden = CHANGES_GALLERY | (frozenset() if self.agent.gallery else OF_GALLERY)
        return tuple(tool for tool in self.agent.tools.values() if tool.name not in hidden)

    def call(self, name: str, arguments: Mapping[str, Any], owner: str, stop: threading.Event) -> Told:
        """Call a tool by its name.

        Args:
            stop: set from another thread, it ends a question or a report early.

        Raises:
            FaceAgentError: in a sentence what is wrong with the call, or with what it names.
        """
        own: dict[str, Callable[[], Told]] = {
            "open_photos": lambda: self._open(_read(OpenPhotos, arguments), owner),
            "ask": lambda: self._ask(_read(Ask, arguments), owner, stop),
            "report": lambda: self._report(_read(MakeReport, arguments), stop),
        }
        if name in own:
            return own[name]()
        tool = next((tool for tool in self.tools if tool.name == name), None)
        if tool is None:
            raise UsageError(
                f"There is no tool {name!r}", f"There are {', '.join([*own, *(t.name for t in self.tools)])}"
            )
        return self._measure(tool, dict(arguments), owner)

    def _open(self, wanted: OpenPhotos, owner: str) -> Told:
        conversation = self._conversations.begin(owner, self.agent.purpose)
        failures: list[Failure] = []
        with self._taken(wanted.paths, failures, conversation) as uploads:
            with self._conversations.room(conversation, uploads):
                self._conversations.add(conversation, uploads)
            self._conversations.keep(conversation)
        files = tuple(
            OpenedFile(
                id=one.id,
                name=quoted(one).name,
                kind="video" if one.id.startswith("video") else "photo",
                width=one.width,
                height=one.height,
            )
            for one in conversation.session.exhibits()
        )
        lines = [f"Conversation {conversation.id}."]
        lines += [f"{one.id}: “{one.name}”, {one.width} x {one.height} pixels." for one in files]
        lines += [f"Not opened: {one.message} {one.mend or ''}".rstrip() for one in failures]
        return Told("\n".join(lines), Opened(conversation=conversation.id, files=files, failures=tuple(failures)))

    def _ask(self, wanted: Ask, owner: str, stop: threading.Event) -> Told:
        conversation = self._conversation(wanted.conversation, owner)
        with self._taken(wanted.paths, conversation=conversation) as uploads:
            with self._conversations.room(conversation, uploads):
                self._conversations.add(conversation, uploads)
                answer = self.agent.ask(wanted.question, session=conversation.session, stop=stop)
                pictures = self._pictures(conversation.session, answer.evidence)
            self._conversations.keep(conversation)
        answer = answer.model_copy(
            update={"evidence": shortened(answer.evidence), "exhibits": tuple(map(quoted, answer.exhibits))}
        )
        return Told(answer.text, Asked(conversation=conversation.id, answer=answer), pictures)

    def _measure(self, tool: AnyTool, arguments: dict[str, Any], owner: str) -> Told:
        conversation = self._conversations.get(str(arguments.pop(CONVERSATION, "")), owner)
        with self._conversations.room(conversation, ()):
            session = conversation.session
            outcomes = self.agent.tools.call(session, tool.name, arguments)
            step = outcomes[-1].step
            if step.status != "ok":
                raise UsageError(step.message or f"{tool.name} could not be called")
            names = Names(images=session.images, faces=tuple(face.id for face in session.faces()))
            said = narrate(outcomes, (tool.name,), self.agent.tools, names)
            claims = ground(said.claims, session.ledger.get, names.faces, self._words).accepted
            evidence = tuple(row for outcome in outcomes for row in outcome.evidence)
            pictures = self._pictures(session, evidence)
        steps = tuple(outcome.step for outcome in outcomes)
        text = compose(claims, said.not_established) or "There is nothing to say of it."
        return Told(text, Measured(steps=steps, evidence=shortened(evidence), claims=claims), pictures)

    def _report(self, wanted: MakeReport, stop: threading.Event) -> Told:
        failures: list[Failure] = []
        with self._taken(wanted.paths, failures) as uploads:
            purpose = ["--purpose", self.agent.purpose] if self.agent.purpose else []
            report, pictures = build_report(
                self.agent.tools,
                self._each(uploads, stop),
                failures,
                command=shlex.join(["faceagent", "report", *wanted.paths, *purpose]),
                title=wanted.title,
                purpose=self.agent.purpose,
            )
        files: dict[str, str] = {}
        if self._out is not None and report.exhibits:
            folder = self._out / f"report-{uploads[0].id[:12]}"
            files = {kind: str(path) for kind, path in write_report(report, pictures, folder).items()}
        lines = [*report.summary, *(f"{one.exhibit.id}: {one.verdict.headline}" for one in report.exhibits)]
        lines += [f"{failure.name}: not examined. {failure.message}" for failure in report.failures]
        lines += [f"Written: {path}" for path in files.values()]
        return Told("\n".join(lines), Reported.of(report, files))

    def _conversation(self, conversation_id: str | None, owner: str) -> Conversation:
        if conversation_id is None:
            return self._conversations.begin(owner, self.agent.purpose)
        return self._conversations.get(conversation_id, owner)

    @contextmanager
    def _taken(
        self, paths: Sequence[str], failures: list[Failure] | None = None, conversation: Conversation | None = None
    ) -> Iterator[list[Upload]]:
        """Copies of the files, which are gone afterwards but for those that the conversation keeps.

        Args:
            failures: where files that cannot be used are noted, as long as others can; else the first is raised.
        """
        uploads: list[Upload] = []
        first: MediaError | MissingExtra | None = None
        try:
            for path in paths:
                try:
                    with self._folders.open(path) as file:
                        uploads.append(self._uploads.store(file, Path(path).name))
                except (MediaError, MissingExtra) as error:
                    if failures is None:
                        raise
                    failures.append(failure(Path(path).name, error))
                    first = first or error
            if first is not None and not uploads:
                raise first
            yield uploads
        finally:
            kept = conversation.kept if conversation else []
            self._uploads.remove(*(upload for upload in uploads if upload not in kept))

    def _each(self, uploads: Sequence[Upload], stop: threading.Event) -> Iterator[Photo | Video | Failure]:
        for upload in uploads:
            if stop.is_set():
                raise UsageError("The report was cancelled")
            yield attempt(upload.name, partial(self._uploads.open, upload))

    def _pictures(self, session: Session, evidence: Sequence[Evidence]) -> tuple[tuple[str, bytes], ...]:
        """Photos with their faces marked where faces were looked for, and the pictures that evidence refers to."""
        shown: dict[bytes, str] = {}
        for row in evidence:
            if row.tool == DETECTOR and row.subject in session.images:
                marked = annotated(session.photo(row.subject), session.faces(row.subject))
                shown.setdefault(marked, f"{row.subject}, with its faces marked")
            elif data := session.picture(str(row.details.get("picture"))):
                photo = session.photo(session.image_of(row.subject))
                for one in shown_for(row, data, photo):
                    shown.setdefault(one.jpeg, f"{row.subject}, {one.of.replace('_', ' ')} [{row.id}]")
        return tuple((caption, jpeg) for jpeg, caption in shown.items())[:_PICTURES]


def _read(kind: type[ArgumentsT], arguments: Mapping[str, Any]) -> ArgumentsT:
    try:
        return kind.model_validate(dict(arguments))
    except ValidationError as error:
        raise UsageError(f"The arguments are not valid: {first_fault(error)}") from error
