"""Train faceagent-forensic.

    python -m faceagent_finetune.nets.forensic.train RECIPE --cache DIR --out DIR [--resume]

Writes last.pt (all that is needed to go on) every few minutes and at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceagent_finetune.nets import loop
from faceagent_finetune.nets.forensic.data import Batch, Mixer
from faceagent_finetune.nets.forensic.domain import fitted
from faceagent_finetune.nets.forensic.losses import NAMES, losses
from faceagent_finetune.nets.forensic.model import Forensic
from faceagent_finetune.nets.loop import to_input

_PLACED_BY = 150  # batches whose windows say where the training's lie


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    device = loop.prepare(recipe)
    network = Forensic(recipe["dropout"])
    network.start(Path(recipe["start"]) if "start" in recipe else None)
    network.to(device, memory_format=torch.channels_last)
    mixer = Mixer.of(recipe, cache)
    loop.say(f"{mixer.photos} photos, {device}")

    def told(batch: Batch, step: int) -> dict[str, torch.Tensor]:
        with torch.autocast(device, torch.bfloat16, enabled=recipe["bf16"]):
            out = network(to_input(batch.pixels, device))
        exact = {name: value.float() for name, value in out.items()}
        return losses(exact, targets(batch, device), recipe["smoothing"])

    done = loop.run(recipe, out, resume, trained=network, parts=network.parts(), make=mixer.batch, losses=told)
    loop.say("where the training's windows lie")
    place(done, mixer)
    return done


def place(checkpoint: Path, mixer: Mixer) -> None:
    """Fit the network's sense of where the training's windows lie, and keep it in the checkpoint."""
    network, state = averaged(checkpoint)
    with torch.inference_mode():
        seen = [network.features(to_input(mixer.batch(step).pixels)).numpy() for step in range(_PLACED_BY)]
    domain = fitted(np.concatenate(seen).astype(np.float64))
    state["average"]["domain.weight"] = torch.from_numpy(domain.weight).float()
    state["average"]["domain.bias"] = torch.from_numpy(domain.bias).float()
    torch.save(state, checkpoint)


def targets(batch: Batch, device: str = "cpu") -> dict[str, torch.Tensor]:
    arrays = {"score": batch.score, "kind": batch.kind, "cells": batch.cells}
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def averaged(file: Path) -> tuple[Forensic, dict[str, Any]]:
    """The averaged network of a checkpoint, in evaluation mode, and all of the checkpoint."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = Forensic(state["recipe"]["dropout"])
    network.load_state_dict(state["average"])
    return network.eval(), state


if __name__ == "__main__":
    sys.exit(loop.main(__doc__, train, set(NAMES)))
