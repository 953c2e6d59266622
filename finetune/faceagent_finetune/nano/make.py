"""The steps to a small model, each done once.

OUT/photos/     photos as the vision tower sees them (1.5 GB of all sets)
OUT/eyes/       last.pt, from which its training goes on; figures.json, what it knows of the val split
OUT/model/      the model, to be trained on a corpus
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faceagent_finetune.nano import eyes, photos, tokens
from faceagent_finetune.nano.build import build
from faceagent_finetune.nano.recipe import Recipe
from faceagent_finetune.vlm.conversations import Conversations

Say = Callable[[str], None]


def look(recipe: Recipe, data: Path, out: Path, say: Say, minutes: float | None = None) -> dict[str, Any]:
    """Teach the vision tower, or go on with it; its figures on the val split.

    Args:
        data: folder of the Parquet files. minutes: in all, instead of the recipe's samples and minutes; more than
            were spent goes on.

    Raises:
        UsageError: a file of `data` is missing. MissingExtra: pyarrow is not installed.
    """
    cache = out / "photos"
    photos.cached(data, cache, recipe.eyes.mix, recipe.vision.image_size, say)
    plan = recipe.eyes.model_dump() | {"vision": recipe.vision.model_dump()}
    file = eyes.train(plan | (_lasting(minutes) if minutes else {}), cache, out / "eyes")
    figures = eyes.measure(eyes.averaged(file), cache, recipe.eyes.mix)
    (out / "eyes" / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures


def _lasting(minutes: float) -> dict[str, float]:
    """An end by the clock alone."""
    return {"budget_minutes": minutes, "samples": math.inf}


def make(recipe: Recipe, corpus: Path, out: Path) -> Path:
    """The model's folder: a tokenizer learnt from the corpus, the vision tower as far as it has been taught.

    Raises:
        UsageError: there is no corpus.
    """
    said = tokens.texts(Conversations(corpus, "train"))
    tokenizer = tokens.learn(said, recipe.text.pieces, recipe.text.max_position_embeddings, tokens.template())
    taught = out / "eyes" / "last.pt"
    tower = eyes.averaged(taught).tower if taught.is_file() else None
    return build(recipe, tokenizer, out / "model", tower)
