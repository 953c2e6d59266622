"""The controller that runs a vision-language model on this machine, through transformers.

Each turn is held to a grammar (see `constraint`): calls of the tools that were bound, or a `Draft`. Without tools the
model writes freely. The choice of tokens is greedy unless a temperature is set.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel, generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr

from faceagent.controllers.abandoned import ABANDONED
from faceagent.controllers.constraint import CLOSE, OPEN, Constraint, turn_grammar
from faceagent.controllers.local_model import LoadIn, LocalModel, load
from faceagent.controllers.person import PersonTokens
from faceagent.controllers.transcript import Transcript, transcribe
from faceagent.errors import ControllerError

# Longest sides, in pixels, that are tried one after the other until a conversation fits the model.
_SIDES = (1024, 768, 512, 384)


def open_local(spec: str, load_in: LoadIn | None = None, person: PersonTokens | None = None) -> LocalController:
    """The controller for "<model folder or hub id>[+<adapter folder>]".

    Raises:
        MissingExtra, UsageError, ControllerError: see `local_model.load`.
    """
    parts = [spec] if Path(spec).is_dir() else spec.rsplit("+", 1)
    # A shell does not resolve "~" inside a word.
    model, *adapter = (str(Path(part).expanduser()) if part.startswith("~") else part for part in parts)
    return LocalController(model=load(model, adapter[0] if adapter else None, load_in, person))


class LocalController(BaseChatModel):
    """A chat model over one local network. Calls from several threads wait for one another.

    Args:
        model: from `local_model.load`.
        max_tokens: longest turn; one that nears it is closed early (see `Constraint`).
        temperature: 0 takes the likeliest token each time.
        max_pictures: shown in one conversation; fewer where the context does not hold them.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: LocalModel = Field(exclude=True, repr=False)
    max_tokens: int = Field(default=1024, ge=1)
    temperature: float = Field(default=0.0, ge=0.0)
    max_pictures: int = Field(default=16, ge=0)
    sees_images: bool = True
    _one_at_a_time: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _running: set[threading.Event] = PrivateAttr(default_factory=set)

    @property
    def _llm_type(self) -> str:
        return "faceagent-transformers"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "temperature": self.temperature}

    @property
    def model_name(self) -> str:
        """What LangChain's traces call it."""
        return self.model.name

    def cancel(self) -> None:
        """Stop what is being written, from any thread, after the token at hand; who waits gets a ControllerError."""
        for stopped in tuple(self._running):
            stopped.set()

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Every turn will be calls of these tools, or a Draft.

        Args:
            tool_choice: "auto"; "none": a Draft; "any" or True: one call, of whichever tool; a tool's name: its call.
        """
        choice = ("any" if tool_choice else None) if isinstance(tool_choice, bool) else tool_choice
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        tools = kwargs.get("tools") or []
        inputs, hidden = self._fitted(messages, tools)
        writing = _Writing(self, inputs, self._grammar(tools, kwargs.get("tool_choice")) if tools else None, stop)
        written = ""
        for piece in writing:
            written += piece
            # A Draft begins with a brace; calls are handed over whole, once they can be read.
            if not (tools and written.startswith("<")):
                yield _reported(AIMessageChunk(content=piece), run_manager)
        last = AIMessageChunk(
            content="",
            tool_call_chunks=[
                tool_call_chunk(name=name, args=arguments, id=f"call_{_calls_in(messages) + place}", index=place)
                for place, (name, arguments) in enumerate(_read_calls(written) if tools else (), start=1)
            ],
            usage_metadata=writing.usage(),
            response_metadata={
                "finish_reason": "stop" if writing.whole or writing.written < writing.limit else "length",
                "model_name": self.model.name,
                "not_shown": hidden,
            },
            chunk_position="last",
        )
        yield _reported(last, run_manager)

    def _grammar(self, tools: Sequence[dict[str, Any]], choice: str | None) -> str:
        vocabulary = self.model.chat.processor.tokenizer.get_vocab()
        return turn_grammar(tools, choice, special={name for name in (OPEN, CLOSE) if name in vocabulary})

    def _fitted(
        self, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]
    ) -> tuple[Mapping[str, Any], list[str]]:
        """Tensors that leave room for a turn, and the labels of pictures that had to stay out."""
        whole = transcribe(messages, tools, self.model.chat.knows, self.model.chat.control_tokens)
        room = self.model.context - min(self.max_tokens, self.model.context // 4)
        for candidate in _smaller_and_smaller(whole.showing(self.max_pictures)):
            inputs = self.model.encode(candidate, tools)
            if inputs["input_ids"].shape[1] <= room:
                return inputs, whole.labels[len(candidate.pictures) :]
        raise ControllerError(
            f"The conversation is longer than {self.model.name} can read ({self.model.context} tokens)",
            "Ask about fewer photos at a time, or use a model with a longer context",
        )


def _smaller_and_smaller(transcript: Transcript) -> Iterator[Transcript]:
    """The conversation with its pictures ever smaller, then with ever fewer of them; the first are kept."""
    if not transcript.pictures:
        yield transcript
        return
    for side in _SIDES:
        yield transcript.shrunk(side)
    smallest = transcript.shrunk(_SIDES[-1])
    for count in range(len(transcript.pictures) - 1, -1, -1):
        yield smallest.showing(count)


class _Writing:
    """One turn being written by the network in a thread of its own; iterate over it for its text, piece by piece.

    The network stops after the token at hand, or does not begin, once the iterator is closed or nobody waits for the
    turn any more.
    """

    def __init__(
        self, controller: LocalController, inputs: Mapping[str, Any], grammar: str | None, stop: Sequence[str] | None
    ) -> None:
        self.controller = controller
        self.model = controller.model
        self.inputs = inputs
        self.read = int(inputs["input_ids"].shape[1])
        self.limit = min(controller.max_tokens, self.model.context - self.read)
        self.constraint = None if grammar is None else Constraint(self.model.tokens, grammar, self.limit)
        self.stop = tuple(stop or ())
        self.written = 0
        self.whole = False
        self._stopped = threading.Event()
        self._abandoned = ABANDONED.get()
        self._queue: SimpleQueue[int | BaseException | None] = SimpleQueue()

    def __iter__(self) -> Iterator[str]:
        worker = threading.Thread(target=self._work, name="faceagent-writing", daemon=True)
        self.controller._running.add(self._stopped)
        worker.start()
        try:
            yield from _until(self.stop, self._pieces())
            if self._over() and not self.whole:
                raise ControllerError("The model was stopped before its turn was finished", "Ask again")
            if self.constraint is not None and not self.whole and not self.stop:
                raise ControllerError(
                    f"The model's turn was cut off after {self.written} tokens", "Allow it more with max_tokens"
                )
        finally:
            self._stopped.set()
            worker.join()
            self.controller._running.discard(self._stopped)

    def usage(self) -> Any:
        return {
            "input_tokens": self.read,
            "output_tokens": self.written,
            "total_tokens": self.read + self.written,
        }

    def _pieces(self) -> Iterator[str]:
        from tokenizers.decoders import DecodeStream

        decoder = DecodeStream(skip_special_tokens=self.constraint is None)
        while (token := self._queue.get()) is not None:
            if isinstance(token, BaseException):
                raise token
            self.written += 1
            if token in self.model.ends:
                self.whole = True
            elif piece := decoder.step(self.model.chat.processor.tokenizer.backend_tokenizer, token):
                yield piece

    def _work(self) -> None:
        try:
            with self.controller._one_at_a_time:
                if not self._over():
                    self._write()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that reads
            self._queue.put(error)
        finally:
            self._queue.put(None)

    def _write(self) -> None:
        import torch

        choosing: dict[str, Any] = {"do_sample": False, "temperature": None, "top_k": None, "top_p": None}
        if self.controller.temperature:
            choosing = {"do_sample": True, "temperature": self.controller.temperature, "top_k": 0, "top_p": 1.0}
        try:
            self.model.network.generate(
                **self.inputs,
                max_new_tokens=self.limit,
                # Ids and keys repeat by nature: a penalty on repetition would make them up anew.
                repetition_penalty=1.0,
                eos_token_id=list(self.model.ends),
                pad_token_id=self.model.ends[0],
                logits_processor=[] if self.constraint is None else [self.constraint],
                stopping_criteria=[self._ended],
                streamer=_Streamer(self._queue),
                **choosing,
            )
        except torch.OutOfMemoryError as error:
            raise ControllerError(
                f"There is not enough memory for {self.model.name}", "Use --load-in 4bit, or a smaller model"
            ) from error

    def _over(self) -> bool:
        return self._stopped.is_set() or self._abandoned.is_set()

    def _ended(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        return torch.full((1,), self._over(), dtype=torch.bool, device=input_ids.device)


class _Streamer:
    """Puts new tokens on a queue; `generate` hands over the prompt first."""

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        self.queue = queue
        self.prompt_passed = False

    def put(self, tokens: Any) -> None:
        if self.prompt_passed:
            for token in tokens.flatten().tolist():
                self.queue.put(token)
        self.prompt_passed = True

    def end(self) -> None:
        pass


def _until(stops: Sequence[str], pieces: Iterator[str]) -> Iterator[str]:
    """The text up to the first of the stop sequences. What may be the beginning of one is held back."""
    if not stops:
        yield from pieces
        return
    held = ""
    longest = max(map(len, stops))
    for piece in pieces:
        held += piece
        found = [place for place in (held.find(stop) for stop in stops) if place >= 0]
        if found:
            yield held[: min(found)]
            return
        ready = len(held) - longest + 1
        if ready > 0:
            yield held[:ready]
            held = held[ready:]
    yield held


def _reported(message: AIMessageChunk, run_manager: CallbackManagerForLLMRun | None) -> ChatGenerationChunk:
    chunk = ChatGenerationChunk(message=message)
    if run_manager is not None:
        run_manager.on_llm_new_token(str(message.text), chunk=chunk)
    return chunk


def _read_calls(text: str) -> list[tuple[str, str]]:
    """Names and arguments (JSON) of the calls in a turn that obeys the grammar."""
    reader = json.JSONDecoder()
    calls = []
    place = 0
    while opening := re.compile(re.escape(OPEN) + r"\s*").match(text, place):
        body, end = reader.raw_decode(text, opening.end())
        calls.append((body["name"], json.dumps(body["arguments"], ensure_ascii=False)))
        place = text.index(CLOSE, end) + len(CLOSE)
        place += len(text[place:]) - len(text[place:].lstrip())
    return calls


def _calls_in(messages: Sequence[BaseMessage]) -> int:
    return sum(len(message.tool_calls) for message in messages if isinstance(message, AIMessage))
