"""A recipe that names the memory of a machine fits it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
transformers = pytest.importorskip("transformers", reason="needs the extra local")
pytest.importorskip("peft", reason="needs the extra local")

from faceagent_finetune.vlm.estimate import Load, memory  # noqa: E402 - after the skip
from faceagent_finetune.vlm.network import empty  # noqa: E402
from faceagent_finetune.vlm.recipe import Recipe  # noqa: E402

RECIPES = Path(__file__).parents[2] / "finetune" / "recipes"
INTERN_TOWER = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 448,
    "patch_size": 14,
}
# As the configurations of the models say that the recipes name.
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "facellm-1b": (
        "internvl",
        {
            "tie_word_embeddings": False,
            "vision_config": INTERN_TOWER,
            "text_config": {
                "model_type": "qwen2",
                "hidden_size": 896,
                "intermediate_size": 4864,
                "num_hidden_layers": 24,
                "num_attention_heads": 14,
                "num_key_value_heads": 2,
                "vocab_size": 151_674,
            },
        },
    ),
    "facellm-8b-qlora": (
        "internvl",
        {
            "tie_word_embeddings": False,
            "vision_config": INTERN_TOWER,
            "text_config": {
                "model_type": "qwen2",
                "hidden_size": 3584,
                "intermediate_size": 18_944,
                "num_hidden_layers": 28,
                "num_attention_heads": 28,
                "num_key_value_heads": 4,
                "vocab_size": 151_674,
            },
        },
    ),
    "smolvlm-500m-laptop": (
        "smolvlm",
        {
            "vision_config": {
                "hidden_size": 768,
                "intermediate_size": 3072,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "image_size": 512,
                "patch_size": 16,
            },
            "text_config": {
                "model_type": "llama",
                "hidden_size": 960,
                "intermediate_size": 2560,
                "num_hidden_layers": 32,
                "num_attention_heads": 15,
                "num_key_value_heads": 5,
                "head_dim": 64,
                "vocab_size": 49_280,
            },
        },
    ),
}


def test_every_recipe_that_names_memory_is_held_against_the_estimate() -> None:
    naming = {file.stem for file in RECIPES.glob("*.toml") if re.search(r"\d GB", _head(file))}
    assert naming == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_the_longest_conversations_fit_the_memory_that_the_recipe_names(name: str) -> None:
    file = RECIPES / f"{name}.toml"
    named = re.search(r"(\d+) GB", _head(file))
    assert named
    # A laptop may have no accelerator, and then reckons in 32 bits.
    precision = "fp32" if "without a GPU" in _head(file) else "bf16"
    recipe = Recipe.read(file).model_copy(update={"precision": precision})
    kind, given = MODELS[name]
    config = transformers.AutoConfig.for_model(kind, **given)
    weights = dict(empty(config, recipe).named_parameters())
    needed = memory(recipe, config, weights, Load(recipe.max_length, 0.0, learnt=recipe.max_length))
    assert 2**31 < needed < int(named[1]) * 1e9


def _head(file: Path) -> str:
    """Its first line, which says what it is for."""
    return file.read_text("utf-8").partition("\n")[0]
