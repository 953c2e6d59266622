"""What a small model is made of, as a TOML file says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from faceagent.errors import UsageError
from faceagent.types import Frozen
from faceagent_finetune.recipes import check_known, read_toml

Size = Annotated[int, Field(ge=1)]


class Vision(Frozen):
    """`vision_config` of Idefics3. image_size: side of the square that every picture is made, in pixels."""

    hidden_size: Size
    intermediate_size: Size
    num_hidden_layers: Size
    num_attention_heads: Size
    image_size: Size
    patch_size: Size


class Text(Frozen):
    """Of Llama. max_position_embeddings: tokens that it reads; pieces: in the vocabulary, at most."""

    hidden_size: Size
    intermediate_size: Size
    num_hidden_layers: Size
    num_attention_heads: Size
    num_key_value_heads: Size
    max_position_embeddings: Size
    pieces: Annotated[int, Field(ge=300)]  # 256 of them are bytes


class Recipe(Frozen):
    """merged: patches a side that become one token. eyes: a recipe of `nets.loop` for the vision tower."""

    seed: Annotated[int, Field(ge=0)]
    merged: Size
    vision: Vision
    text: Text
    eyes: dict[str, Any]

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
        check_known(table, Recipe.model_fields, "key", path)
        try:
            recipe = Recipe.model_validate(table)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            raise UsageError(f"{path}: {name}: {first['msg']}", "Mend that line") from None
        if recipe.vision.image_size % (recipe.vision.patch_size * recipe.merged):
            raise UsageError(
                f"{path}: {recipe.vision.image_size} pixels are no whole number of patches of "
                f"{recipe.vision.patch_size} pixels, {recipe.merged} a side merged",
                "Change image_size, patch_size or merged",
            )
        return recipe
