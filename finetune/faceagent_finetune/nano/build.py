"""A model in Idefics3's layout with weights from a seed, and from the vision tower if that was taught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faceagent_finetune.nano.recipe import Recipe
from faceagent_finetune.nano.tokens import BEGIN, END, IMAGE, PAD
from faceagent_finetune.nano.vectors import vectors


def build(recipe: Recipe, tokenizer: Any, folder: Path, tower: Any = None) -> Path:
    """Save model, tokenizer and processor in `folder`, as `AutoModelForImageTextToText` and `AutoProcessor` load them.

    Args:
        tokenizer: from `tokens.learn`. tower: whose weights the vision tower gets, `eyes.Eyes.tower`.

    Raises:
        MissingExtra, WeightsCorrupt: see `vectors`.
    """
    import torch
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor

    # The one of PIL: that of torchvision needs torchvision.
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    side = {"longest_edge": recipe.vision.image_size}
    processor = Idefics3Processor(
        Idefics3ImageProcessorPil(do_image_splitting=False, size=side, max_image_size=side),
        tokenizer,
        image_seq_len=recipe.image_tokens,
        chat_template=tokenizer.chat_template,
    )
    begin, end, pad, image = tokenizer.convert_tokens_to_ids([BEGIN, END, PAD, IMAGE])
    text = recipe.text.model_dump(exclude={"pieces", "teacher"})
    ids = {"bos_token_id": begin, "eos_token_id": end, "pad_token_id": pad}
    torch.manual_seed(recipe.seed)
    network = Idefics3ForConditionalGeneration(
        Idefics3Config(
            image_token_id=image,
            scale_factor=recipe.merged,
            vision_config=recipe.vision.model_dump(),
            text_config={"model_type": "llama", "vocab_size": len(tokenizer), **text, **ids},
        )
    )
    network.generation_config.eos_token_id, network.generation_config.pad_token_id = end, pad
    if recipe.text.teacher:
        begun = vectors(tokenizer, recipe.text.hidden_size, recipe.seed)
        network.get_input_embeddings().weight.data.copy_(begun)
    if tower is not None:
        network.model.vision_model.load_state_dict(tower.state_dict())
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
