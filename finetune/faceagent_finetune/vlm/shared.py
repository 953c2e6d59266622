"""A batch as it is learnt with less work: loss and gradients are the same, but for the order of additions.

Scores of all words are made for the tokens that are learnt, and not for those that are only read.

What the conversations of a batch begin with in common can be read once: rules and tools are most of a short
conversation with the assistant, and the same in all of them. They are read into a cache of keys and values to which the
rest of each conversation attends; gradients flow back through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from faceagent.errors import UsageError
from faceagent_finetune.vlm.batches import NOT_LEARNT

COUNTING = ("idefics3", "internvl", "llava", "llava_next", "smolvlm")
"""Types of models whose positions are a plain count of the tokens: only there the rest may be read by itself."""
_LEAST = 64  # tokens: for fewer it does not pay to read twice


@contextmanager
def scored_where_learnt(network: Any, batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The same batch, for which the network, while this is held, scores those places alone after which a token is
    learnt: "logits" are [1, learnt tokens, words], row by row.
    """
    after = torch.nn.functional.pad(batch["labels"][:, 1:], (0, 1), value=NOT_LEARNT).flatten()
    places = (after != NOT_LEARNT).nonzero().flatten()

    def chosen(_: torch.nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return given[0].flatten(0, 1).index_select(0, places)[None], *given[1:]

    hook = network.get_output_embeddings().register_forward_pre_hook(chosen)
    try:
        yield {**batch, "shift_labels": after[places][None]}
    finally:
        hook.remove()


def check_shared(model_type: str, processes: int) -> None:
    """
    Raises:
        UsageError: what is common cannot be read by itself in such a model, or by several processes.
    """
    if processes > 1:
        raise UsageError("shared_prefix is for a single process", "Leave it out of the recipe")
    if model_type not in COUNTING:
        raise UsageError(
            f"shared_prefix is known to be right for models of the types {', '.join(COUNTING)}, not {model_type}",
            "Leave it out of the recipe",
        )


def common(batch: Mapping[str, Tensor], image: int) -> int:
    """How many tokens all rows begin with in common, before anything that is learnt and before any picture; 0 for few.

    Args:
        batch: "input_ids", "attention_mask" and "labels", [rows, tokens], padded on the right.
        image: token that stands for a picture.
    """
    ids, labels = batch["input_ids"], batch["labels"]
    told_apart = (ids != ids[:1]) | (labels != NOT_LEARNT) | (batch["attention_mask"] == 0) | (ids == image)
    apart = told_apart.any(0).nonzero()
    # The last of them is read with the rest: it is what the first token of the rest follows.
    shared = (int(apart[0]) if len(apart) else ids.shape[1]) - 1
    return shared if len(ids) > 1 and shared >= _LEAST else 0


def after_common(network: Any, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The same batch without what its rows have in common, which `network` has read into the cache that is among it."""
    shared = common(batch, network.config.image_token_id)
    if not shared:
        return dict(batch)
    name = _cache_argument(network)
    cache = network(input_ids=batch["input_ids"][:1, :shared], use_cache=True, logits_to_keep=1)[name]
    cache.batch_repeat_interleave(len(batch["input_ids"]))
    rest = {key: batch[key][:, shared:] for key in ("input_ids", "labels")}
    return {**batch, **rest, name: cache, "use_cache": True}


def _cache_argument(network: Any) -> str:
    """What the network calls the cache: transformers renamed it in 5.24."""
    while hasattr(network, "get_base_model"):
        network = network.get_base_model()
    return "cache" if "cache" in signature(type(network).forward).parameters else "past_key_values"
