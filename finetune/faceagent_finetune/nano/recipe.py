"""What a small model is made of, as a TOML file says."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from faceagent.errors import UsageError
from faceagent.types import Frozen
from faceagent_finetune.nets.multitask.augment import Strength
from faceagent_finetune.nets.multitask.crops import SOURCES
from faceagent_finetune.recipes import check_known, read_toml
from faceagent_tools.multitask import HEADS

Size = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]


class Vision(Frozen):
    """`vision_config` of Idefics3. image_size: side of the square that every picture is made, in pixels."""

    hidden_size: Size
    intermediate_size: Size
    num_hidden_layers: Size
    num_attention_heads: Size
    image_size: Size
    patch_size: Size


class Text(Frozen):
    """Of Llama. max_position_embeddings: tokens that it reads; pieces: in the vocabulary, at most; teacher: whether
    their vectors begin as those of multilingual-e5-small."""

    hidden_size: Size
    intermediate_size: Size
    num_hidden_layers: Size
    num_attention_heads: Size
    num_key_value_heads: Size
    max_position_embeddings: Size
    pieces: Annotated[int, Field(ge=300)]  # 256 of them are bytes
    teacher: bool = False


class Rates(Frozen):
    """The highest learning rate of each part."""

    tower: Positive
    heads: Positive


class Eyes(Frozen):
    """What `nets.loop` needs to teach the vision tower. mix: share of each set in a batch; weights: of each head's
    loss; augment: fields of `nets.multitask.augment.Strength`."""

    seed: Annotated[int, Field(ge=0)]
    threads: Size
    batch: Size
    samples: Size
    budget_minutes: Positive
    warmup: Share
    weight_decay: Annotated[float, Field(ge=0.0)]
    smoothing: Share
    average: Share
    checkpoint_minutes: Positive
    learning_rate: Rates
    mix: dict[str, Share]
    weights: dict[str, Annotated[float, Field(ge=0.0)]]
    augment: dict[str, float]


class Recipe(Frozen):
    """merged: patches a side that become one token."""

    seed: Annotated[int, Field(ge=0)]
    merged: Size
    vision: Vision
    text: Text
    eyes: Eyes

    @property
    def image_tokens(self) -> int:
        """That a picture takes, those that frame it aside."""
        return (self.vision.image_size // self.vision.patch_size // self.merged) ** 2

    @staticmethod
    def read(path: Path) -> Recipe:
        """
        Raises:
            UsageError: there is no such file, or something in it is unknown, missing or does not fit.
        """
        table, _ = read_toml(path, "finetune/recipes/nano_model.toml")
        try:
            recipe = Recipe.model_validate(table)
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}", "Mend that line") from None
        labelled = [name for name, source in SOURCES.items() if not source.all_val]
        check_known(recipe.eyes.mix, labelled, "set in [eyes.mix]:", path)
        check_known(recipe.eyes.augment, (field.name for field in fields(Strength)), "line in [eyes.augment]:", path)
        if set(recipe.eyes.weights) != set(HEADS):
            raise UsageError(f"{path}: [eyes.weights] must name {', '.join(HEADS)}", "Mend that table")
        if recipe.vision.image_size % (recipe.vision.patch_size * recipe.merged):
            raise UsageError(
                f"{path}: {recipe.vision.image_size} pixels are no whole number of patches of "
                f"{recipe.vision.patch_size} pixels, {recipe.merged} a side merged",
                "Change image_size, patch_size or merged",
            )
        return recipe
