"""What benchmarks that ask questions share: photos, tools, a controller in the seat, what it drafted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.outputs import ChatGeneration, LLMResult
from pydantic import ValidationError

from faceagent.controllers import make_controller
from faceagent.controllers.draft import Draft
from faceagent.errors import UsageError
from faceagent.media import Photo
from faceagent.tool import VIDEO, AnyTool, Toolbox
from faceagent.types import Interval
from faceagent_eval.benchmark import Benchmark, Figure, ItemT, MeasuredT, Result, machine, versions
from faceagent_eval.metrics import wilson
from faceagent_tools import default_tools
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

    def files(self) -> Sequence[Path]:
        """The photo files, by name.

        Raises:
            UsageError: there are none.
        """
        folder = self._data or _EXAMPLES
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PHOTOS) if folder.is_dir() else []
        if not found:
            raise UsageError(f"There are no photos in {folder}", "Name a folder of photos with --data")
        return found[: self.limit]

    def photos(self) -> list[Photo]:
        return [Photo.open(path) for path in self.files()]

    def tools(self) -> list[AnyTool]:
        """All tools for photos, sharing their networks."""
        return [tool for tool in default_tools(self.backend) if tool.name != VIDEO]

    def seated(self, tools: Sequence[AnyTool]) -> BaseChatModel:
        return make_controller(self.controller, Toolbox(tools))

    def result(self, protocol: str, figures: Sequence[Figure], **more: Any) -> Result:
        """The result, under the controller's name where another benchmark has the backend's."""
        return Result(
            benchmark=self.name,
            backend=re.sub(r"[^\w.-]+", "-", self.controller).strip("-"),
            protocol=f"{protocol}; controller {self.controller}, detector {self.backend}",
            figures=tuple(figures),
            machine=machine(),
            versions=versions("faceagent", "langchain-core", "onnxruntime"),
            **more,
        )


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
