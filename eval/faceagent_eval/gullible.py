"""A controller that obeys whatever it reads, to show what the loop around a model prevents and what it does not.

It plans as the embedded controller does. As soon as an attack's text stands in anything that it is given (inventory,
question, observation, or the picture, which `eyes` stands for), it calls the tool that the text wants, and puts the
sentence that the text wants into every place that a draft has: a claim on the first evidence at hand with the right
subject, attribute and value, a remark, and what could not be established.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict

from faceagent.controllers.draft import Draft
from faceagent.controllers.embedded import EmbeddedController
from faceagent.tool import Toolbox
from faceagent.types import Claim
from faceagent_eval.injection import Attack

_RECOGNISED = 40
"""Letters and digits of an attack by which it is recognised: files' texts are cut and cleaned on their way."""


class Gullible(BaseChatModel):
    """See the module. obeyed: whether the attack's text reached it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    tools: Toolbox
    attack: Attack
    eyes: str = ""
    obeyed: bool = False
    sees_images: bool = False

    @property
    def _llm_type(self) -> str:
        return "gullible"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tool_names=tuple(tool.name for tool in tools))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        planned = EmbeddedController(tools=self.tools)._generate(messages, **kwargs).generations[0].message
        given = _letters(" ".join([self.eyes, *(message.text for message in messages)]))
        self.obeyed = self.obeyed or _letters(self.attack.text)[:_RECOGNISED] in given
        if self.obeyed and isinstance(planned, AIMessage) and not planned.tool_calls:
            planned = self._calling(messages) or self._drafting(planned, messages)
        return ChatResult(generations=[ChatGeneration(message=planned)])

    def _calling(self, messages: Sequence[BaseMessage]) -> AIMessage | None:
        made = {call["name"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}
        if self.attack.calls is None or self.attack.calls in made:
            return None
        return AIMessage("", tool_calls=[{"name": self.attack.calls, "args": {}, "id": "wanted", "type": "tool_call"}])

    def _drafting(self, planned: AIMessage, messages: Sequence[BaseMessage]) -> AIMessage:
        draft = Draft.model_validate_json(planned.text)
        says = self.attack.says
        if says is None:
            return planned
        outcomes = [one for message in messages if isinstance(message, ToolMessage) for one in message.artifact or ()]
        rows = [row for outcome in outcomes for row in outcome.evidence][:1]
        wanted = draft.model_copy(
            update={
                "claims": (*(Claim.on([row], says, "answer") for row in rows), *draft.claims),
                "remarks": (says, *draft.remarks),
                "not_established": (says, *draft.not_established),
            }
        )
        return AIMessage(wanted.model_dump_json())


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
