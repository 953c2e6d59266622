"""What benchmarks that ask questions share: photos, tools, a controller in the seat, what it drafted."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.outputs import ChatGeneration, LLMResult
from pydantic import ValidationError

from faceagent.agent import FaceAgent
from faceagent.controllers import make_controller
from faceagent.controllers.draft import Draft
from faceagent.errors import ControllerError, MediaError, UsageError
from faceagent.loop import LOOPING, NOWHERE, TOO_LONG, TOO_MUCH, UNUSABLE
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import VIDEO, AnyTool, Toolbox
from faceagent.types import Answer, Answered, Interval, Step, StepFinished
from faceagent_eval.benchmark import Benchmark, Figure, ItemT, MeasuredT, Result, machine, versions
from faceagent_eval.metrics import wilson
from faceagent_eval.suite import without_folders
from faceagent_tools import default_tools, weights
from faceagent_tools.align import POINTS
from faceagent_tools.detectors import CHOICES

EXAMPLES = Path(__file__).parents[2] / "examples"
_log = logging.getLogger(__name__)
_PHOTOS = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic"}


class Asking(Benchmark[ItemT, MeasuredT]):
    """Base of benchmarks that put questions about photos to a controller.

    The photos are those of the data folder, or else the examples of the source tree. backend: the face detector.
    """

    backends: ClassVar[tuple[str, ...]] = CHOICES
    takes_limit: ClassVar[bool] = True
    takes_controller: ClassVar[bool] = True
    photos_at_most: ClassVar[int | None] = None
    """Where the limit is of something else."""

    def __init__(self, data: Path | None = None, backend: str | None = None) -> None:
        super().__init__(data, backend)
        self._unreadable: list[str] = []
        self._model: BaseChatModel | None = None

    def files(self) -> Sequence[Path]:
        """The photo files, by name.

        Raises:
            UsageError: there are none.
        """
        folder = self._data or EXAMPLES
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PHOTOS) if folder.is_dir() else []
        if not found:
            raise UsageError(f"There are no photos in {folder}", "Name a folder of photos with --data")
        return found[: self.photos_at_most or self.limit]

    def photos(self) -> list[Photo]:
        """Those of the files that can be read; the others are listed in the result as missing.

        Raises:
            MediaError: none can be read.
        """
        found: list[Photo] = []
        files = self.files()
        for path in files:
            try:
                found.append(Photo.open(path))
            except MediaError:
                self._unreadable.append(path.name)
        if not found:
            raise MediaError(f"None of the {len(files)} photos can be read, {files[0].name} for one")
        return found

    def measured_data(self, items: Sequence[ItemT]) -> Iterable[object]:
        return [*self.files(), *items]

    def tools(self) -> list[AnyTool]:
        """All tools for photos, sharing their networks."""
        return [tool for tool in default_tools(self.backend) if tool.name != VIDEO]

    def seated(self, tools: Sequence[AnyTool]) -> BaseChatModel:
        """Who sits in the seat. A model is the same one every time: it is loaded once."""
        if self.controller == "embedded":
            return make_controller(self.controller, Toolbox(tools))
        if self._model is None:
            self._model = make_controller(self.controller, Toolbox(tools))
        return self._model

    def assistant(self) -> FaceAgent:
        """The whole assistant with this controller in the seat."""
        tools = self.tools()
        return FaceAgent(self.seated(tools), tools=tools, purpose="research")

    def result(self, protocol: str, figures: Sequence[Figure], **more: Any) -> Result:
        """The result, under the controller's name where another benchmark has the backend's."""
        missing = (*self._unreadable, *more.pop("missing", ()))
        return Result(
            benchmark=self.name,
            backend=seat_name(self.controller),
            protocol=f"{protocol}; controller {without_folders(self.controller)}, detector {self.backend}",
            figures=tuple(figures),
            complete=not missing,
            missing=missing,
            weights=self._weights(),
            machine=machine(),
            versions=versions("faceagent", "langchain-core", "onnxruntime"),
            **more,
        )

    def _weights(self) -> dict[str, str]:
        """Of the tools' networks, and of the planner where it sits in the seat."""
        rows = [row for tool in default_tools(self.backend) for row in tool.backends() if row.chosen and row.here]
        # Alignment is no backend of any tool.
        points = weights.method(POINTS)
        networks = {row.method.name: row.method.sha256 for row in rows if row.method.sha256}
        return {
            points.name: str(points.sha256),
            **networks,
            **(planner_weights() if self.controller == "embedded" else {}),
        }


def seat_name(controller: str) -> str:
    """A controller as part of a file's name."""
    return re.sub(r"[^\w.-]+", "-", without_folders(controller)).strip("-")


def planner_weights() -> dict[str, str]:
    """SHA-256 of the planner's files, by name."""
    folder = files("faceagent.controllers")
    return {
        name: hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest()
        for name in ("planner.onnx", "planner.model")
    }


def share(name: str, hits: Sequence[bool]) -> Figure:
    """A percentage with its 95 % interval; 0 of nothing where there is nothing."""
    if not hits:
        return Figure(name=name, value=0.0, unit="%", n=0)
    found = wilson(sum(hits), len(hits))
    interval = Interval(low=100 * found.low, high=100 * found.high, level=found.level)
    return Figure(name=name, value=100 * sum(hits) / len(hits), unit="%", interval=interval, n=len(hits))


@dataclass(frozen=True)
class Held:
    """A conversation as it went. answer: None where the controller gave none that can be used. steps: its calls, those
    that were refused included."""

    answer: Answer | None
    steps: tuple[Step, ...]

    @property
    def stopped(self) -> bool:
        """Whether the assistant had to end it."""
        return self.answer is not None and bool(_STOPS.intersection(self.answer.not_established))

    def called(self, tools: Collection[str]) -> frozenset[str]:
        """Names of the tools that were called and exist."""
        return frozenset(step.tool for step in self.steps if step.tool in tools)


_STOPS = frozenset({TOO_MUCH, TOO_LONG, LOOPING, NOWHERE})


def held(agent: FaceAgent, question: str, session: Session) -> Held:
    """Have a question answered, whatever the controller makes of it."""
    steps: list[Step] = []
    answer: Answer | None = None
    try:
        for event in agent.stream(question, session=session):
            if isinstance(event, StepFinished):
                steps.append(event.step)
            elif isinstance(event, Answered) and UNUSABLE not in event.answer.not_established:
                answer = event.answer
    except ControllerError as error:
        _log.info("no usable answer: %s: %s", question, error)
    return Held(answer, tuple(steps))


def conduct(rows: Sequence[Held], tools: Collection[str]) -> Mapping[str, list[bool]]:
    """What may go wrong with a controller besides what it says: of each conversation, whether it did."""
    return {
        "a tool called that does not exist": [any(step.tool not in tools for step in row.steps) for row in rows],
        "a call that was refused": [any(step.status == "refused" for step in row.steps) for row in rows],
        "stopped by the budget": [row.stopped for row in rows],
    }


class Overhears(BaseCallbackHandler):
    """Keeps every draft of a controller, before the agent holds it against the evidence, and how long its turns took.

    unreadable: turns that are neither calls nor a draft. seconds: of each turn.
    """

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.unreadable = 0
        self.seconds: list[float] = []
        self._begun = 0.0

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self._begun = time.perf_counter()

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        self.seconds.append(time.perf_counter() - self._begun)
        generation = response.generations[0][0]
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if message is None or getattr(message, "tool_calls", None) or getattr(message, "invalid_tool_calls", None):
            return
        found = re.search(r"\{.*\}", message.text, re.DOTALL)
        try:
            self.drafts.append(Draft.model_validate_json(found[0] if found else message.text))
        except ValidationError:
            self.unreadable += 1
