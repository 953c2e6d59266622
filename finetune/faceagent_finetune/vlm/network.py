"""The network that is tuned: loaded, its parts told apart by name, adapters put in where the recipe wants them."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from faceagent.controllers.pretrained import explained, read_config
from faceagent.errors import UsageError
from faceagent_finetune.vlm.recipe import Part, Recipe
from faceagent_finetune.vlm.shortage import shortage_told

# By `model_type`: how the names of the vision tower's weights begin, and then those of the connector, which may lie
# inside the tower. What is left is language.
_PARTS: dict[str, tuple[str, ...]] = {
    "internvl": ("model.vision_tower.", "model.multi_modal_projector."),
    "qwen2_vl": ("model.visual.", "model.visual.merger."),
    "qwen2_5_vl": ("model.visual.", "model.visual.merger."),
    "qwen3_vl": ("model.visual.", "model.visual.merger.", "model.visual.deepstack_merger_list."),
    "idefics3": ("model.vision_model.", "model.connector."),
    "smolvlm": ("model.vision_model.", "model.connector."),
    "llava": ("model.vision_tower.", "model.multi_modal_projector."),
    "llava_next": ("model.vision_tower.", "model.multi_modal_projector."),
}


def part_of(name: str, model_type: str) -> Part:
    """Which part a weight or layer of that name belongs to.

    Raises:
        UsageError: the parts of such a model are not known.
    """
    if model_type not in _PARTS:
        raise UsageError(
            f"The parts of a model of the type {model_type} are not known", f"Use one of {', '.join(sorted(_PARTS))}"
        )
    vision, *connector = _PARTS[model_type]
    if name.startswith(tuple(connector)):
        return "connector"
    return "vision" if name.startswith(vision) else "language"


def lora_targets(network: Any, parts: Sequence[Part]) -> str:
    """A pattern of the names of all linear layers in some parts, without the output layer, as peft reads it."""
    names = {
        re.sub(r"\\\.\d+\\\.", lambda _: r"\.\d+\.", re.escape(name))
        for name, layer in network.named_modules()
        if isinstance(layer, torch.nn.Linear)
        and layer is not network.get_output_embeddings()
        and part_of(name, network.config.model_type) in parts
    }
    return "|".join(sorted(names))


def load(recipe: Recipe) -> Any:
    """The network, ready to be trained.

    Raises:
        UsageError, ControllerError: it cannot be loaded, see `pretrained`. Shortage: it does not fit the memory.
    """
    return prepared(as_stored(recipe), recipe)


def as_stored(recipe: Recipe) -> Any:
    """The network that a recipe names, of the type that it is trained in. Raises: as `load`."""
    from transformers import AutoModelForImageTextToText

    with explained(recipe.model), shortage_told(recipe.model):
        network = AutoModelForImageTextToText.from_pretrained(recipe.model, **_options(recipe))
    if recipe.compiled:
        # When it is first read with, and in place: names and weights stay, and adapters are compiled with the rest.
        network.get_decoder().compile(dynamic=True)
    return network


def empty(config: Any, recipe: Recipe) -> Any:
    """The same without weights: names and shapes alone, of which parameters are counted."""
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"):
        return prepared(AutoModelForImageTextToText.from_config(config), recipe)


def prepared(network: Any, recipe: Recipe) -> Any:
    """With adapters, or with the weights marked that are trained."""
    kind = network.config.model_type
    if recipe.method == "full":
        for name, weight in network.named_parameters():
            weight.requires_grad_(part_of(name, kind) in recipe.parts)
        return network
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if getattr(network, "is_loaded_in_4bit", False):
        network = prepare_model_for_kbit_training(network, use_gradient_checkpointing=False)
    config = LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=lora_targets(network, recipe.parts),
    )
    with without_future_warnings():
        return get_peft_model(network, config)


@contextmanager
def without_future_warnings() -> Iterator[None]:
    """peft asks transformers for things by names that are going out of use, which no user can mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def check_compiler(recipe: Recipe) -> None:
    """
    Raises:
        UsageError: torch is to compile for this processor, and has nothing to do it with.
    """
    compiler = os.environ.get("CXX", "g++")
    if recipe.compiled and not torch.accelerator.is_available() and shutil.which(compiler) is None:
        raise UsageError(
            f"compiled = true needs a C++ compiler, and there is no {compiler}",
            "Install g++, or set compiled = false, which is slower and comes to the same",
        )


def bf16(recipe: Recipe) -> bool:
    """Whether the arithmetic is in bfloat16."""
    if recipe.precision == "auto":
        return torch.accelerator.is_available() and (not torch.cuda.is_available() or torch.cuda.is_bf16_supported())
    return recipe.precision == "bf16"


def _options(recipe: Recipe) -> dict[str, Any]:
    """What is trained in full stays in 32 bits, so that small steps are not rounded away; what is frozen need not."""
    frozen = torch.bfloat16 if bf16(recipe) else torch.float32
    if recipe.method == "full":
        # Where a processor does it, plain products are compiled to faster code than what torch has ready.
        plain = recipe.compiled and not torch.accelerator.is_available()
        return {"dtype": torch.float32, **({"attn_implementation": "eager"} if plain else {})}
    if recipe.method != "qlora":
        return {"dtype": frozen}
    from transformers import BitsAndBytesConfig

    return {
        "dtype": frozen,
        "device_map": {"": torch.accelerator.current_device_index() if torch.accelerator.is_available() else "cpu"},
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=frozen,
            # The tower and the connector are small, and eyes suffer most from few bits.
            llm_int8_skip_modules=["lm_head", *_kept(read_config(recipe.model).model_type)],
        ),
    }


def _kept(model_type: str) -> list[str]:
    """Names of the modules whose weights keep their bits."""
    return [name.rstrip(".") for name in _PARTS.get(model_type, ())]
