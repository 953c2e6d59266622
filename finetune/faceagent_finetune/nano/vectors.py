"""Vectors that a small model's pieces begin with: those of multilingual-e5-small (see `planner.teacher`), in which
words of like meaning lie near each other, as far as there is room."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import torch
from torch import Tensor

from faceagent_finetune.planner import teacher

_SPREAD = 0.1
"""Standard deviation: transformers' 0.02 is soon drowned by what the layers add."""


def vectors(tokenizer: Any, width: int, seed: int) -> Tensor:
    """[pieces, width]. What the teacher does not have begins by chance.

    Args:
        tokenizer: from `tokens.learn`. width: at most the teacher's, 384; its main directions are kept (PCA), turned
            by chance, so that none of the heads that share them out has the most.

    Raises:
        MissingExtra, WeightsCorrupt: see `teacher.encoder`.
    """
    known = teacher.vocabulary()
    names = [_name(tokenizer.decode([piece]), known) for piece in range(len(tokenizer))]
    table: Tensor = teacher.encoder(names, 1, ()).embeddings.word_embeddings.weight.detach()
    there = torch.tensor([bool(name) for name in names])
    chance = torch.Generator().manual_seed(seed)
    found = torch.randn(len(names), width, generator=chance)
    centred = table[there] - table[there].mean(0)
    main = torch.linalg.svd(centred, full_matrices=False)[2][:width]
    turned = centred @ main.T @ torch.linalg.qr(torch.randn(len(main), width, generator=chance).T)[0].T
    found[there] = turned / turned.std()
    return found * _SPREAD


def _name(text: str, known: Container[str]) -> str:
    """Of a piece, as the teacher writes it; "" where it has none."""
    word = "▁" + text.removeprefix(" ").casefold()
    ways = (word,) if text.startswith(" ") else (text.casefold(), word)
    return next((way for way in ways if text.strip() and way in known), "")
