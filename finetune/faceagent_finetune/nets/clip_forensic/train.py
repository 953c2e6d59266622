"""Train the norms of CLIP's vision tower and a head on the batches of `forensic`.

    python -m faceagent_finetune.nets.clip_forensic.train RECIPE --cache DIR --out DIR [--resume]

Writes last.pt (all that is needed to go on, but for CLIP's own weights) every few minutes and at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from faceagent_finetune.nets import loop
from faceagent_finetune.nets.clip_forensic.losses import NAMES, losses
from faceagent_finetune.nets.clip_forensic.model import ClipForensic, started
from faceagent_finetune.nets.forensic.data import Batch, Mixer
from faceagent_finetune.nets.loop import to_input


def train(recipe: Mapping[str, Any], cache: Path, out: Path, resume: bool) -> Path:
    """Run a recipe; the path of the checkpoint."""
    device = loop.prepare(recipe)
    network = started(recipe).to(device)
    mixer = Mixer.of(recipe, cache)
    loop.say(f"{mixer.photos} photos, {device}")

    def told(batch: Batch, step: int) -> dict[str, torch.Tensor]:
        feature = network.feature(to_input(batch.pixels, device))
        return losses(network.head(feature), feature, torch.from_numpy(batch.score).to(device))

    # Only what is trained is averaged and kept: CLIP's own weights are in open_clip's cache.
    return loop.run(recipe, out, resume, trained=network.tuned(), parts=network.parts(), make=mixer.batch, losses=told)


def averaged(file: Path) -> tuple[ClipForensic, dict[str, Any]]:
    """The averaged network of a checkpoint, in evaluation mode, and all of the checkpoint."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = started(state["recipe"])
    network.tuned().load_state_dict(state["average"])
    return network.eval(), state


if __name__ == "__main__":
    sys.exit(loop.main(__doc__, train, set(NAMES)))
