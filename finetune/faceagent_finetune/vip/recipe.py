"""How the tokens of a person are trained, as a TOML file says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from faceagent_finetune.vlm import recipe as tuning
from faceagent_finetune.vlm.recipe import Count, read_as


class Recipe(tuning.Recipe):
    """As for tuning a model (`method` apart, what concerns adapters is not read), and besides:

    adapter: folder of a LoRA adapter that the model is used with. tokens: how many stand for the person. each:
    conversations of each kind, the kinds weighing alike. look_alikes: of the people who are not the person, as many as
    are most alike are used. swaps: made of each authentic photo, where the folder has none. redrawn: likewise, as a
    generator of small faces would draw it.
    """

    method: Literal["tokens"] = "tokens"
    adapter: str | None = None
    tokens: Annotated[int, Field(ge=1, le=128)] = 16
    each: Count = 64
    look_alikes: Count = 64
    swaps: Count = 2
    redrawn: Count = 2


def read(path: Path, model: str, adapter: str | None = None) -> Recipe:
    """
    Args:
        model, adapter: instead of the recipe's.

    Raises:
        UsageError: as for `vlm.recipe.Recipe.read`.
    """
    given = {"model": model, **({"adapter": adapter} if adapter else {})}
    return read_as(Recipe, path, "finetune/recipes/vip.toml", **given)
