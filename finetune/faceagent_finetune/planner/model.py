"""The planner's network: what a question asks for, and where in it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from faceagent_finetune.planner.tokens import PADDING


class Planner(nn.Module):
    """Pieces of a question -> what it asks for.

    A convolution binds each piece to its neighbours (slips of the keyboard, phrases), attention to the rest of the
    question; then each label looks at the pieces that matter to it.

    Args:
        pieces: of the tokeniser. labels: how many. width: of a piece's vector.
    """

    def __init__(self, pieces: int, labels: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.pieces = nn.Embedding(pieces, width, padding_idx=PADDING)
        self.near = nn.Conv1d(width, width, 3, padding=1)
        self.mixed = nn.ModuleList(_Layer(width, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.looks = nn.Linear(width, labels, bias=False)
        self.says = nn.Parameter(torch.randn(labels, width) * width**-0.5)
        self.bias = nn.Parameter(torch.full((labels,), -3.0))  # few labels hold for a question
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """ids [N, T], 0 after the end -> logits [N, labels]; places [N, labels]: the piece that a label looks at,
        counted from 0, as a mean."""
        kept = (ids != PADDING)[..., None].float()
        x = self.dropout(self.pieces(ids)) * kept
        x = x + torch.nn.functional.gelu(self.near(x.transpose(1, 2)).transpose(1, 2)) * kept
        unseen = (1 - kept).transpose(1, 2) * -1e4  # [N, 1, T]
        for layer in self.mixed:
            x = layer(x, unseen)
        x = self.dropout(self.norm(x))
        attention = torch.softmax(self.looks(x).transpose(1, 2) + unseen, dim=-1)  # [N, labels, T]
        seen = attention @ x
        logits = (seen * self.says).sum(-1) + self.bias
        order = torch.cumsum(torch.ones_like(kept), dim=1) - 1
        return logits, (attention @ order)[..., 0]


class _Layer(nn.Module):
    """Self-attention with one head, and a feed-forward part. Order is known from the convolution before."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.queries, self.keys, self.values, self.out = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)
        self.scale = width**-0.5

    def forward(self, x: Tensor, unseen: Tensor) -> Tensor:
        y = self.norms[0](x)
        attention = torch.softmax(self.queries(y) @ self.keys(y).transpose(1, 2) * self.scale + unseen, dim=-1)
        x = x + self.dropout(self.out(attention @ self.values(y)))
        y = torch.nn.functional.gelu(self.wide(self.norms[1](x)))
        return x + self.dropout(self.narrow(y))
