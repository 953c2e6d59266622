"""Who sits in the controller's seat: LangChain chat models, made by name.

A controller receives a system message (the rules and the inventory of photos and faces), earlier questions with their
answers, the question, and the tools' observations; with `sees_images` (True where a model does not say) also the
photos, and the faces once they are found, no larger than its `image_side`. It answers with tool calls or, when it has
seen enough, with a `Draft` as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from faceagent.errors import UsageError
from faceagent.tool import Toolbox

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from faceagent.controllers.person import PersonTokens


def make_controller(
    spec: str, tools: Toolbox, *, load_in: Literal["4bit", "8bit"] | None = None, person: PersonTokens | None = None
) -> BaseChatModel:
    """The controller that a specification names.

    Args:
        spec: "embedded" (needs no download), "transformers:<model folder or hub id>[+<adapter folder>]", or
            "openai:<base url>#<model>" (see `served.connect`).
        tools: what it may call; the embedded one words its answers with them.
        load_in: bits of a local model's weights; by default as they are stored.
        person: soft tokens of a protected person, for a local model; a question names the person as <NAME>.

    Raises:
        UsageError: no such controller or model, an address that is none, or tokens that do not fit.
        MissingExtra: it takes an extra that is not installed.
        ControllerError: its model cannot be loaded.
    """
    if spec.startswith("transformers:"):
        from faceagent.controllers.local import open_local

        return open_local(spec.removeprefix("transformers:"), load_in, person)
    if load_in or person:
        what = "loaded in fewer bits" if load_in else "given the tokens of a person"
        raise UsageError(f"Only a local model can be {what}", "Use --controller transformers:MODEL with it")
    if spec == "embedded":
        from faceagent.controllers.embedded import EmbeddedController

        return EmbeddedController(tools=tools)
    if spec.startswith("openai:"):
        from faceagent.controllers.served import connect

        return connect(spec.removeprefix("openai:"))
    raise UsageError(
        f"There is no controller {spec!r}",
        "Use embedded, transformers:MODEL or openai:URL#MODEL, or pass a LangChain chat model from Python",
    )
