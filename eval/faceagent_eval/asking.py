"""What benchmarks that ask questions share: photos, tools, a controller in the seat, what it drafted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
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
from faceagent.errors import MediaError, UsageError
from faceagent.media import Photo
from faceagent.tool import VIDEO, AnyTool, Toolbox
from faceagent.types import Interval
from faceagent_eval.benchmark import Benchmark, Figure, ItemT, MeasuredT, Result, machine, versions
from faceagent_eval.metrics import wilson
from faceagent_eval.suite import without_folders
from faceagent_tools import default_tools, weights
from faceagent_tools.align import POINTS
from faceagent_tools.detectors import CHOICES

_EXAMPLES = Path(__file__).parents[2] / "examples"
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

    def files(self) -> Sequence[Path]:
        """The photo files, by name.

        Raises:
            UsageError: there are none.
        """
        folder = self._data or _EXAMPLES
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
        return make_controller(self.controller, Toolbox(tools))

    def assistant(self) -> FaceAgent:
        """The whole assistant with this controller in the seat."""
        tools = self.tools()
        return FaceAgent(self.seated(tools), tools=tools, purpose="research")

    def result(self, protocol: str, figures: Sequence[Figure], **more: Any) -> Result:
        """The result, under the controller's name where another benchmark has the backend's."""
        controller = without_folders(self.controller)
        missing = (*self._unreadable, *more.pop("missing", ()))
        return Result(
            benchmark=self.name,
            backend=re.sub(r"[^\w.-]+", "-", controller).strip("-"),
            protocol=f"{protocol}; controller {controller}, detector {self.backend}",
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


class Overhears(BaseCallbackHandler):
    """Keeps every draft of a controller, before the agent holds it against the evidence."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.unreadable = 0

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        generation = response.generations[0][0]
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if message is None or getattr(message, "tool_calls", None):
            return
        found = re.search(r"\{.*\}", message.text, re.DOTALL)
        try:
            self.drafts.append(Draft.model_validate_json(found[0] if found else message.text))
        except ValidationError:
            self.unreadable += 1
