"""The planner's network: what a question asks for, and where in it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from faceagent_finetune.planner.tokens import PADDING

_STEEP = 4.0  # logits in units of the labels' vectors: what is learnt from nothing begins within reach


class Planner(nn.Module):
    """Pieces of a question -> what it asks for.

    The encoder reads the whole question; then each label looks at the pieces that matter to it.

    Args:
        encoder: a transformers.BertModel. labels: how many.
    """

    def __init__(self, encoder: Any, labels: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.looks = nn.Linear(width, labels, bias=False)
        nn.init.zeros_(self.looks.weight)  # at first at all of them alike
        self.says = nn.Parameter(torch.randn(labels, width) * 0.02)
        self.bias = nn.Parameter(torch.full((labels,), -3.0))  # few labels hold for a question
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """ids [N, T], 0 after the end -> logits [N, labels]; places [N, labels]: the piece that a label looks at,
        counted from 0, as a mean."""
        kept = ids != PADDING
        x = self.dropout(self.encoder(input_ids=ids, attention_mask=kept.long()).last_hidden_state)
        unseen = (~kept)[:, None].float() * -1e4  # [N, 1, T]
        attention = torch.softmax(self.looks(x).transpose(1, 2) + unseen, dim=-1)  # [N, labels, T]
        seen = attention @ x
        logits = _STEEP * (seen * self.says).sum(-1) + self.bias
        order = torch.cumsum(torch.ones_like(ids, dtype=x.dtype), dim=1)[..., None] - 1
        return logits, (attention @ order)[..., 0]

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """`body` begins with what the teacher knows, `rest` from nothing."""
        return {"body": list(self.encoder.parameters()), "rest": [self.looks.weight, self.says, self.bias]}
