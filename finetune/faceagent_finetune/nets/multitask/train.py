"""Train faceagent-multitask.

    python -m faceagent_finetune.nets.multitask.train RECIPE --cache DIR --out DIR [--resume]

Writes last.pt (all that is needed to go on) every few minutes and at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faceagent_finetune.nets import loop
from faceagent_finetune.nets.loop import to_input
from faceagent_finetune.nets.multitask.augment import Strength
from faceagent_finetune.nets.multitask.data import Batch, Mixer
from faceagent_finetune.nets.multitask.losses import losses
from faceagent_finetune.nets.multitask.model import SPATIAL, Multitask
from faceagent_tools.multitask import HEADS


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    device = loop.prepare(recipe)
    network = Multitask(recipe["dropout"]).to(device, memory_format=torch.channels_last)
    mixer = Mixer(cache, recipe["mix"], recipe["batch"], recipe["seed"], Strength(**recipe["augment"]))
    loop.say(f"{mixer.photos} photos, {device}")

    def told(batch: Batch, step: int) -> dict[str, Tensor]:
        pixels, targets = batch
        wanted = {name: torch.from_numpy(values).to(device) for name, values in targets.items()}
        rng = np.random.default_rng([recipe["seed"], step])
        return losses_of(network, to_input(pixels, device), wanted, recipe, rng)

    ends = network.ends
    return loop.run(recipe, out, resume, trained=ends, parts=ends.parts(), make=mixer.batch, losses=told)


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


if __name__ == "__main__":
    sys.exit(loop.main(__doc__, train, set(HEADS)))
