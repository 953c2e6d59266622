"""Train faceagent-multitask.

    python -m faceagent_finetune.nets.multitask.train RECIPE --cache DIR --out DIR [--resume]

Writes last.pt (all that is needed to go on) every few minutes and at the end. The learning rate follows `Clock`.
"""

from __future__ import annotations

import argparse
import copy
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
from faceagent_finetune.nets.multitask.model import Multitask
from faceagent_finetune.nets.training import CLIP, Clock, Log, follow, load, save, say
from faceagent_tools import weights
from faceagent_tools.embedding import WEIGHTS as RECOGNISER
from faceagent_tools.multitask import HEADS


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    torch.manual_seed(recipe["seed"])
    torch.set_num_threads(recipe["threads"])
    cv2.setNumThreads(1)  # the thread that makes batches gets along with one
    device = "cuda" if torch.cuda.is_available() else "cpu"

    network = Multitask(recipe["dropout"])
    network.start(weights.path(RECOGNISER))
    network.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.AdamW(_groups(network, recipe), betas=(0.9, 0.98), fused=True)
    step, spent = 0, 0.0
    file = out / "last.pt"
    out.mkdir(parents=True, exist_ok=True)
    if resume:
        step, spent = load(file, network, average, optimiser)

    mixer = Mixer(cache, recipe["mix"], recipe["batch"], recipe["seed"], Strength(**recipe["augment"]))
    clock, log, saved = Clock(recipe, step, spent), Log(step), time.monotonic()
    batches = Ahead(mixer, step)
    say(f"{mixer.photos} photos, {device}, {sum(p.numel() for p in network.parameters()) / 1e6:.2f} M weights")

    network.train()
    for pixels, targets in batches:
        if clock.progress >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * clock.pace
        found = network(to_input(pixels, device))
        parts = losses(found, {k: torch.from_numpy(v).to(device) for k, v in targets.items()}, recipe["smoothing"])
        loss = torch.stack([recipe["weights"][name] * part for name, part in parts.items()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
        clock.tick()
        follow(average, network, min(recipe["average"], (1 + clock.step) / (10 + clock.step)))

        log.add(loss, parts)
        log.report(clock, recipe["batch"])
        if time.monotonic() - saved > 60 * recipe["checkpoint_minutes"]:
            save(file, recipe, network, average, optimiser, clock)
            saved = time.monotonic()
    batches.close()
    save(file, recipe, network, average, optimiser, clock)
    budget = recipe["budget_minutes"]
    say(f"done: {clock.step * recipe['batch']} samples of at most {recipe['samples']}, budget {budget} min; {file}")
    return file


def to_input(pixels: np.ndarray[Any, np.dtype[np.uint8]], device: str = "cpu") -> Tensor:
    """uint8 [N, S, S, 3] -> float32 [N, 3, S, S] in channels-last memory."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).to(torch.float32)


def _groups(network: Multitask, recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each part at its own rate; matrices and filters decay, biases do not."""
    groups = []
    for part, tensors in network.parts().items():
        for decay, chosen in (
            (recipe["weight_decay"], [p for p in tensors if p.ndim > 1]),
            (0.0, [p for p in tensors if p.ndim <= 1]),
        ):
            groups.append({"params": chosen, "weight_decay": decay, "full_rate": recipe["learning_rate"][part]})
    return groups


def averaged(file: Path) -> tuple[Multitask, dict[str, Any]]:
    """The averaged network of a checkpoint, in evaluation mode, and all of the checkpoint."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = Multitask(state["recipe"]["dropout"])
    network.load_state_dict(state["average"])
    return network.eval(), state


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
