"""A vision-language model from a folder or the hub, with its weights, and perhaps an adapter, ready to answer."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from faceagent.controllers.person import PersonTokens
from faceagent.controllers.pretrained import (
    ChatFormat,
    check_place,
    end_tokens,
    explained,
    first_line,
    read_config,
    read_processor,
)
from faceagent.controllers.transcript import Transcript
from faceagent.errors import ControllerError, MissingExtra, UsageError

LoadIn = Literal["4bit", "8bit"]

_MOST_CONTEXT = 32_768
"""Tokens; longer contexts are claimed by many models, and cost more memory than a conversation is worth."""


@dataclass(frozen=True)
class LocalModel:
    """What `load` gives.

    network: of transformers, perhaps with a LoRA adapter of peft. chat: how it reads a conversation. tokens:
    llguidance's view of the tokenizer. ends: ids of the tokens that end a turn. context: tokens, prompt and answer
    together.
    """

    name: str
    network: Any
    chat: ChatFormat
    tokens: Any
    ends: tuple[int, ...]
    context: int

    def encode(self, transcript: Transcript, tools: Sequence[dict[str, Any]]) -> Mapping[str, Any]:
        """Tensors for `generate`, on the network's device; "input_ids" is [1, length]."""
        encoded = self.chat.tensors([self.chat.render(transcript.turns, tools)], [transcript.pictures])
        embeddings = self.network.get_input_embeddings().weight
        moved: Mapping[str, Any] = encoded.to(embeddings.device, dtype=embeddings.dtype)
        return moved


def load(
    model: str, adapter: str | None = None, load_in: LoadIn | None = None, person: PersonTokens | None = None
) -> LocalModel:
    """
    Args:
        model: a folder as `save_pretrained` writes it, or "owner/name" on the Hugging Face hub.
        adapter: a folder with a LoRA adapter of peft for this model.
        load_in: weights in 4 bits (nf4) or 8, by bitsandbytes; by default as they are stored.
        person: soft tokens that were trained with this model and adapter.

    Raises:
        MissingExtra: the extra `local` is not installed.
        UsageError: there is no such folder, it holds no vision-language model, or the adapter or the tokens do not fit.
        ControllerError: the model cannot be fetched or loaded.
    """
    _need("torch", "transformers", "llguidance", *(["peft"] if adapter else ()), *(["bitsandbytes"] if load_in else ()))
    from llguidance.hf import from_tokenizer

    check_place(model)
    with explained(model):
        config = read_config(model)
        processor = read_processor(model)
        network = _network(model, config, load_in)
    if adapter:
        network = adapted(network, adapter)
    if person:
        person.check(model, adapter)
        person.install(network, processor)
    network.eval()
    tokenizer = processor.tokenizer
    ends = end_tokens(network.generation_config, tokenizer)
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
        chat=ChatFormat.of(processor, person.written if person else None),
        tokens=tokens,
        ends=ends,
        context=min(int(getattr(text, "max_position_embeddings", _MOST_CONTEXT)), _MOST_CONTEXT),
    )


def _need(*packages: str) -> None:
    if any(importlib.util.find_spec(package) is None for package in packages):
        raise MissingExtra("A model on this machine as the controller", "local")


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


def adapted(network: Any, adapter: str) -> Any:
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
        raise UsageError(f"The adapter in {adapter} does not fit the model ({first_line(error)})", fits) from error
    if stored != set(get_peft_model_state_dict(adapted)):
        raise UsageError(f"The adapter in {adapter} does not fit the model: it is for other layers", fits)
    return adapted
