"""What a tool is, and how tools are called.

A tool is one class: it measures (`run`), words what it measured (`word`), and lists what it runs on (`backends`).
`Toolbox` calls tools by name, looks for faces first where a tool needs them, times them, turns a failure into
evidence of failure, and writes everything to the session's ledger. `Toolbox.bind(session)` gives the same tools
to any LangChain chat model.
"""

from __future__ import annotations

import json
import time
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from faceagent.errors import FaceAgentError, InputError, UsageError, first_fault
from faceagent.session import Session
from faceagent.tracing import span
from faceagent.types import Claim, Evidence, Method, Step

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

DETECTOR = "detect_faces"
VIDEO = "examine_video"
QUOTES_FILES = frozenset(
    {
        *("inspect_provenance", "anonymize_faces", VIDEO),
        *("identify_person", "enroll_person", "forget_person", "verify_protected_identity"),
    }
)
"""Tools whose evidence may hold text of a file or its name, or a name that somebody was enrolled under. Such text is
data: it is only ever quoted."""
_LONGEST = 200  # characters of a text in an observation


class Arguments(BaseModel):
    """What a model may pass to a tool. Subclasses add fields; each needs a description, which the model reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _id(*forms: str) -> WithJsonSchema:
    """The form of an id, for a model that is held to a tool's schema. Which there are, and what the mend is, says the
    session."""
    return WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(forms)})$"})


_COUNTED = "[1-9][0-9]{0,3}"
ImageId = Annotated[str, _id(f"image {_COUNTED}")]
VideoId = Annotated[str, _id(f"video {_COUNTED}")]
SubjectId = Annotated[str, _id(f"image {_COUNTED}", rf"face {_COUNTED}\.{_COUNTED}")]


class ImageArguments(Arguments):
    images: tuple[ImageId, ...] = Field(default=(), description='Image ids such as "image 1". Empty: all photos.')


class VideoArguments(Arguments):
    videos: tuple[VideoId, ...] = Field(default=(), description='Video ids such as "video 1". Empty: all videos.')


class FileArguments(Arguments):
    images: tuple[str, ...] = Field(default=(), description='Image ids such as "image 1".')
    videos: tuple[str, ...] = Field(
        default=(), description='Video ids such as "video 1". No image and no video: all photos and videos.'
    )


class SubjectArguments(Arguments):
    subjects: tuple[SubjectId, ...] = Field(
        default=(),
        description='Face ids such as "face 1.2", or image ids for all faces in them. Empty: all faces.',
    )


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


@dataclass(frozen=True)
class Backend:
    """One model or method that a tool can run on.

    here: usable on this machine now. how: what to do where it is not, as a command or a sentence.
    size: bytes of its weights (0 without weights). fetch: downloads and checks them, for `faceagent models get`.
    """

    tool: str
    method: Method
    kind: Literal["embedded", "published", "method"]
    here: bool
    chosen: bool
    size: int = 0
    how: str | None = None
    fetch: Callable[[Callable[[int, int], None]], Path] | None = None


@dataclass(frozen=True)
class Names:
    """How sentences call things: "the face" while there is one, "face 1.2" when there are several.

    images, faces: all ids in view; photos: display names by image id (used by reports).
    """

    images: tuple[str, ...]
    faces: tuple[str, ...]

    def of(self, subject: str) -> str:
        if " + " in subject:
            *first, last = (self.of(part) for part in subject.split(" + "))
            return f"{', '.join(first)} and {last}"
        if subject.startswith("image") and len(self.images) == 1:
            return "the photo"
        if subject.startswith("face") and len(self.faces) == 1:
            return "the face"
        return subject

    def start(self, subject: str) -> str:
        """The same at the start of a sentence."""
        name = self.of(subject)
        return name[0].upper() + name[1:]


class FaceTool(ABC, Generic[ArgumentsT]):
    """Base of all tools.

    name: a contract (prompts, corpora and evals use it). description: what a model reads to choose the tool.
    needs_faces: faces are looked for in the named photos before `run` is called.
    words: package and file of a table, in the form of faceagent/ground/words.toml, of what sentences may say of this
    tool's attributes; None where words.toml itself has them.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    arguments: ClassVar[type[Arguments]]
    needs_faces: ClassVar[bool] = False
    words: ClassVar[tuple[str, str] | None] = None

    @abstractmethod
    def run(self, session: Session, arguments: ArgumentsT) -> Sequence[Evidence]:
        """Measure. One Evidence per subject and attribute; ids and times are filled in by the Toolbox.

        Raises:
            InputError: the arguments name something that does not exist or cannot be used.
            ToolError: the measurement failed for good.
        """

    @abstractmethod
    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        """Say in sentences what this tool's evidence carries: answers, reasons, doubts. A pure function of it."""

    @abstractmethod
    def backends(self) -> Sequence[Backend]:
        """Everything this tool can run on, here or not, the chosen one marked. Loads nothing."""

    def scope(self, session: Session, arguments: ArgumentsT) -> tuple[str, ...]:
        """The images or videos a call concerns (faces are looked for in images first if `needs_faces`)."""
        if isinstance(arguments, VideoArguments):
            return session.videos_in(arguments.videos)
        if isinstance(arguments, FileArguments):
            return session.files_in(arguments.images, arguments.videos)
        named = getattr(arguments, "images", ()) or getattr(arguments, "subjects", ())
        return session.images_in(named)


AnyTool = FaceTool[Any]


TOLD = frozenset(
    {"id", "subject", "attribute", "value", "unit", "status", "reason", "score", "probability", "interval"}
)
"""What of a row of evidence a model is told."""


@dataclass(frozen=True)
class Outcome:
    """What a call gave: the step for the log and the evidence, already in the ledger."""

    step: Step
    evidence: tuple[Evidence, ...]

    def for_model(self) -> str:
        """The observation as compact JSON.

        Free text from files is not part of it beyond the values measured; rows that may hold such text are marked
        "quotes_file", and every text is one line of at most 200 printable characters.
        """
        rows = [
            {key: value for key, value in row.model_dump(include={*TOLD}).items() if value is not None}
            for row in self.evidence
        ]
        marked = [row | {"quotes_file": True} for row in rows] if self.step.tool in QUOTES_FILES else rows
        body: dict[str, object] = {"evidence": marked}
        if self.step.message:
            body["message"] = self.step.message
        return without_marks(json.dumps(printable(body), ensure_ascii=False, separators=(",", ":")))


def without_marks(text: str) -> str:
    """JSON that means the same, in which no text can be a mark (<|im_start|>) that ends a message for a model."""
    return text.replace("<", "\\u003c")


def printable(value: object) -> object:
    """JSON values with every text on one line, without invisible characters, and cut where it is very long."""
    if isinstance(value, str):
        kept = "".join(char if unicodedata.category(char)[0] not in "CZ" else " " for char in value[: 8 * _LONGEST])
        text = " ".join(kept.split())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    if isinstance(value, Mapping):
        return {key: printable(item) for key, item in value.items()}
    return [printable(item) for item in value] if isinstance(value, list | tuple) else value


class Toolbox(Mapping[str, AnyTool]):
    """Tools by name.

    Raises:
        UsageError: two tools have the same name.
    """

    def __init__(self, tools: Iterable[AnyTool]) -> None:
        self._tools: dict[str, AnyTool] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise UsageError(f"Two tools are called {tool.name!r}", "Leave one out")
            self._tools[tool.name] = tool

    def __getitem__(self, name: str) -> AnyTool:
        return self._tools[name]

    def __iter__(self) -> Any:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    @staticmethod
    def installed() -> Toolbox:
        """The tools of every installed package that declares the entry point `faceagent.tools`."""
        return Toolbox(tool for entry in entry_points(group="faceagent.tools") for tool in entry.load()())

    def call(self, session: Session, name: str, arguments: Mapping[str, Any]) -> list[Outcome]:
        """Run one tool, and before it the detector where it needs faces. Never raises for a failed measurement.

        Returns:
            The outcomes in the order in which they happened; the last is that of the tool asked for.
        """
        tool = self._tools.get(name)
        if tool is None:
            message = f"There is no tool {name!r}. Tools: {', '.join(self._tools)}."
            return [Outcome(Step(tool=name, status="refused", message=message), ())]
        try:
            parsed = tool.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            return [Outcome(Step(tool=name, status="refused", message=_not_valid(error)), ())]
        try:
            scope = tool.scope(session, parsed)
        except InputError as error:
            return [Outcome(Step(tool=name, arguments=_dumped(parsed), status="refused", message=str(error)), ())]
        before = self._look_for_faces(session, scope) if tool.needs_faces else []
        return [*before, self._run(session, tool, parsed)]

    def _look_for_faces(self, session: Session, images: Sequence[str]) -> list[Outcome]:
        missing = tuple(image for image in images if not session.detected(image))
        return self.call(session, DETECTOR, {"images": missing}) if missing and DETECTOR in self else []

    def _run(self, session: Session, tool: AnyTool, arguments: Arguments) -> Outcome:
        start = time.perf_counter()
        status: Literal["ok", "failed", "refused"] = "ok"
        message: str | None = None
        found: Sequence[Evidence] = ()
        with span(f"call {tool.name}", tool=tool.name) as timed:
            try:
                found = tool.run(session, arguments)
            except InputError as error:
                status, message = "refused", str(error)
            except FaceAgentError as error:
                status, message = "failed", str(error)
                found = [_failure(tool, session, arguments, error)]
            timed.set_attribute("faceagent.status", status)
        spent = (time.perf_counter() - start) * 1000
        share = spent / max(len(found), 1)
        rows = tuple(
            session.ledger.record(row if row.milliseconds else row.model_copy(update={"milliseconds": share}))
            for row in found
        )
        step = Step(
            tool=tool.name,
            arguments=_dumped(arguments),
            status=status,
            evidence=tuple(row.id for row in rows),
            milliseconds=spent,
            message=message,
        )
        return Outcome(step, rows)

    def bind(self, session: Session, steps: list[Step] | None = None) -> list[BaseTool]:
        """The tools as LangChain tools that act on one session: text for the model, `Outcome`s as the artifact.

        Args:
            steps: every step is appended to this list as it happens.
        """
        # Imported where used, so that `import faceagent` does not pay for it.
        from langchain_core.tools import StructuredTool

        def runner(name: str) -> Any:
            def run(**arguments: Any) -> tuple[str, list[Outcome]]:
                outcomes = self.call(session, name, arguments)
                if steps is not None:
                    steps.extend(outcome.step for outcome in outcomes)
                return "\n".join(outcome.for_model() for outcome in outcomes), outcomes

            return run

        return [
            StructuredTool.from_function(
                func=runner(tool.name),
                name=tool.name,
                description=tool.description,
                args_schema=tool.arguments,
                response_format="content_and_artifact",
                handle_validation_error=_not_valid,
            )
            for tool in self._tools.values()
        ]


def _dumped(arguments: Arguments) -> dict[str, Any]:
    return arguments.model_dump(mode="json", exclude_defaults=True)


def _not_valid(error: Any) -> str:
    return f"The arguments are not valid: {first_fault(error)}."


def _failure(tool: AnyTool, session: Session, arguments: Arguments, error: FaceAgentError) -> Evidence:
    """Evidence that a tool failed, so that the failure can be cited and is not mistaken for an absence."""
    scope = tool.scope(session, arguments)
    chosen = next((backend.method for backend in tool.backends() if backend.chosen), None)
    return Evidence(
        tool=tool.name,
        subject=scope[0] if scope else "image 1",
        attribute=tool.name,
        status="failed",
        reason=str(error),
        method=chosen or Method(name=tool.name, version="unknown", licence="unknown"),
    )
