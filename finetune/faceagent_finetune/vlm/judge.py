"""The loss on the val split, by kind of conversation and by group of people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from faceagent_finetune.vlm.batches import NOT_LEARNT, Batches


def judged(trainer: Any, batches: Batches, numbers: Sequence[int]) -> dict[str, Any]:
    """{"all", "by_kind": {kind: …}, "by_group": {"gender: female": …}}, each {"loss", "tokens", "conversations"}; and
    "left_out", how many are broken or too long.

    Losses are means over the assistant's tokens, in nats.

    Args:
        trainer: with the network in it. numbers: of conversations of the val split.
    """
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0, 0])
    left_out = 0
    for number in numbers:
        batch = batches.of([number])
        if batch is None:
            left_out += 1
            continue
        loss, tokens = _loss(trainer, batch)
        for row_name in _names(batches.conversations.record(number)):
            sums[row_name] = [old + new for old, new in zip(sums[row_name], (loss * tokens, tokens, 1), strict=True)]
    told: dict[str, Any] = {"all": None, "by_kind": {}, "by_group": {}, "left_out": left_out}
    for (of, name), (total, read, conversations) in sorted(sums.items()):
        row = {"loss": round(total / read, 4), "tokens": int(read), "conversations": int(conversations)}
        if of == "all":
            told["all"] = row
        else:
            told[of][name] = row
    return told


def _loss(trainer: Any, batch: dict[str, Tensor]) -> tuple[float, int]:
    """Of one conversation: the mean over its tokens, and how many they are."""
    inputs = trainer._prepare_inputs(batch)
    trainer.model.eval()
    with torch.no_grad(), trainer.compute_loss_context_manager():
        loss = trainer.model(**inputs).loss
    # The first token of a text is predicted by none.
    return float(loss), int((inputs["labels"][:, 1:] != NOT_LEARNT).sum())


def _names(record: dict[str, Any]) -> list[tuple[str, str]]:
    groups = record.get("group") or {}
    return [
        ("all", ""),
        ("by_kind", str(record.get("kind", ""))),
        *(("by_group", f"{of}: {group}") for of, group in groups.items() if group),
    ]
