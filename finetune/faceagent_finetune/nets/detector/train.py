"""Train faceagent-detector.

    python -m faceagent_finetune.nets.detector.train RECIPE --cache DIR --out DIR [--resume]

Writes last.pt (all that is needed to go on) every few minutes and at the end. The learning rate follows `Clock`.
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

from faceagent_finetune.nets.ahead import Ahead
from faceagent_finetune.nets.detector.compose import Plan
from faceagent_finetune.nets.detector.data import Mixer
from faceagent_finetune.nets.detector.losses import losses
from faceagent_finetune.nets.detector.model import Detector
from faceagent_finetune.nets.loop import Checkpoint, Clock, Log, follow, pace, say

_CLIP = 5.0


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    torch.manual_seed(recipe["seed"])
    torch.set_num_threads(recipe["threads"])
    cv2.setNumThreads(1)  # the thread that makes batches gets along with one

    network = Detector(**recipe["network"]).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.AdamW(_groups(network, recipe), lr=recipe["learning_rate"], fused=True)
    out.mkdir(parents=True, exist_ok=True)
    file = out / "last.pt"
    checkpoint = Checkpoint(file, network, average, optimiser)
    clock = checkpoint.load(recipe) if resume else Clock(recipe)

    side, batch = recipe["side"], recipe["batch"]
    mixer = Mixer(cache, recipe["mix"], batch, side, recipe["seed"], Plan(**recipe["compose"]))
    batches = Ahead(mixer.batch, clock.step)
    log = Log(clock.step)
    say(f"{mixer.faces} faces, {sum(p.numel() for p in network.parameters()) / 1e6:.3f} M weights")

    network.train()
    for pixels, targets in batches:
        if clock.progress >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = recipe["learning_rate"] * pace(clock.progress, recipe["warmup"])
        parts = losses(network(to_input(pixels)), **{k: torch.from_numpy(v) for k, v in targets.items()}, side=side)
        loss = torch.stack([recipe["weights"][name] * part for name, part in parts.items()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimiser.step()
        clock.tick()
        follow(average, network, min(recipe["average"], (1 + clock.step) / (10 + clock.step)))

        log.add(loss, parts)
        log.report(clock, batch)
        checkpoint.save_if_due(recipe, clock)
    batches.close()
    checkpoint.save(recipe, clock)
    say(f"done: {clock.step * batch} pictures of at most {recipe['samples']}; {file}")
    return file


def to_input(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """uint8 RGB [N, S, S, 3] -> float32 BGR [N, 3, S, S] in channels-last memory."""
    return torch.from_numpy(np.ascontiguousarray(pixels[..., ::-1])).permute(0, 3, 1, 2).to(torch.float32)


def _groups(network: Detector, recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Filters decay; biases and norms do not."""
    tensors = list(network.parameters())
    return [
        {"params": [p for p in tensors if p.ndim > 1], "weight_decay": recipe["weight_decay"]},
        {"params": [p for p in tensors if p.ndim <= 1], "weight_decay": 0.0},
    ]


def averaged(file: Path) -> tuple[Detector, dict[str, Any]]:
    """The averaged network of a checkpoint, in evaluation mode, and all of the checkpoint."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = Detector(**state["recipe"]["network"])
    network.load_state_dict(state["average"])
    return network.eval(), state


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder that labels made")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on with the checkpoint in --out")
    chosen = parser.parse_args()
    recipe = tomllib.loads(chosen.recipe.read_text(encoding="utf-8"))
    train(recipe, chosen.cache, chosen.out, chosen.resume)
    return 0


if __name__ == "__main__":
    sys.exit(main())
