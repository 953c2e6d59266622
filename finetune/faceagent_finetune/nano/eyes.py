"""The vision tower taught on labelled faces, before it is part of a model that writes.

The tower is transformers' own of Idefics3, so that its weights go into the model as they are. What it learns is what
`faceagent-multitask` learns (age, gender, ethnicity, forty attributes, expression, points, pose), of the same labels;
the heads are dropped afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from faceagent_finetune.nano.photos import SETS
from faceagent_finetune.nets import loop
from faceagent_finetune.nets.multitask import evaluate
from faceagent_finetune.nets.multitask.augment import Strength
from faceagent_finetune.nets.multitask.data import Batch, CropSet, Mixer
from faceagent_finetune.nets.multitask.losses import losses
from faceagent_finetune.nets.multitask.model import POSE_UNIT, SPATIAL
from faceagent_tools.multitask import HEADS, OUTPUTS

_WHERE = 16  # numbers of a patch from which points are read
_SAMPLE = 400  # photos of each set from which the first filters are made
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
    pose read each patch in its place (`local`), and so, while it is trained, does a second head for everything else,
    from which the tower learns much sooner what to look for.

    Args:
        config: `vision_config` of Idefics3.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig
        from transformers.models.idefics3.modeling_idefics3 import Idefics3VisionTransformer

        super().__init__()
        made = Idefics3VisionConfig(**config)
        patches = (made.image_size // made.patch_size) ** 2
        self.tower = Idefics3VisionTransformer(made)
        self.where = nn.Linear(made.hidden_size, _WHERE)
        self.local = nn.ModuleDict({name: nn.Linear(_WHERE * patches, size) for name, size in HEADS.items()})
        pooled = {name: size for name, size in HEADS.items() if name not in SPATIAL}
        self.pooled = nn.ModuleDict({name: nn.Linear(made.hidden_size, size) for name, size in pooled.items()})
        for name in SPATIAL:
            nn.init.normal_(self.local[name].weight, std=0.002)
        nn.init.constant_(self.local["points"].bias, 0.5)

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


def train(recipe: Mapping[str, Any], vision: Mapping[str, Any], cache: Path, out: Path) -> Path:
    """Run `[eyes]` of a recipe, or go on with it; the path of the checkpoint.

    Args:
        vision: `vision_config` of Idefics3. cache: that `photos.cached` wrote. out: folder for the checkpoint.
    """
    device = loop.prepare(recipe)
    eyes = Eyes(vision).to(device)
    resume = (out / "last.pt").is_file()
    if not resume:
        begin(eyes, cache, recipe["seed"])
    strength = Strength(**recipe["augment"])
    mixer = Mixer(cache, recipe["mix"], recipe["batch"], recipe["seed"], strength, vision["image_size"])
    loop.say(f"{mixer.photos} photos, {device}")

    def told(batch: Batch, step: int) -> Mapping[str, Tensor]:
        pixels, targets = batch
        wanted = {name: torch.from_numpy(values).to(device) for name, values in targets.items()}
        once, again = (
            losses(out, wanted, recipe["smoothing"]) for out in eyes.both(loop.to_input(pixels, device))
        )
        return once | {name: once[name] + again[name] for name in eyes.pooled}

    return loop.run(recipe, out, resume, trained=eyes, parts=eyes.parts(), make=mixer.batch, losses=told)


def begin(eyes: Eyes, cache: Path, seed: int) -> None:
    """Set the tower's first filters to the principal components of patches of photos, each of about unit variance.

    A tower of this size has too few photos to find from noise what an eigenvector says at once.
    """
    filters = eyes.tower.embeddings.patch_embedding
    side, width = filters.kernel_size[0], filters.out_channels
    rng = np.random.default_rng(seed)
    found = []
    for name in SETS:
        photos = CropSet.open(cache, name).crops
        rows = np.sort(rng.choice(len(photos), min(_SAMPLE, len(photos)), replace=False))
        pixels = loop.to_input(photos[rows]) / 127.5 - 1
        found.append(pixels.unfold(2, side, side).unfold(3, side, side).permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(1))
    patches = torch.cat(found)
    patches = patches - patches.mean(dim=0)
    strength, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
    order = strength.argsort(descending=True)[:width]
    # The faint ones are mostly noise: they are raised to a tenth of the strongest at most.
    scale = strength[order].clamp(min=float(strength.max()) / 1e4).rsqrt()
    with torch.no_grad():
        filters.weight[: len(order)] = (directions[:, order] * scale).T.reshape(len(order), *filters.weight.shape[1:]) * 0.5
        filters.bias.zero_()


def look_near(eyes: Eyes) -> None:
    """Let every patch attend to those near it from the start (mimetic initialisation, Trockman and Kolter 2023)."""
    places = eyes.tower.embeddings.position_embedding
    side = math.isqrt(places.num_embeddings)
    quarter = places.embedding_dim // 4
    rate = torch.pi * torch.arange(1, quarter + 1) / quarter * 2
    along = torch.linspace(0, 1, side)[:, None] * side * rate / torch.pi / 2
    waves = torch.cat([along.sin(), along.cos()], dim=1)
    grid = torch.cat([waves[:, None].expand(-1, side, -1), waves[None].expand(side, -1, -1)], dim=2)
    with torch.no_grad():
        places.weight.copy_(0.5 * grid.reshape(side * side, -1))
        for layer in eyes.tower.encoder.layers:
            attention, width = layer.self_attn, places.embedding_dim
            noise = torch.randn(width, width) / width**0.5
            head = width // attention.num_heads
            for k in range(attention.num_heads):
                rows = slice(k * head, (k + 1) * head)
                basis = torch.linalg.qr(torch.randn(width, head))[0].T * 0.8
                attention.q_proj.weight[rows] = basis
                attention.k_proj.weight[rows] = basis
            value, out = torch.linalg.svd(0.4 * noise - 0.4 * torch.eye(width))[::2]
            strength = torch.linalg.svdvals(0.4 * noise - 0.4 * torch.eye(width)).sqrt()
            attention.out_proj.weight.copy_(value * strength)
            attention.v_proj.weight.copy_(strength[:, None] * out)


def averaged(file: Path, vision: Mapping[str, Any]) -> Eyes:
    """The averaged network of a checkpoint, in evaluation mode."""
    eyes = Eyes(vision)
    eyes.load_state_dict(torch.load(file, map_location="cpu", weights_only=True)["average"])
    return eyes.eval()


def measure(eyes: Eyes, cache: Path, most: int | None = None) -> dict[str, dict[str, Any]]:
    """Figures on the val split of every set, mirror images averaged as the product's own network does."""

    @torch.no_grad()
    def predict(pixels: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        found = {name: values.numpy() for name, values in eyes(loop.to_input(np.ascontiguousarray(pixels))).items()}
        return {**found, **{name: np.zeros((len(pixels), 1), np.float32) for name in OUTPUTS if name not in found}}

    told: dict[str, dict[str, Any]] = {}
    for name in SETS:
        photos = CropSet.open(cache, name)
        rows = np.flatnonzero(photos.val)[:most]
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
