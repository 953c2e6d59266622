"""The one training loop, and its command line: pace, average, checkpoint, log.

The learning rate follows the share of the run that is over, by samples or by the clock, whichever is further; so a run
on a slow machine is a shorter run, not one that was broken off.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

from faceagent.errors import UsageError
from faceagent_finetune.finite import check_finite
from faceagent_finetune.nets.ahead import Ahead

Batch = TypeVar("Batch")

_CLIP = 5.0  # largest norm of a step's gradient
_REPORT_SECONDS = 20.0
_LONGEST_STEP_SECONDS = 30.0  # more is a machine that slept or a run that was held: not spent


def prepare(recipe: Mapping[str, Any]) -> str:
    """Seed and threads, before a network is made; the device."""
    torch.manual_seed(recipe["seed"])
    torch.set_num_threads(recipe["threads"])
    cv2.setNumThreads(1)  # the thread that makes batches gets along with one
    return "cuda" if torch.cuda.is_available() else "cpu"


def run(
    recipe: Mapping[str, Any],
    out: Path,
    resume: bool,
    *,
    trained: torch.nn.Module,
    parts: Mapping[str, list[torch.nn.Parameter]],
    make: Callable[[int], Batch],
    losses: Callable[[Batch, int], Mapping[str, Tensor]],
    betas: tuple[float, float] = (0.9, 0.98),
) -> Path:
    """Run a recipe; the path of the checkpoint, last.pt: all that is needed to go on, written every few minutes.

    Args:
        trained: what is averaged and kept. parts: its tensors by their rate in `[learning_rate]`.
        make: the batch of a step. losses: of a batch and its step, each with its weight in `[weights]`.

    Raises:
        UsageError: there is no checkpoint to resume. LossNotANumber: before anything of such a step is kept.
    """
    average = copy.deepcopy(trained).requires_grad_(False)
    optimiser = torch.optim.AdamW(groups(parts, recipe), betas=betas, fused=True)
    out.mkdir(parents=True, exist_ok=True)
    file = out / "last.pt"
    checkpoint = Checkpoint(file, trained, average, optimiser)
    clock = checkpoint.load(recipe) if resume else Clock(recipe)
    batches = Ahead(make, clock.step)
    log = Log(clock.step)
    say(f"{sum(p.numel() for p in trained.parameters()) / 1e6:.2f} M weights")

    trained.train()
    for batch in batches:
        if clock.progress >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * pace(clock.progress, recipe["warmup"])
        told = losses(batch, clock.step)
        loss = torch.stack([recipe["weights"][name] * part for name, part in told.items()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(trained.parameters(), _CLIP)
        check_finite(clock.step + 1, {"loss": loss.item(), "gradient": norm.item()})
        optimiser.step()
        clock.tick()
        follow(average, trained, min(recipe["average"], (1 + clock.step) / (10 + clock.step)))
        log.add(loss, told)
        log.report(clock, recipe["batch"])
        checkpoint.save_if_due(recipe, clock)
    batches.close()
    checkpoint.save(recipe, clock)
    asked = f" of {recipe['samples']}" if math.isfinite(recipe["samples"]) else ""
    say(f"done: {clock.step * recipe['batch']}{asked} samples, {clock.spent / 60:.0f} minutes; {file}")
    return file


def main(about: str | None, train: Callable[[Mapping[str, Any], Path, Path, bool], Path], weights: set[str]) -> int:
    """The command line of a training.

    Args:
        weights: what `[weights]` of the recipe must name.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0] if about else None)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder that the step before made")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on with the checkpoint in --out")
    chosen = parser.parse_args()
    recipe = tomllib.loads(chosen.recipe.read_text(encoding="utf-8"))
    if set(recipe["weights"]) != weights:
        raise UsageError(f"[weights] of {chosen.recipe} must name {', '.join(sorted(weights))}")
    train(recipe, chosen.cache, chosen.out, chosen.resume)
    return 0


def to_input(pixels: np.ndarray[Any, np.dtype[np.uint8]], device: str = "cpu") -> Tensor:
    """uint8 [N, S, S, 3] -> float32 [N, 3, S, S] in channels-last memory."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).to(torch.float32)


def groups(parts: Mapping[str, list[torch.nn.Parameter]], recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each part at its own rate; matrices and filters decay, biases do not."""
    made = []
    for part, tensors in parts.items():
        for decay, chosen in (
            (recipe["weight_decay"], [p for p in tensors if p.ndim > 1]),
            (0.0, [p for p in tensors if p.ndim <= 1]),
        ):
            made.append({"params": chosen, "weight_decay": decay, "full_rate": recipe["learning_rate"][part]})
    return made


def pace(progress: float, warmup: float) -> float:
    """Share of the full learning rate: up in a line, down along a cosine."""
    if progress < warmup:
        return max(progress / warmup, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min((progress - warmup) / (1 - warmup), 1.0)))


def follow(average: torch.nn.Module, network: torch.nn.Module, keep: float) -> None:
    """Move the average of the weights towards the network's."""
    ours, theirs = average.state_dict(), network.state_dict()
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    with torch.no_grad():
        torch._foreach_lerp_([ours[name] for name in floats], [theirs[name] for name in floats], 1 - keep)


class Clock:
    """How far a run is: steps, seconds spent, share that is over."""

    def __init__(self, recipe: Mapping[str, Any], step: int = 0, spent: float = 0.0) -> None:
        self.step, self.spent = step, spent
        self._recipe, self._last = recipe, time.monotonic()

    @property
    def progress(self) -> float:
        samples = self.step * self._recipe["batch"] / self._recipe["samples"]
        return float(max(samples, self.spent / (60 * self._recipe["budget_minutes"])))

    def tick(self) -> None:
        """One step is done."""
        now = time.monotonic()
        self.spent += min(now - self._last, _LONGEST_STEP_SECONDS)
        self._last, self.step = now, self.step + 1


class Checkpoint:
    """All that is needed to go on, in one file."""

    def __init__(
        self, file: Path, network: torch.nn.Module, average: torch.nn.Module, optimiser: torch.optim.Optimizer
    ) -> None:
        self._file, self._saved = file, time.monotonic()
        self._parts: dict[str, Any] = {"network": network, "average": average, "optimiser": optimiser}

    def save(self, recipe: Mapping[str, Any], clock: Clock) -> None:
        """Replaces the file in one step, so that a break-off leaves the old one."""
        part = self._file.with_suffix(".part")
        state = {name: held.state_dict() for name, held in self._parts.items()}
        torch.save({"recipe": dict(recipe), "step": clock.step, "spent": clock.spent, **state}, part)
        part.replace(self._file)
        self._saved = time.monotonic()

    def save_if_due(self, recipe: Mapping[str, Any], clock: Clock) -> None:
        if time.monotonic() - self._saved > 60 * recipe["checkpoint_minutes"]:
            self.save(recipe, clock)

    def load(self, recipe: Mapping[str, Any]) -> Clock:
        """
        Raises:
            UsageError: there is no such file.
        """
        if not self._file.is_file():
            raise UsageError(f"{self._file} does not exist", "Leave out --resume to begin anew")
        state = torch.load(self._file, map_location="cpu", weights_only=True)
        for name, held in self._parts.items():
            held.load_state_dict(state[name])
        return Clock(recipe, int(state["step"]), float(state["spent"]))


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
        left = clock.spent / max(clock.progress, 1e-6) * (1 - clock.progress) / 60
        say(f"{100 * clock.progress:5.1f} %  step {clock.step}  {speed:.0f} samples/s  {left:.0f} min left  {means}")
        self._since, self._from, self._sums = now, clock.step, {}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
