"""A controller behind an OpenAI-compatible address: vLLM, `transformers serve`, llama.cpp, a cloud.

LangChain's `ChatOpenAI` speaks the protocol. What is added here: the address as one word
(`openai:http://127.0.0.1:8000/v1#MODEL`), an answer in the agreed form even from a model that writes prose, and one
sentence with its mend for whatever goes wrong on the way.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import SplitResult, urlsplit

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import BaseModel, SecretStr, ValidationError

from faceagent.controllers.draft import Draft
from faceagent.errors import ControllerError, MissingExtra, UsageError

try:
    import httpx
    import openai
    from langchain_openai import ChatOpenAI
except ImportError:
    raise MissingExtra("A controller behind an address", "served") from None

_log = logging.getLogger(__name__)

KEY = "FACEAGENT_API_KEY"
"""Environment variable whose value is sent as the API key, to any server."""

_OPENAI = "api.openai.com"
_SECONDS, _SECONDS_TO_CONNECT, _RETRIES = 120.0, 5.0, 2
"""For one request. Without a GPU a vision model takes a minute and more. Each retry waits longer than the last."""

# What the model wrote instead is not repeated to it: servers read marks such as <|im_start|> in a message as what they
# stand for. The turn in its place is there because some templates want the speakers to alternate.
_AGAIN = (
    AIMessage("My answer is ready."),
    HumanMessage("Give it as JSON only, in the form that was asked for, with nothing before or after it."),
)
_EXAMPLE = "Write it as in openai:http://127.0.0.1:8000/v1#MODEL"


def connect(address: str) -> ServedController:
    """The model at "<base url>#<model>". Nothing is sent yet.

    The key is the value of FACEAGENT_API_KEY. OpenAI's own OPENAI_API_KEY goes to api.openai.com and nowhere else.

    Raises:
        UsageError: the address is not a URL and a model's name, or holds a password; the key cannot be sent.
        ControllerError: api.openai.com without a key.
    """
    url, _, model = address.partition("#")
    parts = _parsed(url)
    if not model:
        raise UsageError(f"The address {url} names no model", _EXAMPLE)
    return ServedController(
        model=model,
        base_url=url.rstrip("/"),
        api_key=_key(parts.hostname or ""),
        temperature=0.0,
        max_retries=_RETRIES,
        timeout=httpx.Timeout(_SECONDS, connect=_SECONDS_TO_CONNECT),
        use_responses_api=False,
        form=Draft,
    )


class ServedController(ChatOpenAI):
    """A chat model behind an OpenAI-compatible address.

    Args:
        sees_images: False for a model of text alone: the agent then sends it no photos.
        form: what the last turn has to be. What `invoke` gets in answer to a request with tools, and is neither a tool
            call nor this, is asked for once more, under the form's JSON schema where the server takes one. Streams and
            `ainvoke` pass on what comes.

    Raises:
        ControllerError: from every call: no server, no such model, no images, no tools, no time, or nonsense.
    """

    sees_images: bool = True
    form: type[BaseModel] | None = None

    @property
    def _llm_type(self) -> str:
        return f"openai:{self._place}#{self.model_name}"

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """No: the environment holds the key, and `connect` makes the same controller from the same address."""
        return False

    @property
    def _place(self) -> str:
        return str(self.openai_api_base)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self._explaining():
            result = super()._generate(messages, stop, run_manager, **kwargs)
            if self._usable(result, kwargs):
                return result
            again = [*messages, *_AGAIN]
            plain = {**kwargs, "tool_choice": "none"}
            schema = {"extra_body": {**kwargs.get("extra_body", {}), **self._under_schema()}}
            try:
                return super()._generate(again, stop, run_manager, **{**plain, **schema})
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                _log.info("%s takes no JSON schema; asking without one", self._place)
                return super()._generate(again, stop, run_manager, **plain)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self._explaining():
            return await super()._agenerate(messages, stop, run_manager, **kwargs)

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        with self._explaining():
            yield from super()._stream(*args, **kwargs)

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        with self._explaining():
            async for chunk in super()._astream(*args, **kwargs):
                yield chunk

    def _create_chat_result(self, response: Any, generation_info: dict[str, Any] | None = None) -> ChatResult:
        try:
            result = super()._create_chat_result(response, generation_info)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._nonsense(str(error)) from error
        if not result.generations:
            raise self._nonsense("no choices")
        return result

    def _usable(self, result: ChatResult, request: dict[str, Any]) -> bool:
        """Whether the agent can go on with this turn.

        Raises:
            ControllerError: it never will: the turn was cut off, or holds a call that the server did not read.
        """
        generation = result.generations[0]
        message = generation.message
        if self.form is None or not request.get("tools") or not isinstance(message, AIMessage):
            return True
        if message.tool_calls or message.invalid_tool_calls or _fits(self.form, message.text):
            return True
        if (generation.generation_info or {}).get("finish_reason") == "length":
            raise ControllerError(
                f"The answer of {self.model_name} was cut off at its limit of length",
                "Serve it with more room (faceagent serve --max-length), or ask about fewer photos",
            )
        if _written_call(message.text, request["tools"]):
            raise ControllerError(
                f"{self.model_name} wrote a tool call that {self._place} did not read as one",
                "Serve it with the tool parser of its family (faceagent serve MODEL writes the command), "
                "or try a larger model",
            )
        return False

    def _under_schema(self) -> dict[str, Any]:
        assert self.form is not None
        schema = {"name": self.form.__name__.lower(), "schema": self.form.model_json_schema(), "strict": False}
        # In `extra_body`, because the client's own `response_format` wants every tool to be strict as well.
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Whatever the client raises becomes a ControllerError."""
        try:
            yield
        except openai.APITimeoutError as error:
            raise ControllerError(
                f"{self._place} did not answer in time",
                "See whether the server is busy or still loading, or serve a smaller model",
            ) from error
        except (openai.APIConnectionError, httpx.TransportError) as error:
            raise ControllerError(
                f"There is no answer from a server at {self._place}",
                f"Start one (faceagent serve {self.model_name}), or correct the address",
            ) from error
        except openai.NotFoundError as error:
            raise self._not_found() from error
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except (openai.OpenAIError, json.JSONDecodeError) as error:
            raise self._nonsense(str(error)) from error

    def _refused(self, error: openai.APIStatusError) -> ControllerError:
        if error.status_code in (401, 403):
            return ControllerError(
                f"{self._place} wants an API key, or another one than it got",
                f"Put it into the environment variable {KEY}",
            )
        said = _said_by_server(error)
        for complaint in _COMPLAINTS:
            if complaint.pattern.search(said):
                names = {"model": self.model_name, "place": self._place}
                return ControllerError(complaint.message.format(**names), complaint.mend.format(**names))
        what = "failed" if error.status_code >= 500 else "refused the request"
        return ControllerError(
            f"{self._place} {what} (HTTP {error.status_code}: {_short(said) or 'it does not say why'})",
            "The server's own log says more; --controller embedded needs no server",
        )

    def _not_found(self) -> ControllerError:
        try:
            served = [model.id for model in self.root_client.with_options(max_retries=0).models.list()]
        except (openai.OpenAIError, httpx.TransportError, AttributeError, TypeError, ValueError):
            return ControllerError(
                f"What answers at {self._place} is not an OpenAI-compatible server",
                "The address of most servers ends in /v1",
            )
        near = get_close_matches(self.model_name, served, n=5, cutoff=0.3) or served[:5]
        return ControllerError(
            f"{self._place} does not serve a model {self.model_name!r}",
            f"It serves {', '.join(_short(name) for name in near) or 'none'}",
        )

    def _nonsense(self, what: str) -> ControllerError:
        return ControllerError(
            f"What {self._place} answered is not a chat completion ({_short(what)})",
            "See whether the address is that of an OpenAI-compatible server",
        )


@dataclass(frozen=True)
class _Complaint:
    """How servers word a refusal, and what a person is told about it."""

    pattern: re.Pattern[str]
    message: str
    mend: str

    @staticmethod
    def of(pattern: str, message: str, mend: str) -> _Complaint:
        return _Complaint(re.compile(pattern, re.IGNORECASE), message, mend)


# As vLLM, llama.cpp, Ollama and OpenAI word them.
_COMPLAINTS = (
    _Complaint.of(
        r"requires --enable-auto-tool-choice|does not support (?:tools|function)|requires? --jinja|"
        r"tools? (?:is|are) not supported",
        "{model} does not call tools as {place} serves it",
        "Serve it with the tool parser of its family (faceagent serve MODEL writes the command), "
        "or choose a model that calls tools",
    ),
    _Complaint.of(
        r"not a multimodal model|(?:does not|doesn't) support (?:image|vision|multimodal)|"
        r"image input is not supported|mmproj|image_url is only supported|at most 0 image|required for image input",
        "{model} does not take images",
        "Serve a vision-language model, or seat it from Python, with sees_images=False",
    ),
    _Complaint.of(
        r"at most \d+ image",
        "{place} takes fewer images in one question than there are",
        "Serve it with a higher limit (faceagent serve --images N), or ask about fewer photos",
    ),
    _Complaint.of(
        r"maximum (?:context|model) length|context_length_exceeded|context size|exceeds the (?:available )?context|"
        r"prompt is too long",
        "The question and its photos are longer than {model} can read at once",
        "Serve it with more room (faceagent serve --max-length), or ask about fewer photos",
    ),
    _Complaint.of(
        r"unsupported (?:value|parameter): '?temperature",
        "{model} does not let its temperature be set",
        "Seat it from Python, with temperature=None",
    ),
)

_CALL_MARKS = re.compile(r"<tool_call|<function=|\[TOOL_CALLS\]|<\|python_tag\|>|<\|action_start\|>|<\|tool_call")
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


def _written_call(text: str, tools: Sequence[dict[str, Any]]) -> bool:
    """Whether a text is a tool call that nobody parsed."""
    if _CALL_MARKS.search(text):
        return True
    names = "|".join(re.escape(str(tool.get("function", {}).get("name"))) for tool in tools)
    return re.search(rf'\{{\s*"name"\s*:\s*"(?:{names})"', text) is not None


def _fits(form: type[BaseModel], text: str) -> bool:
    found = _OBJECT.search(text)
    try:
        form.model_validate_json(found.group(0) if found else text)
    except ValidationError:
        return False
    return True


def _said_by_server(error: openai.APIStatusError) -> str:
    """The message in the body of a refusal: OpenAI's `message`, FastAPI's `detail`, or the body as it is."""
    if isinstance(error.body, dict):
        return str(error.body.get("message") or error.body.get("detail") or error.body)
    return str(error.body or error.response.text)


def _short(text: str) -> str:
    """One line of what a server says, which may be a whole page."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= 200 else f"{line[:200]}…"


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise UsageError(f"{url or 'An empty text'} is not the address of a server", _EXAMPLE)
    if parts.username or parts.password or parts.query:
        # Not repeated in the message: addresses end up in logs and in answers.
        raise UsageError("The address of the server holds a password or a query", f"Put a key into {KEY} instead")
    return parts


def _key(host: str) -> SecretStr:
    for variable in (KEY, "OPENAI_API_KEY") if host == _OPENAI else (KEY,):
        # What a key is read from often ends in a line break.
        if key := os.environ.get(variable, "").strip():
            if not (key.isascii() and key.isprintable()):
                raise UsageError(
                    f"The key in {variable} holds a character that cannot be sent",
                    "Copy it again, without anything else",
                )
            return SecretStr(key)
    if host == _OPENAI:
        raise ControllerError(f"{_OPENAI} wants an API key", f"Put it into the environment variable {KEY}")
    # The client insists on one; a server without keys ignores it.
    return SecretStr("none")
