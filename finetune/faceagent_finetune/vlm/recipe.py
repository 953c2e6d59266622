"""How a model is tuned, as a TOML file says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from faceagent.errors import UsageError
from faceagent.types import Frozen
from faceagent_finetune.recipes import check_known, read_toml

Part = Literal["language", "connector", "vision"]
Count = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0.0)]
R = TypeVar("R", bound="Recipe")


@dataclass(frozen=True)
class Choice:
    """Which conversations of a corpus are used, and how: see `Recipe`."""

    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    replay: float = 0.0
    seed: int = 0
    prompt_dropout: float = 0.0
    pictures: bool = True

    def is_named(self, kind: str) -> bool:
        """Whether all of this kind are used."""
        return (not self.only or kind in self.only) and kind not in self.without

    def takes(self, kind: str) -> bool:
        """Whether any of this kind may be used."""
        return self.is_named(kind) or bool(self.replay and kind not in self.without)


ALL = Choice()


class Lora(Frozen):
    """rank: of each adapter. alpha: what its output is multiplied by, times the rank. dropout: of its inputs, 0-1."""

    rank: Count = 16
    alpha: Count = 32
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05


class Recipe(Frozen):
    """model: a folder, or owner/name on the hub. method: LoRA adapters, the same on weights in 4 bits, or all weights;
    "tokens", soft tokens alone, is for `vip`.

    parts: what is trained. only, without: kinds of conversations that are used, and that are not; () is all, and none.
    replay: share of the conversations that are of other kinds than `only`, so that a model tuned on a new task keeps
    the old ones; evenly of each kind, chosen by `seed`, and as many as there are where these are too few. It holds of
    train and of val.
    prompt_dropout: share of the conversations with tools that are read without the rules and the tools: what a question
    asks for is learnt sooner where it need not be found among a thousand other tokens. It holds of train alone.
    pictures: whether they are shown; a model that knows no language yet learns to read questions several times as fast
    without them.
    epochs: passes over the corpus; steps, if given, counts instead. batch: conversations that a device takes at once;
    `accumulate` of these are a step. learning_rate: the highest. warmup: share of the steps on which it rises. clip:
    largest norm of a step's gradient. max_length: tokens, those of pictures included; longer conversations are left
    out. image_side: longest side of a picture, in pixels. precision: of the arithmetic; "auto" is bf16 on an
    accelerator that has it. checkpointing: computes again what it would keep, a third more work for far less memory.
    shared_prefix: what the conversations of a batch begin with in common, such as the tools, is read once (`shared`).
    compiled: the text model is compiled by torch, which takes a minute or two and pays for a small one on a processor.
    val: conversations of the val split for the loss, every `val_every` steps. save_every: steps. keep: checkpoints.
    threads: of the processor, 0: as many as torch takes. workers: processes that read ahead.
    """

    model: str
    method: Literal["lora", "qlora", "full", "tokens"]
    parts: tuple[Part, ...] = Field(default=("language",), min_length=1)
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    replay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    prompt_dropout: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    pictures: bool = True
    seed: Annotated[int, Field(ge=0)] = 7
    epochs: Annotated[float, Field(gt=0.0)] = 1.0
    steps: Count | None = None
    batch: Count
    accumulate: Count = 1
    learning_rate: Annotated[float, Field(gt=0.0)]
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.03
    weight_decay: NotNegative = 0.0
    clip: Annotated[float, Field(gt=0.0)] = 1.0
    max_length: Count = 4096
    image_side: Count = 1024
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    checkpointing: bool = False
    shared_prefix: bool = False
    compiled: bool = False
    val: Annotated[int, Field(ge=0)] = 200
    val_every: Count = 200
    save_every: Count = 200
    keep: Count = 2
    threads: Annotated[int, Field(ge=0)] = 0
    workers: Annotated[int, Field(ge=0)] = 0
    tensorboard: bool = False
    lora: Lora = Lora()

    @field_validator("replay")
    @classmethod
    def _of_other_kinds(cls, replay: float, info: ValidationInfo) -> float:
        if replay and not info.data.get("only"):
            raise PydanticCustomError("replay", "only says which kinds are the new task, and is missing")
        return replay

    @field_validator("shared_prefix")
    @classmethod
    def _kept_for_the_way_back(cls, shared: bool, info: ValidationInfo) -> bool:
        if shared and info.data.get("checkpointing"):
            raise PydanticCustomError("shared_prefix", "checkpointing keeps no cache of what was read: choose one")
        return shared

    @property
    def choice(self) -> Choice:
        """Which conversations are learnt, and how."""
        return replace(self.val_choice, prompt_dropout=self.prompt_dropout)

    @property
    def val_choice(self) -> Choice:
        """Which are judged."""
        return Choice(self.only, self.without, self.replay, self.seed, pictures=self.pictures)

    @staticmethod
    def read(path: Path, model: str | None = None) -> Recipe:
        """
        Args:
            model: instead of the recipe's.

        Raises:
            UsageError: there is no such file, it is no TOML, or something in it is unknown, missing or of the wrong
                type.
        """
        recipe = read_as(Recipe, path, "finetune/recipes/facellm-1b.toml", **({"model": model} if model else {}))
        if recipe.method == "tokens":
            raise UsageError(f"{path} trains the soft tokens of a person", "Use it with the command vip")
        return recipe


def read_as(kind: type[R], path: Path, example: str, **given: str) -> R:
    """A recipe of some kind.

    Args:
        example: of such a file, to begin with. given: what is taken instead of the file's.

    Raises:
        UsageError: see `Recipe.read`.
    """
    table, _ = read_toml(path, example)
    check_known(table, kind.model_fields, "key", path)
    if isinstance(table.get("lora"), dict):
        check_known(table["lora"], Lora.model_fields, "line in [lora]:", path)
    try:
        return kind.model_validate({**table, **given})
    except ValidationError as error:
        raise UsageError(*_told(path, error.errors()[0])) from None


def _told(path: Path, error: Any) -> tuple[str, str]:
    """The first mistake in a recipe, and its mend."""
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{path} does not say {name}", f"Add a line as in: {name} = …"
    return f"{path}: {name} is {error['input']!r} ({error['msg']})", "Mend that line"
