"""Train faceagent-detector.

    python -m faceagent_finetune.nets.detector.train RECIPE --cache DIR --out DIR [--resume]

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
from faceagent_finetune.nets.detector.compose import Plan
from faceagent_finetune.nets.detector.data import Mixer
from faceagent_finetune.nets.detector.losses import NAMES, losses
from faceagent_finetune.nets.detector.model import Detector
from faceagent_finetune.nets.multitask.data import Batch


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    loop.prepare(recipe)
    network = Detector(**recipe["network"]).to(memory_format=torch.channels_last)
    side = recipe["side"]
    mixer = Mixer(cache, recipe["mix"], recipe["batch"], side, recipe["seed"], Plan(**recipe["compose"]))
    loop.say(f"{mixer.faces} faces")

    def told(batch: Batch, step: int) -> dict[str, Tensor]:
        pixels, targets = batch
        return losses(network(to_input(pixels)), **{k: torch.from_numpy(v) for k, v in targets.items()}, side=side)

    return loop.run(
        recipe,
        out,
        resume,
        trained=network,
        parts={"network": list(network.parameters())},
        make=mixer.batch,
        losses=told,
        betas=(0.9, 0.999),
    )


def to_input(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """uint8 RGB [N, S, S, 3] -> float32 BGR [N, 3, S, S] in channels-last memory."""
    return torch.from_numpy(np.ascontiguousarray(pixels[..., ::-1])).permute(0, 3, 1, 2).to(torch.float32)


def averaged(file: Path) -> tuple[Detector, dict[str, Any]]:
    """The averaged network of a checkpoint, in evaluation mode, and all of the checkpoint."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = Detector(**state["recipe"]["network"])
    network.load_state_dict(state["average"])
    return network.eval(), state


if __name__ == "__main__":
    sys.exit(loop.main(__doc__, train, set(NAMES)))
