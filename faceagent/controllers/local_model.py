"""A vision-language model from a folder or the hub: weights, adapter, processor, and what its chat template knows."""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from faceagent.controllers.transcript import Abilities, Transcript, abilities
from faceagent.errors import ControllerError, MissingExtra, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

LoadIn = Literal["4bit", "8bit"]

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_MOST_CONTEXT = 32_768
"""Tokens; longer contexts are claimed by many models, and cost more memory than a conversation is worth."""


@dataclass(frozen=True)
class LocalModel:
    """What `load` gives.

    network: of transformers, perhaps with a LoRA adapter of peft. processor: text and pictures to tensors.
    tokens: llguidance's view of the tokenizer. ends: ids of the tokens that end a turn. context: tokens, prompt and
    answer together. control_tokens: strings that the tokenizer takes for tokens with a meaning of their own.
    """

    name: str
    network: Any
    processor: Any
    tokens: Any
    ends: tuple[int, ...]
    context: int
    knows: Abilities
    control_tokens: tuple[str, ...]

    def encode(self, transcript: Transcript, tools: Sequence[dict[str, Any]]) -> Mapping[str, Any]:
        """Tensors for `generate`, on the network's device; "input_ids" is [1, length]."""
        text = self.processor.apply_chat_template(
            transcript.turns,
            tools=list(tools) or None if self.knows.tools else None,
            add_generation_prompt=True,
            tokenize=False,
        )
        beginning = self.processor.tokenizer.bos_token
        encoded = self.processor(
            text=[text],
            images=[transcript.pictures] if transcript.pictures else None,
            return_tensors="pt",
            # Some templates write the token that begins a text; the tokenizer must not do it again.
            add_special_tokens=not (beginning and text.startswith(beginning)),
        )
        embeddings = self.network.get_input_embeddings().weight
        moved: Mapping[str, Any] = encoded.to(embeddings.device, dtype=embeddings.dtype)
        return moved


def load(model: str, adapter: str | None = None, load_in: LoadIn | None = None) -> LocalModel:
    """
    Args:
        model: a folder as `save_pretrained` writes it, or "owner/name" on the Hugging Face hub.
        adapter: a folder with a LoRA adapter of peft for this model.
        load_in: weights in 4 bits (nf4) or 8, by bitsandbytes; by default as they are stored.

    Raises:
        MissingExtra: the extra `local` is not installed.
        UsageError: there is no such folder, it holds no vision-language model, or the adapter does not fit.
        ControllerError: the model cannot be fetched or loaded.
    """
    _need("torch", "transformers", "llguidance", *(["peft"] if adapter else ()), *(["bitsandbytes"] if load_in else ()))
    from llguidance.hf import from_tokenizer

    _check_place(model)
    with _explained(model):
        config = _config(model)
        processor = _processor(model)
        network = _network(model, config, load_in)
    if adapter:
        network = _adapted(network, adapter)
    network.eval()
    tokenizer = processor.tokenizer
    ends = _ends(network, tokenizer)
    text = config.get_text_config()
    size = max(len(tokenizer), int(text.vocab_size))
    try:
        tokens = from_tokenizer(tokenizer, n_vocab=size, eos_token=list(ends))
    except ValueError as error:
        raise ControllerError(
            f"The tokenizer of {model} cannot be constrained ({error})", "Use another model"
        ) from error
    return LocalModel(
        name=model,
        network=network,
        processor=processor,
        tokens=tokens,
        ends=ends,
        context=min(int(getattr(text, "max_position_embeddings", _MOST_CONTEXT)), _MOST_CONTEXT),
        knows=abilities(_renderer(processor)),
        control_tokens=tuple(str(token) for token in tokenizer.added_tokens_decoder.values()),
    )


def _need(*packages: str) -> None:
    if any(importlib.util.find_spec(package) is None for package in packages):
        raise MissingExtra("A model on this machine as the controller", "local")


def _check_place(model: str) -> None:
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
def _explained(model: str) -> Iterator[None]:
    """transformers' many errors as ours."""
    try:
        yield
    except ImportError as error:
        raise ControllerError(
            f"The processor of {model} needs a package that is not here ({_first_line(error)})",
            "Install that package, for torchvision the build that matches torch",
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        if _unreachable(error):
            raise ControllerError(
                f"{model} is no folder here, and the Hugging Face hub cannot be reached",
                "Check the path or the connection, or download the model elsewhere and give its folder",
            ) from error
        raise ControllerError(
            f"{model} cannot be loaded ({_first_line(error)})", "Check that its files are whole and its name is right"
        ) from error


def _unreachable(error: BaseException | None) -> bool:
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    while error is not None:
        if isinstance(error, LocalEntryNotFoundError | OfflineModeIsEnabled | ConnectionError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _config(model: str) -> Any:
    from transformers import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, AutoConfig

    try:
        # Code that comes with a model is never run.
        config = AutoConfig.from_pretrained(model, trust_remote_code=False)
    except ValueError as error:
        raise UsageError(
            f"{model} is no model that transformers knows by itself ({_first_line(error)})",
            "Use the version of it that needs no code of its own, on the hub often with the ending -hf",
        ) from error
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise UsageError(
            f"{model} is not a vision-language model (its type is {config.model_type})",
            "Use one that reads pictures and writes text, such as InternVL3, Qwen-VL, SmolVLM or LLaVA",
        )
    return config


def _processor(model: str) -> Any:
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(model, trust_remote_code=False)
    if getattr(processor, "tokenizer", None) is None or getattr(processor, "image_processor", None) is None:
        raise UsageError(f"{model} has no processor for pictures", "Use a model saved with its processor")
    if not (processor.chat_template or processor.tokenizer.chat_template):
        raise UsageError(f"{model} has no chat template", "Use the instruction-tuned version of it")
    processor.chat_template = processor.chat_template or processor.tokenizer.chat_template
    return processor


def _network(model: str, config: Any, load_in: LoadIn | None) -> Any:
    import torch
    from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

    accelerated = torch.accelerator.is_available()
    # Half precision with five bits of exponent is slow on processors; bfloat16 holds what it holds well enough.
    halved = not accelerated and config.dtype == torch.float16
    options: dict[str, Any] = {"dtype": torch.bfloat16 if halved else "auto"}
    if accelerated or load_in:
        options["device_map"] = "auto" if accelerated else "cpu"
    if load_in == "4bit":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=torch.bfloat16 if accelerated else torch.float32,
        )
    elif load_in == "8bit":
        options["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
    return AutoModelForImageTextToText.from_pretrained(model, trust_remote_code=False, **options)


def _adapted(network: Any, adapter: str) -> Any:
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import SafetensorError, safe_open

    weights = Path(adapter) / "adapter_model.safetensors"
    if not weights.is_file() or not (Path(adapter) / "adapter_config.json").is_file():
        raise UsageError(
            f"There is no adapter in {adapter}",
            "Give the folder with adapter_config.json and adapter_model.safetensors",
        )
    fits = "Use the adapter with the model that it was trained on"
    try:
        with warnings.catch_warnings():
            # What peft only warns of is compared below.
            warnings.simplefilter("ignore", UserWarning)
            adapted = PeftModel.from_pretrained(network, adapter)
        with safe_open(weights, framework="pt") as file:
            stored = set(file.keys())
    except (RuntimeError, ValueError, TypeError, KeyError, SafetensorError) as error:
        raise UsageError(f"The adapter in {adapter} does not fit the model ({_first_line(error)})", fits) from error
    if stored != set(get_peft_model_state_dict(adapted)):
        raise UsageError(f"The adapter in {adapter} does not fit the model: it is for other layers", fits)
    return adapted


def _ends(network: Any, tokenizer: Any) -> tuple[int, ...]:
    declared = network.generation_config.eos_token_id
    listed = declared if isinstance(declared, list) else [declared]
    ends = tuple(dict.fromkeys(int(end) for end in (*listed, tokenizer.eos_token_id) if end is not None))
    if not ends:
        raise ControllerError(
            "The model does not say with which token a turn ends", "Set eos_token_id in its configuration"
        )
    return ends


def _renderer(processor: Any) -> Callable[..., str]:
    def render(turns: list[dict[str, Any]], tools: list[Any] | None = None) -> str:
        return str(processor.apply_chat_template(turns, tools=tools, add_generation_prompt=True, tokenize=False))

    return render
