"""Train faceagent-multitask.

    python -m faceagent_finetune.nets.multitask.train RECIPE --cache DIR --out DIR [--resume]

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
import numpy as np
import torch
from torch import Tensor

from faceagent.errors import UsageError
from faceagent_finetune.nets.ahead import Ahead
from faceagent_finetune.nets.loop import Checkpoint, Clock, Log, follow, groups, pace, say, to_input
from faceagent_finetune.nets.multitask.augment import Strength
from faceagent_finetune.nets.multitask.data import Mixer
from faceagent_finetune.nets.multitask.losses import losses
from faceagent_finetune.nets.multitask.model import SPATIAL, Multitask
from faceagent_tools.multitask import HEADS

_CLIP = 5.0


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    torch.manual_seed(recipe["seed"])
    torch.set_num_threads(recipe["threads"])
    cv2.setNumThreads(1)  # the thread that makes batches gets along with one
    device = "cuda" if torch.cuda.is_available() else "cpu"

    network = Multitask(recipe["dropout"]).to(device, memory_format=torch.channels_last)
    ends = network.ends
    average = copy.deepcopy(ends).requires_grad_(False)
    optimiser = torch.optim.AdamW(groups(ends.parts(), recipe), betas=(0.9, 0.98), fused=True)
    out.mkdir(parents=True, exist_ok=True)
    file = out / "last.pt"
    checkpoint = Checkpoint(file, ends, average, optimiser)
    clock = checkpoint.load(recipe) if resume else Clock(recipe)
    mixer = Mixer(cache, recipe["mix"], recipe["batch"], recipe["seed"], Strength(**recipe["augment"]))
    batches = Ahead(mixer.batch, clock.step)
    log = Log(clock.step)
    say(f"{mixer.photos} photos, {device}, {sum(p.numel() for p in ends.parameters()) / 1e6:.2f} M weights")

    ends.train()
    for pixels, targets in batches:
        if clock.progress >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * pace(clock.progress, recipe["warmup"])
        rng = np.random.default_rng([recipe["seed"], clock.step])
        wanted = {name: torch.from_numpy(values).to(device) for name, values in targets.items()}
        parts = losses_of(network, to_input(pixels, device), wanted, recipe, rng)
        loss = torch.stack([recipe["weights"][name] * part for name, part in parts.items()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(ends.parameters(), _CLIP)
        optimiser.step()
        clock.tick()
        follow(average, ends, min(recipe["average"], (1 + clock.step) / (10 + clock.step)))
        log.add(loss, parts)
        log.report(clock, recipe["batch"])
        checkpoint.save_if_due(recipe, clock)
    batches.close()
    checkpoint.save(recipe, clock)
    say(f"done: {clock.step * recipe['batch']} of {recipe['samples']} samples, {clock.spent / 60:.0f} minutes; {file}")
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


def averaged(file: Path) -> tuple[Multitask, dict[str, Any]]:
    """The averaged network of a checkpoint, in evaluation mode, and all of the checkpoint."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = Multitask(state["recipe"]["dropout"])
    network.ends.load_state_dict(state["average"])
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
