"""Train faceagent-forensic.

    python -m faceagent_finetune.nets.forensic.train RECIPE --cache DIR --out DIR [--resume]

Writes last.pt (all that is needed to go on) every few minutes and at the end.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import torch

from faceagent.errors import UsageError
from faceagent_finetune.nets.ahead import Ahead
from faceagent_finetune.nets.forensic.data import Batch, Mixer
from faceagent_finetune.nets.forensic.losses import NAMES, losses
from faceagent_finetune.nets.forensic.model import Forensic
from faceagent_finetune.nets.loop import Checkpoint, Clock, Log, follow, groups, pace, say, to_input
from faceagent_tools import weights
from faceagent_tools.trunk import WEIGHTS as RECOGNISER

_CLIP = 5.0


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    torch.manual_seed(recipe["seed"])
    torch.set_num_threads(recipe["threads"])
    cv2.setNumThreads(1)  # the thread that makes batches gets along with one
    device = "cuda" if torch.cuda.is_available() else "cpu"

    network = Forensic(recipe["dropout"])
    network.start(weights.path(RECOGNISER))
    network.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.AdamW(groups(network.parts(), recipe), betas=(0.9, 0.98), fused=True)
    out.mkdir(parents=True, exist_ok=True)
    file = out / "last.pt"
    checkpoint = Checkpoint(file, network, average, optimiser)
    clock = checkpoint.load(recipe) if resume else Clock(recipe)
    mixer = Mixer.of(recipe, cache)
    batches = Ahead(mixer.batch, clock.step)
    log = Log(clock.step)
    say(f"{mixer.photos} photos, {device}, {sum(p.numel() for p in network.parameters()) / 1e6:.2f} M weights")

    network.train()
    for batch in batches:
        if clock.progress >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * pace(clock.progress, recipe["warmup"])
        parts = losses(network(to_input(batch.pixels, device)), targets(batch, device), recipe["smoothing"])
        loss = torch.stack([recipe["weights"][name] * part for name, part in parts.items()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimiser.step()
        clock.tick()
        follow(average, network, min(recipe["average"], (1 + clock.step) / (10 + clock.step)))
        log.add(loss, parts)
        log.report(clock, recipe["batch"])
        checkpoint.save_if_due(recipe, clock)
    batches.close()
    checkpoint.save(recipe, clock)
    say(f"done: {clock.step * recipe['batch']} of {recipe['samples']} samples, {clock.spent / 60:.0f} minutes; {file}")
    return file


def targets(batch: Batch, device: str = "cpu") -> dict[str, torch.Tensor]:
    arrays = {"score": batch.score, "kind": batch.kind, "cells": batch.cells}
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def averaged(file: Path) -> tuple[Forensic, dict[str, Any]]:
    """The averaged network of a checkpoint, in evaluation mode, and all of the checkpoint."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = Forensic(state["recipe"]["dropout"])
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
    if set(recipe["weights"]) != set(NAMES):
        raise UsageError(f"[weights] of {chosen.recipe} must name {', '.join(NAMES)}")
    train(recipe, chosen.cache, chosen.out, chosen.resume)
    return 0


if __name__ == "__main__":
    sys.exit(main())
