"""Who sits in the controller's seat: LangChain chat models, made by name.

A controller receives a system message (the rules and the inventory of photos and faces), earlier questions with their
answers, the question, and the tools' observations; with `sees_images` (True where a model does not say) also the
photos, and the faces once they are found, no larger than its `image_side`. It answers with tool calls or, when it has
seen enough, with a `Draft` as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceagent.errors import UsageError
from faceagent.tool import Toolbox

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel


def make_controller(spec: str, tools: Toolbox) -> BaseChatModel:
    """The controller that a specification names.

    Args:
        spec: "embedded" (needs no download).
        tools: what it may call; the embedded one words its answers with them.

    Raises:
        UsageError: no such controller.
    """
    if spec == "embedded":
        from faceagent.controllers.embedded import EmbeddedController

        return EmbeddedController(tools=tools)
    raise UsageError(f"There is no controller {spec!r}", "Use embedded, or pass a LangChain chat model from Python")
