"""The vision tower taught on labelled faces, before it is part of a model that writes.

The tower is transformers' own of Idefics3, so that its weights go into the model as they are. What it learns is what
`faceagent-multitask` learns (age, gender, ethnicity, forty attributes, expression, points, pose), of the same labels;
the heads are dropped afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from faceagent.errors import UsageError
from faceagent_finetune.nets import loop
from faceagent_finetune.nets.multitask import evaluate
from faceagent_finetune.nets.multitask.augment import Strength
from faceagent_finetune.nets.multitask.data import Batch, CropSet, Mixer
from faceagent_finetune.nets.multitask.losses import losses
from faceagent_finetune.nets.multitask.model import POSE_UNIT, SPATIAL
from faceagent_tools.multitask import HEADS

_WHERE = 16  # numbers of a patch from which points are read
FIGURES = {
    "fairface": ("gender_accuracy", "age_group_accuracy", "race_accuracy"),
    "utkface": ("gender_accuracy", "age_mae_years"),
    "celeba40": ("attribute_accuracy", "attribute_balanced_accuracy"),
    "ferplus": ("expression_accuracy",),
}
NAMED = ("Smiling", "Eyeglasses", "No_Beard", "Wearing_Hat")
"""CelebA's attributes whose balanced accuracy is told one by one."""


class Eyes(nn.Module):
    """Idefics3's vision tower with linear heads: float32 RGB [N, 3, S, S] of 0-255 -> as `Ends` of multitask.

    What a model that writes can use is what every patch carries: most heads read the mean over the patches. Points and
    pose read each patch in its place (`local`), and so, while it is trained, does a second head for everything else:
    what is bound to a place, such as a mouth, teaches the tower from the first step.

    Args:
        config: `vision_config` of Idefics3.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig
        from transformers.models.idefics3.modeling_idefics3 import Idefics3VisionTransformer

        super().__init__()
        width, patches = config["hidden_size"], (config["image_size"] // config["patch_size"]) ** 2
        self.tower = Idefics3VisionTransformer(Idefics3VisionConfig(**config))
        self.where = nn.Linear(width, _WHERE)
        self.local = nn.ModuleDict({name: _head(name, _WHERE * patches) for name in HEADS})
        self.pooled = nn.ModuleDict({name: _head(name, width) for name in HEADS if name not in SPATIAL})

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        return self.both(pixels)[0]

    def both(self, pixels: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The answers, and those of the local heads alone."""
        patches = self.tower(pixels / 127.5 - 1).last_hidden_state
        mean, where = patches.mean(dim=1), self.where(patches).flatten(1)
        local = {name: head(where) for name, head in self.local.items()}
        local["pose"] = local["pose"] * POSE_UNIT
        return local | {name: head(mean) for name, head in self.pooled.items()}, local

    def parts(self) -> dict[str, list[nn.Parameter]]:
        heads = (self.where, self.local, self.pooled)
        return {"tower": list(self.tower.parameters()), "heads": [p for part in heads for p in part.parameters()]}


def _head(name: str, width: int) -> nn.Linear:
    head = nn.Linear(width, HEADS[name])
    if name in SPATIAL:  # begins close to the mean face
        nn.init.normal_(head.weight, std=0.002)
        nn.init.constant_(head.bias, 0.5 if name == "points" else 0.0)
    return head


def train(plan: Mapping[str, Any], cache: Path, out: Path) -> Path:
    """Run a recipe of `nets.loop`, or go on with it; the path of the checkpoint.

    Args:
        plan: `recipe.Eyes` as a dict, with the tower's configuration as "vision". cache: that `photos.cached` wrote.
        out: folder for the checkpoint.

    Raises:
        UsageError: `out` holds the checkpoint of another tower.
    """
    device = loop.prepare(plan)
    eyes = Eyes(plan["vision"]).to(device)
    resume = (out / "last.pt").is_file()
    if resume and _state(out / "last.pt")["recipe"]["vision"] != plan["vision"]:
        raise UsageError(f"{out} holds a vision tower of another size", "Name another folder with --out")
    mixer = Mixer(
        cache, plan["mix"], plan["batch"], plan["seed"], Strength(**plan["augment"]), plan["vision"]["image_size"]
    )
    loop.say(f"{mixer.photos} photos, {device}")

    def told(batch: Batch, step: int) -> Mapping[str, Tensor]:
        pixels, targets = batch
        wanted = {name: torch.from_numpy(values).to(device) for name, values in targets.items()}
        answers = eyes.both(loop.to_input(pixels, device))
        once, again = (losses(out, wanted, plan["smoothing"]) for out in answers)
        return once | {name: once[name] + again[name] for name in eyes.pooled}

    return loop.run(plan, out, resume, trained=eyes, parts=eyes.parts(), make=mixer.batch, losses=told)


def averaged(file: Path) -> Eyes:
    """The averaged network of a checkpoint, in evaluation mode."""
    state = _state(file)
    eyes = Eyes(state["recipe"]["vision"])
    eyes.load_state_dict(state["average"])
    eyes.eval()
    return eyes


def _state(file: Path) -> dict[str, Any]:
    return dict(torch.load(file, map_location="cpu", weights_only=True))


def measure(eyes: Eyes, cache: Path, sets: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Figures on the val split of every set, mirror images averaged as the product's own network does."""

    def predict(pixels: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        with torch.inference_mode():
            found = eyes(loop.to_input(np.ascontiguousarray(pixels)))
        return {name: values.numpy() for name, values in found.items()}

    told: dict[str, dict[str, Any]] = {}
    for name in sets:
        photos = CropSet.open(cache, name)
        rows = np.flatnonzero(photos.val)
        if not rows.size:
            continue
        out = evaluate.answers(predict, photos, rows)
        wanted = {key: values[rows] for key, values in photos.targets.items()}
        found = evaluate.MEASURES[name](out, wanted)
        told[name] = {"photos": int(rows.size), **{key: found[key] for key in FIGURES[name]}}
        if name == "celeba40":
            told[name] |= {key: found["by_attribute"][key]["balanced"] for key in NAMED}
            told[name]["always_the_commoner_answer"] = found["always_the_commoner_answer"]
        told[name]["points_nme"] = evaluate.geometry(out, wanted).get("nme")
    return told
