"""What a training will cost, before it starts: parameters, memory, time. Weights are not read, nor downloaded.

Memory is the sum of what is known (weights, gradients, AdamW's two averages) and of activations by the count of
Korthikanti et al. 2022 (arXiv:2205.05198: 34 bytes a token, layer and unit of width in 16 bits, attention by blocks),
in a batch of the longest conversations.
Time is the work, 2 operations a weight and token forward and up to twice that backward (Kaplan et al. 2020,
arXiv:2001.08361), at a share of the speed at which this machine was just seen to multiply matrices. Expect either to
be off by a factor of up to two; on a processor, whose allocator keeps what it once took, memory by up to four.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from faceagent.controllers.pretrained import ChatFormat, check_place, explained, read_config, read_processor
from faceagent_finetune.vlm import network as networks
from faceagent_finetune.vlm.batches import NOT_LEARNT, Batches
from faceagent_finetune.vlm.conversations import Conversations
from faceagent_finetune.vlm.recipe import Part, Recipe

_ACTIVATIONS = 34  # bytes a token, layer and unit of width, in 16 bits
_KEPT = 2  # the same where the rest is computed again
_OPTIMISER = 12  # bytes a trained weight: gradient and two averages
_SCORES = 12  # bytes a token that is learnt and word of the vocabulary: scores, their logarithms and gradients
_NF4 = 4.5 / 8  # bytes a weight, its scales included
_USED = 0.4  # of the speed of a large multiplication, in training
_SAMPLED = 64  # conversations whose length is measured
_LONGEST = 8  # of those with the most characters, likewise: one that is longer than max_length is not learnt


@dataclass(frozen=True)
class Load:
    """Of a conversation. tokens: that the language model reads; learnt: of these, those that it has to write; patches:
    that the vision tower reads."""

    tokens: float
    patches: float
    learnt: float


@dataclass(frozen=True)
class Estimate:
    """parameters, trained: how many. by_kind: conversations. load: of the mean one. steps: of the whole run. memory:
    bytes on each device. seconds: of the whole run on one device such as this. device: which that is."""

    parameters: int
    trained: int
    by_kind: Mapping[str, int]
    load: Load
    steps: int
    memory: float
    seconds: float
    device: str


def estimate(recipe: Recipe, corpus: Path) -> Estimate:
    """
    Raises:
        UsageError: there is no such model or corpus. ControllerError: its configuration or processor cannot be read.
    """
    check_place(recipe.model)
    with explained(recipe.model):
        config, processor = read_config(recipe.model), read_processor(recipe.model)
        weights = dict(networks.empty(config, recipe).named_parameters())
    data = Conversations(corpus, "train", recipe.choice)
    ends = [processor.tokenizer.eos_token]
    batches = Batches(data, ChatFormat.of(processor), ends, recipe.max_length, recipe.image_side)
    load, longest = loads(batches, config)
    steps = recipe.steps or max(1, round(recipe.epochs * len(data) / recipe.batch / recipe.accumulate))
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    work = _operations(recipe, config.model_type, weights, load) * recipe.batch * recipe.accumulate * steps
    return Estimate(
        parameters=sum(weight.numel() for weight in weights.values()),
        trained=_trained(weights),
        by_kind=data.by_kind,
        load=load,
        steps=steps,
        memory=memory(recipe, config, weights, longest),
        seconds=work / (_USED * _speed(device or torch.device("cpu"), networks.bf16(recipe))),
        device=str(device or "cpu"),
    )


def memory(recipe: Recipe, config: Any, weights: Mapping[str, Any], longest: Load) -> float:
    """Bytes on each device.

    Args:
        weights: by name, of which shapes alone are read. longest: that a conversation may be.
    """
    held = _held(recipe, config.model_type, weights)
    return held + _OPTIMISER * _trained(weights) + _activations(recipe, config, longest)


def loads(batches: Batches, config: Any) -> tuple[Load, Load]:
    """The mean conversation, of some taken evenly from the corpus, and the longest."""
    side = config.vision_config.patch_size
    area = side[0] * side[1] if isinstance(side, list | tuple) else side**2
    every = max(1, len(batches.conversations) // _SAMPLED)
    found = [_load(batches([number]), area) for number in range(0, len(batches.conversations), every)]
    mean = Load(*(fmean(column) for column in zip(*map(astuple, found), strict=True)))
    sizes = batches.conversations.sizes
    long = [_load(batches([number]), area) for number in sorted(range(len(sizes)), key=sizes.__getitem__)[-_LONGEST:]]
    return mean, max((*found, *long), key=lambda one: one.tokens)


def _load(batch: Mapping[str, Any], area: int) -> Load:
    """Of a batch of one. area: pixels of a patch."""
    pixels = batch.get("pixel_values")
    read, learnt = float(batch["attention_mask"].sum()), float((batch["labels"] != NOT_LEARNT).sum())
    if pixels is None:
        return Load(read, 0.0, learnt)
    # [patches, values], or pictures of [3, height, width] under any other dimensions.
    patches = pixels.shape[0] if pixels.ndim == 2 else pixels.numel() / (3 * area)
    return Load(read, float(patches), learnt)


def _part(name: str, kind: str) -> Part:
    return networks.part_of(name.removeprefix("base_model.model."), kind)


def _trained(weights: Mapping[str, Any]) -> int:
    return sum(weight.numel() for weight in weights.values() if weight.requires_grad)


def _held(recipe: Recipe, kind: str, weights: Mapping[str, Any]) -> float:
    """Bytes of the weights."""
    # What is not in 4 bits peft has in 32.
    frozen, total = 2 if networks.bf16(recipe) and recipe.method != "qlora" else 4, 0.0
    for name, weight in weights.items():
        few = recipe.method == "qlora" and weight.ndim == 2 and "layers." in name and _part(name, kind) == "language"
        total += weight.numel() * (4 if weight.requires_grad else _NF4 if few else frozen)
    return total


def _activations(recipe: Recipe, config: Any, load: Load) -> float:
    """Bytes of what is kept for the way back, through the language model and, if it is trained, the tower."""
    text, wide = config.get_text_config(), 1 if networks.bf16(recipe) else 2
    layers = [(text.num_hidden_layers, text.hidden_size, load.tokens)]
    if "vision" in recipe.parts:
        vision = config.vision_config
        depth = getattr(vision, "num_hidden_layers", None) or vision.depth
        layers.append((depth, vision.hidden_size, load.patches))
    a_token = sum(
        wide * width * read * ((_KEPT * depth + _ACTIVATIONS) if recipe.checkpointing else _ACTIVATIONS * depth)
        for depth, width, read in layers
    )
    return float(recipe.batch * (a_token + _SCORES * text.vocab_size * load.learnt))


def _operations(recipe: Recipe, kind: str, weights: Mapping[str, Any], load: Load) -> float:
    """A conversation: 2 a weight and token forward; 2 back through what lies behind what is trained, 2 more for what is
    trained in full; and 2 for what is computed again."""
    total = 0.0
    for name, weight in weights.items():
        part = _part(name, kind)
        back = 2 if part == "language" or part in recipe.parts else 0
        times = 2 + back + (2 if recipe.method == "full" and weight.requires_grad else 0)
        times += 2 if recipe.checkpointing and back else 0
        total += times * weight.numel() * (load.patches if part == "vision" else load.tokens)
    return total


def _speed(device: torch.device, halved: bool) -> float:
    """Operations a second of a large multiplication, seen for half a second."""
    one = torch.randn(2048, 2048, device=device, dtype=torch.bfloat16 if halved else torch.float32)
    float((one @ one)[0, 0])
    begun, done = time.monotonic(), 0
    while time.monotonic() - begun < 0.5:
        float((one @ one)[0, 0])
        done += 1
    return float(done * 2 * 2048**3 / (time.monotonic() - begun))
