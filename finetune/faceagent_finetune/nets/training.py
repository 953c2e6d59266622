"""What the trainings of the embedded networks share: pace, average, checkpoint and log."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faceagent.errors import UsageError

CLIP = 5.0
"""Largest norm of a step's gradient."""
_LONGEST_STEP_SECONDS = 30.0  # more is a machine that slept or a run that was held: not spent
_REPORT_SECONDS = 20.0


class Clock:
    """How much of a run is over, by samples or by the clock, whichever is further.

    So a run on a slow machine is a shorter run, not one that was broken off.

    Args:
        recipe: `batch`, `samples`, `budget_minutes`, `warmup`. step, spent: where a run goes on, in steps and seconds.
    """

    def __init__(self, recipe: Mapping[str, Any], step: int = 0, spent: float = 0.0) -> None:
        self._recipe, self.step, self.spent = recipe, step, spent
        self._last = time.monotonic()

    @property
    def progress(self) -> float:
        """Share of the run; over at 1."""
        samples = self.step * self._recipe["batch"] / self._recipe["samples"]
        return float(max(samples, self.spent / (60 * self._recipe["budget_minutes"])))

    @property
    def pace(self) -> float:
        """Share of the full learning rate: up in a line, down along a cosine."""
        progress, warmup = self.progress, float(self._recipe["warmup"])
        if progress < warmup:
            return max(progress / warmup, 0.01)
        return 0.5 * (1 + math.cos(math.pi * min((progress - warmup) / (1 - warmup), 1.0)))

    def tick(self) -> None:
        """A step is done."""
        now = time.monotonic()
        self.spent, self._last = self.spent + min(now - self._last, _LONGEST_STEP_SECONDS), now
        self.step += 1


def follow(average: torch.nn.Module, network: torch.nn.Module, keep: float) -> None:
    """Move the averaged weights by a share of 1 - `keep` towards the network's."""
    ours, theirs = average.state_dict(), network.state_dict()
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    with torch.no_grad():
        torch._foreach_lerp_([ours[name] for name in floats], [theirs[name] for name in floats], 1 - keep)


def save(
    file: Path,
    recipe: Mapping[str, Any],
    network: torch.nn.Module,
    average: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    clock: Clock,
) -> None:
    """Replaces the file in one step, so that a break-off leaves the old one."""
    part = file.with_suffix(".part")
    state = {
        "recipe": dict(recipe),
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": clock.step,
        "spent": clock.spent,
    }
    torch.save(state, part)
    part.replace(file)


def load(
    file: Path, network: torch.nn.Module, average: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    """Put everything back; steps and seconds done.

    Raises:
        UsageError: there is no such file.
    """
    if not file.is_file():
        raise UsageError(f"{file} does not exist", "Leave out --resume to begin anew")
    state = torch.load(file, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"]), float(state["spent"])


class Log:
    """Mean losses since the last line, speed and time left."""

    def __init__(self, step: int) -> None:
        self._since, self._from = time.monotonic(), step
        self._sums: dict[str, Tensor] = {}

    def add(self, loss: Tensor, parts: Mapping[str, Tensor]) -> None:
        for name, value in {"all": loss, **parts}.items():
            self._sums[name] = self._sums.get(name, torch.zeros(())) + value.detach()

    def report(self, clock: Clock, batch: int) -> None:
        now = time.monotonic()
        if now - self._since < _REPORT_SECONDS or clock.step == self._from:
            return
        count = clock.step - self._from
        means = " ".join(f"{name} {float(value) / count:.3f}" for name, value in self._sums.items())
        speed = count * batch / (now - self._since)
        progress = clock.progress
        left = clock.spent / max(progress, 1e-6) * (1 - progress) / 60
        say(f"{100 * progress:5.1f} %  step {clock.step}  {speed:.0f} samples/s  {left:.0f} min left  {means}")
        self._since, self._from, self._sums = now, clock.step, {}


def say(line: str) -> None:
    """One line of progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
