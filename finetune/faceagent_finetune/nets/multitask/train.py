"""Train faceagent-multitask.

    python -m faceagent_finetune.nets.multitask.train RECIPE --cache DIR --out DIR [--resume]

Writes last.pt (all that is needed to go on) every few minutes and at the end. The learning rate follows the share of
the run that is over, by samples or by the clock, whichever is further; so a run on a slow machine is a shorter run, not
one that was broken off.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from faceagent.errors import UsageError
from faceagent_finetune.nets.multitask.augment import Strength
from faceagent_finetune.nets.multitask.data import Ahead, Mixer
from faceagent_finetune.nets.multitask.losses import losses
from faceagent_finetune.nets.multitask.model import SPATIAL, Ends, Multitask
from faceagent_tools.multitask import HEADS

_REPORT_SECONDS = 20.0
_CLIP = 5.0
_LONGEST_STEP_SECONDS = 30.0  # more is a machine that slept or a run that was held: not spent


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    torch.manual_seed(recipe["seed"])
    torch.set_num_threads(recipe["threads"])
    cv2.setNumThreads(1)  # the thread that makes batches gets along with one
    device = "cuda" if torch.cuda.is_available() else "cpu"

    network = Multitask(recipe["dropout"]).to(device, memory_format=torch.channels_last)
    ends = network.ends
    average = copy.deepcopy(ends).requires_grad_(False)
    optimiser = torch.optim.AdamW(_groups(ends, recipe), betas=(0.9, 0.98), fused=True)
    step, spent = 0, 0.0
    file = out / "last.pt"
    out.mkdir(parents=True, exist_ok=True)
    if resume:
        step, spent = _load(file, ends, average, optimiser)

    mixer = Mixer(cache, recipe["mix"], recipe["batch"], recipe["seed"], Strength(**recipe["augment"]))
    last = time.monotonic()
    progress = _progress(recipe, step, spent)
    batches = Ahead(mixer, step)
    log = Log(step)
    saved, budget = last, recipe["budget_minutes"]
    _say(f"{mixer.photos} photos, {device}, {sum(p.numel() for p in ends.parameters()) / 1e6:.2f} M weights")

    ends.train()
    for pixels, targets in batches:
        if progress >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * _pace(progress, recipe["warmup"])
        rng = np.random.default_rng([recipe["seed"], step])
        wanted = {name: torch.from_numpy(values).to(device) for name, values in targets.items()}
        parts = losses_of(network, to_input(pixels, device), wanted, recipe, rng)
        loss = torch.stack([recipe["weights"][name] * part for name, part in parts.items()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(ends.parameters(), _CLIP)
        optimiser.step()
        step += 1
        _follow(average, ends, min(recipe["average"], (1 + step) / (10 + step)))

        now = time.monotonic()
        spent, last = spent + min(now - last, _LONGEST_STEP_SECONDS), now
        progress = _progress(recipe, step, spent)
        log.add(loss, parts)
        log.report(step, progress, spent, recipe["batch"])
        if now - saved > 60 * recipe["checkpoint_minutes"]:
            _save(file, recipe, ends, average, optimiser, step, spent)
            saved = now
    batches.close()
    _save(file, recipe, ends, average, optimiser, step, spent)
    _say(f"done: {step * recipe['batch']} samples of at most {recipe['samples']}, budget {budget} min; {file}")
    return file


def losses_of(
    network: Multitask,
    pixels: Tensor,
    wanted: Mapping[str, Tensor],
    recipe: Mapping[str, Any],
    rng: np.random.Generator,
) -> dict[str, Tensor]:
    """Loss of each head; some batches are of faces mixed in pairs (manifold mixup, Verma et al. 2019).

    What lies somewhere in the crop is not learnt from those: two noses mixed are not a nose in between.
    """
    maps = network.maps(pixels)
    if rng.random() >= recipe["mixed"]:
        return losses(network.ends(maps), wanted, recipe["smoothing"])
    share = float(rng.uniform(0.5, 1.0))
    other = torch.from_numpy(rng.permutation(len(pixels))).to(pixels.device)
    found = network.ends({name: torch.lerp(values[other], values, share) for name, values in maps.items()})
    once = losses(found, wanted, recipe["smoothing"])
    again = losses(found, {name: values[other] for name, values in wanted.items()}, recipe["smoothing"])
    return {name: share * once[name] + (1 - share) * again[name] for name in once if name not in SPATIAL}


def to_input(pixels: np.ndarray[Any, np.dtype[np.uint8]], device: str = "cpu") -> Tensor:
    """uint8 [N, S, S, 3] -> float32 [N, 3, S, S] in channels-last memory."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).to(torch.float32)


def _groups(ends: Ends, recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each part at its own rate; matrices and filters decay, biases do not."""
    groups = []
    for part, tensors in ends.parts().items():
        for decay, chosen in (
            (recipe["weight_decay"], [p for p in tensors if p.ndim > 1]),
            (0.0, [p for p in tensors if p.ndim <= 1]),
        ):
            groups.append({"params": chosen, "weight_decay": decay, "full_rate": recipe["learning_rate"][part]})
    return groups


def _progress(recipe: Mapping[str, Any], step: int, spent: float) -> float:
    share = max(step * recipe["batch"] / recipe["samples"], spent / (60 * recipe["budget_minutes"]))
    return float(share)


def _pace(progress: float, warmup: float) -> float:
    """Share of the full learning rate: up in a line, down along a cosine."""
    if progress < warmup:
        return max(progress / warmup, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min((progress - warmup) / (1 - warmup), 1.0)))


def _follow(average: torch.nn.Module, network: torch.nn.Module, keep: float) -> None:
    ours, theirs = average.state_dict(), network.state_dict()
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    with torch.no_grad():
        torch._foreach_lerp_([ours[name] for name in floats], [theirs[name] for name in floats], 1 - keep)


def _save(
    file: Path,
    recipe: Mapping[str, Any],
    ends: Ends,
    average: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    step: int,
    spent: float,
) -> None:
    """Replaces the file in one step, so that a break-off leaves the old one."""
    part = file.with_suffix(".part")
    state = {
        "recipe": dict(recipe),
        "ends": ends.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
        "spent": spent,
    }
    torch.save(state, part)
    part.replace(file)


def _load(file: Path, ends: Ends, average: torch.nn.Module, optimiser: torch.optim.Optimizer) -> tuple[int, float]:
    if not file.is_file():
        raise UsageError(f"{file} does not exist", "Leave out --resume to begin anew")
    state = torch.load(file, map_location="cpu", weights_only=True)
    ends.load_state_dict(state["ends"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"]), float(state["spent"])


def averaged(file: Path) -> tuple[Multitask, dict[str, Any]]:
    """The averaged network of a checkpoint, in evaluation mode, and all of the checkpoint."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = Multitask(state["recipe"]["dropout"])
    network.ends.load_state_dict(state["average"])
    return network.eval(), state


class Log:
    """Mean losses since the last line, speed and time left."""

    def __init__(self, step: int) -> None:
        self._since, self._from = time.monotonic(), step
        self._sums: dict[str, Tensor] = {}

    def add(self, loss: Tensor, parts: Mapping[str, Tensor]) -> None:
        for name, value in {"all": loss, **parts}.items():
            self._sums[name] = self._sums.get(name, torch.zeros(())) + value.detach()

    def report(self, step: int, progress: float, spent: float, batch: int) -> None:
        now = time.monotonic()
        if now - self._since < _REPORT_SECONDS or step == self._from:
            return
        count = step - self._from
        means = " ".join(f"{name} {float(value) / count:.3f}" for name, value in self._sums.items())
        speed = count * batch / (now - self._since)
        left = spent / max(progress, 1e-6) * (1 - progress) / 60
        _say(f"{100 * progress:5.1f} %  step {step}  {speed:.0f} crops/s  {left:.0f} min left  {means}")
        self._since, self._from, self._sums = now, step, {}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder that crops made")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on with the checkpoint in --out")
    chosen = parser.parse_args()
    recipe = tomllib.loads(chosen.recipe.read_text(encoding="utf-8"))
    if set(recipe["weights"]) != set(HEADS):
        raise UsageError(f"[weights] of {chosen.recipe} must name {', '.join(HEADS)}")
    train(recipe, chosen.cache, chosen.out, chosen.resume)
    return 0


if __name__ == "__main__":
    sys.exit(main())
