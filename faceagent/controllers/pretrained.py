"""What a vision-language model's folder, or its page on the hub, says before any weights are read: its configuration,
its processor, and how it is spoken to. Training and answering go through the same code, so they read the same tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceagent.controllers.transcript import Abilities, Turn, abilities
from faceagent.errors import ControllerError, UsageError

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


@dataclass(frozen=True)
class ChatFormat:
    """How a model reads a conversation.

    processor: text and pictures to tensors. knows: what its chat template can write. control_tokens: strings that the
    tokenizer takes for tokens with a meaning of their own. people: by the mark that names a person, the person's tokens
    (see `person`).
    """

    processor: Any
    knows: Abilities
    control_tokens: tuple[str, ...]
    people: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(processor: Any, people: Mapping[str, str] | None = None) -> ChatFormat:
        """
        Args:
            processor: from `read_processor`.
        """

        def render(turns: list[Turn], tools: list[Any] | None = None) -> str:
            return str(processor.apply_chat_template(turns, tools=tools, add_generation_prompt=True, tokenize=False))

        tokens = processor.tokenizer.added_tokens_decoder.values()
        return ChatFormat(processor, abilities(render), tuple(str(token) for token in tokens), people or {})

    def render(self, turns: Sequence[Turn], tools: Sequence[dict[str, Any]], *, answering: bool = True) -> str:
        """The text that the model reads.

        Args:
            turns: from `transcribe`, with the same tools.
            answering: end with what begins the assistant's turn.
        """
        text = str(
            self.processor.apply_chat_template(
                list(turns),
                tools=list(tools) or None if self.knows.tools else None,
                add_generation_prompt=answering,
                tokenize=False,
            )
        )
        # Last, because what looks like a token in the turns' own texts was broken up.
        for mark, tokens in self.people.items():
            text = text.replace(mark, tokens)
        return text

    def ends(self, generation: Any) -> list[str]:
        """The tokens that end a turn, as text. Args and Raises: see `end_tokens`."""
        tokenizer = self.processor.tokenizer
        return [str(tokenizer.decode([end])) for end in end_tokens(generation, tokenizer)]

    def tensors(self, texts: Sequence[str], pictures: Sequence[Sequence[Any]], **options: Any) -> Any:
        """What the network takes; "input_ids" is [texts, longest].

        Args:
            pictures: of each text, upright RGB, in the order of their places in it.
            options: of the processor.
        """
        beginning = self.processor.tokenizer.bos_token
        return self.processor(
            text=list(texts),
            images=[list(shown) for shown in pictures] if any(pictures) else None,
            return_tensors="pt",
            # Some templates write the token that begins a text; the tokenizer must not do it again.
            add_special_tokens=not (beginning and texts[0].startswith(beginning)),
            **options,
        )


def check_place(model: str) -> None:
    """
    Raises:
        UsageError: `model` is neither a folder with a config.json nor "owner/name".
    """
    path = Path(model)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise UsageError(
                f"There is no model in {model}: config.json is missing", "Give the folder that save_pretrained wrote"
            )
    elif path.is_absolute() or model.startswith((".", "~")) or not _HUB_ID.fullmatch(model):
        raise UsageError(
            f"There is no folder {model}", "Check the path, or give the name of a model on the hub, owner/name"
        )


@contextmanager
def explained(model: str) -> Iterator[None]:
    """transformers' many errors as ours.

    Raises:
        ControllerError: a package is missing, the hub cannot be reached, or files are broken.
    """
    try:
        yield
    except ImportError as error:
        raise ControllerError(
            f"The processor of {model} needs a package that is not here ({first_line(error)})",
            "Install that package, for torchvision the build that matches torch",
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        if _unreachable(error):
            raise ControllerError(
                f"{model} is no folder here, and the Hugging Face hub cannot be reached",
                "Check the path or the connection, or download the model elsewhere and give its folder",
            ) from error
        raise ControllerError(
            f"{model} cannot be loaded ({first_line(error)})", "Check that its files are whole and its name is right"
        ) from error


def _unreachable(error: BaseException | None) -> bool:
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    while error is not None:
        if isinstance(error, LocalEntryNotFoundError | OfflineModeIsEnabled | ConnectionError):
            return True
        error = error.__cause__ or error.__context__
    return False


def first_line(error: BaseException) -> str:
    """Of an error's text, without the full stop; the error's kind where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def read_config(model: str) -> Any:
    """
    Raises:
        UsageError: it is no vision-language model that transformers knows by itself.
    """
    from transformers import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, AutoConfig

    try:
        # Code that comes with a model is never run.
        config = AutoConfig.from_pretrained(model, trust_remote_code=False)
    except ValueError as error:
        raise UsageError(
            f"{model} is no model that transformers knows by itself ({first_line(error)})",
            "Use the version of it that needs no code of its own, on the hub often with the ending -hf",
        ) from error
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise UsageError(
            f"{model} is not a vision-language model (its type is {config.model_type})",
            "Use one that reads pictures and writes text, such as InternVL3, Qwen-VL, SmolVLM or LLaVA",
        )
    return config


def read_processor(model: str) -> Any:
    """With a chat template.

    Raises:
        UsageError: it has no processor for pictures, or no chat template.
    """
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(model, trust_remote_code=False)
    if getattr(processor, "tokenizer", None) is None or getattr(processor, "image_processor", None) is None:
        raise UsageError(f"{model} has no processor for pictures", "Use a model saved with its processor")
    if not (processor.chat_template or processor.tokenizer.chat_template):
        raise UsageError(f"{model} has no chat template", "Use the instruction-tuned version of it")
    processor.chat_template = processor.chat_template or processor.tokenizer.chat_template
    return processor


def end_tokens(generation: Any, tokenizer: Any) -> tuple[int, ...]:
    """Ids of the tokens that end a turn.

    Args:
        generation: the model's generation configuration.

    Raises:
        ControllerError: there are none.
    """
    declared = generation.eos_token_id
    listed = declared if isinstance(declared, list) else [declared]
    ends = tuple(dict.fromkeys(int(end) for end in (*listed, tokenizer.eos_token_id) if end is not None))
    if not ends:
        raise ControllerError(
            "The model does not say with which token a turn ends", "Set eos_token_id in its configuration"
        )
    return ends
