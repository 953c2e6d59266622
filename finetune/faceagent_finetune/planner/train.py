"""Train the planner: python -m faceagent_finetune.planner.train RECIPE --cache DIR --out DIR [--resume]

The cache holds the tokeniser, made when missing.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from faceagent.controllers.planner import FIRST, LAST, LONGEST, labels
from faceagent_finetune.nets import loop
from faceagent_finetune.planner import teacher, tokens
from faceagent_finetune.planner.compose import Composer, Question
from faceagent_finetune.planner.model import Planner

_TOGETHER = 24  # batches that are made at once


@dataclass(frozen=True)
class Batch:
    """ids int64 [N, T]; truth float32 [N, labels], 1 where a label holds."""

    ids: npt.NDArray[np.int64]
    truth: npt.NDArray[np.float32]


class Batches:
    """Questions as numbers, cut into pieces differently each time; those of a batch are about as long as each other.
    Batch k is of the same questions whenever it is made: a run that goes on sees what it would have."""

    def __init__(self, recipe: Mapping[str, Any], tokenizer: Any) -> None:
        self._recipe, self._tokenizer = recipe, tokenizer
        self._turn, self._ready = -1, list[Batch]()

    def batch(self, step: int) -> Batch:
        turn, place = divmod(step, _TOGETHER)
        if turn != self._turn:
            self._turn, self._ready = turn, self._made(turn)
        return self._ready[place]

    def _made(self, turn: int) -> list[Batch]:
        size, seed = self._recipe["batch"], f"{self._recipe['seed']}/{turn}"
        composer, rng = Composer(seed, again=self._recipe["again"]), random.Random(seed)
        questions = [composer.question() for _ in range(size * _TOGETHER)]
        # Before they are cut at random, which no seed decides.
        questions.sort(key=lambda question: len(self._tokenizer.encode(question.text)))
        groups = [questions[start : start + size] for start in range(0, len(questions), size)]
        rng.shuffle(groups)
        return [Batch(padded([self._pieces(q.text, rng) for q in group]), truth(group)) for group in groups]

    def _pieces(self, text: str, rng: random.Random) -> list[int]:
        recipe = self._recipe
        sampled = rng.random() < recipe["sampled"]
        options = {"enable_sampling": True, "alpha": 0.2, "nbest_size": -1} if sampled else {}
        found = self._tokenizer.encode(text, **options)[: LONGEST - 2]
        return [FIRST, *(tokens.LOST if rng.random() < recipe["dropped"] else piece for piece in found), LAST]


def padded(rows: list[list[int]]) -> npt.NDArray[np.int64]:
    """Rows of pieces -> [N, longest], filled up at the end."""
    ids = np.full((len(rows), max(map(len, rows))), tokens.PADDING, np.int64)
    for row, pieces in zip(ids, rows, strict=True):
        row[: len(pieces)] = pieces
    return ids


def truth(questions: list[Question]) -> npt.NDArray[np.float32]:
    """[N, labels]"""
    return np.array([[float(label in q.labels) for label in labels()] for q in questions], np.float32)


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    device = loop.prepare(recipe)
    tokenizer = tokens.load(_tokenizer(recipe, cache))
    pieces = [tokenizer.id_to_piece(place) for place in range(tokenizer.vocab_size())]
    network = Planner(teacher.encoder(pieces, LONGEST, recipe["layers"]), len(labels()), recipe["dropout"])
    network.to(device)
    batches = Batches(recipe, tokenizer)

    def told(batch: Batch, step: int) -> dict[str, Tensor]:
        with torch.autocast(device, torch.bfloat16, enabled=recipe["bf16"]):
            logits, _ = network(torch.from_numpy(batch.ids).to(device))
        given = torch.from_numpy(batch.truth).to(device)
        smooth = given * (1 - recipe["smoothing"]) + recipe["smoothing"] / 2
        return {
            "labels": torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), smooth, reduction="none")
            .sum(1)
            .mean()
        }

    return loop.run(recipe, out, resume, trained=network, parts=network.parts(), make=batches.batch, losses=told)


def averaged(file: Path) -> Planner:
    """The averaged network of a checkpoint, in evaluation mode."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    weights = state["average"]
    layers = sum(name.endswith("attention.self.query.weight") for name in weights)
    encoder = teacher.untrained(len(weights["encoder.embeddings.word_embeddings.weight"]), LONGEST, layers)
    network = Planner(encoder, len(labels()), 0.0)
    network.load_state_dict(weights)
    network.eval()
    return network


def _tokenizer(recipe: Mapping[str, Any], cache: Path) -> Path:
    file = cache / "planner.model"
    if not file.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        tokens.train(file, recipe["pieces"], recipe["seed"])
    return file


if __name__ == "__main__":
    sys.exit(loop.main(__doc__, train, {"labels"}))
