"""Looks on while a model is trained: progress, the curve of the loss, and an end to a run whose loss is no number."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerCallback

from faceagent_finetune.finite import check_finite
from faceagent_finetune.plot import Chart, line, png

CURVE = "loss.png"


@dataclass(frozen=True)
class Seen:
    """After a step. loss: mean over the tokens of the step; speed: tokens read a second, in the mean so far."""

    step: int
    steps: int
    loss: float
    speed: float


Progress = Callable[[Seen], None]


class Watch(TrainerCallback):
    """
    Args:
        out: the run's folder, for the curve.

    Raises:
        LossNotANumber: before anything of such a step is kept.
    """

    def __init__(self, out: Path, on_progress: Progress) -> None:
        self._out, self._on_progress = out, on_progress
        self._begun, self._read = time.monotonic(), 0
        self.speed = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._begun, self._read = time.monotonic(), state.num_input_tokens_seen

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        logs: Mapping[str, float] = kwargs["logs"]
        if "loss" not in logs:
            return
        seen = {"loss": logs["loss"], "gradient": logs.get("grad_norm", 0.0)}
        check_finite(state.global_step, seen, "learning_rate or clip")
        self.speed = (state.num_input_tokens_seen - self._read) / max(time.monotonic() - self._begun, 1e-9)
        if state.is_world_process_zero:
            self._on_progress(Seen(state.global_step, state.max_steps, logs["loss"], self.speed))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            (self._out / CURVE).write_bytes(png(curve(state.log_history)))


def curve(history: Sequence[Mapping[str, float]]) -> Chart:
    """Losses by step, as the trainer keeps them."""
    lines = {}
    for name, key in (("train", "loss"), ("val", "eval_loss")):
        rows = [(row["step"], row[key]) for row in history if key in row]
        if rows:
            lines[name] = line(*np.asarray(rows, dtype=np.float64).T)
    points = [point for of in lines.values() for point in of]
    return Chart(
        title="Loss by step",
        x="step",
        y="mean over the assistant's tokens, nats",
        lines=lines,
        xs=(0.0, max((step for step, _ in points), default=1.0)),
        ys=(0.0, max((loss for _, loss in points), default=1.0) or 1.0),
    )
