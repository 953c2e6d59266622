"""Small models of every architecture that is tuned, as configurations."""

from __future__ import annotations

from typing import Any

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 64,
}
TOWER = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 16,
}
QWEN_TOWER = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "depth": 2,
    "num_heads": 2,
    "out_hidden_size": 32,
    "fullatt_block_indexes": [1],
    "deepstack_visual_indexes": [0],
}
ROPE = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 3, 3]}
# Model types with configurations of them, and how many linear layers vision tower and connector have.
MODELS: dict[str, tuple[dict[str, Any], int, int]] = {
    "internvl": ({"text_config": {"model_type": "qwen2", **TEXT}, "vision_config": TOWER}, 2 * 6, 2),
    "qwen2_5_vl": ({"text_config": {**TEXT, "rope_parameters": ROPE}, "vision_config": QWEN_TOWER}, 2 * 5, 2),
    "qwen3_vl": ({"text_config": TEXT, "vision_config": QWEN_TOWER}, 2 * 4, 4),
    "idefics3": ({"text_config": {"model_type": "llama", **TEXT}, "vision_config": TOWER}, 2 * 6, 1),
    "smolvlm": ({"text_config": {"model_type": "llama", **TEXT}, "vision_config": TOWER}, 2 * 6, 1),
    "llava": (
        {
            "text_config": {"model_type": "llama", **TEXT},
            "vision_config": {"model_type": "clip_vision_model", **TOWER},
        },
        2 * 6,
        2,
    ),
}
