"""Train faceagent-forensic.

    python -m faceagent_finetune.nets.forensic.train RECIPE --cache DIR --out DIR [--resume]

Writes last.pt (all that is needed to go on) every few minutes and at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from faceagent_finetune.nets import loop
from faceagent_finetune.nets.forensic.data import Batch, Mixer
from faceagent_finetune.nets.forensic.losses import NAMES, losses
from faceagent_finetune.nets.forensic.model import Forensic
from faceagent_finetune.nets.loop import to_input


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    device = loop.prepare(recipe)
    network = Forensic(recipe["dropout"])
    network.start(Path(recipe["start"]) if "start" in recipe else None)
    network.to(device, memory_format=torch.channels_last)
    mixer = Mixer.of(recipe, cache)
    loop.say(f"{mixer.photos} photos, {device}")

    def told(batch: Batch, step: int) -> dict[str, torch.Tensor]:
        return losses(network(to_input(batch.pixels, device)), targets(batch, device), recipe["smoothing"])

    return loop.run(recipe, out, resume, trained=network, parts=network.parts(), make=mixer.batch, losses=told)


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
