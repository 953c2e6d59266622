"""The network: one timm backbone, a pooled feature for what a face is, a spatial one for where its points are."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from faceagent.errors import MissingExtra
from faceagent_finetune.nets.multitask.labels import HEADS

_GRID = 7  # cells a side of the map from which points are read
_POINT_CHANNELS = 64
_SPATIAL = ("points", "pose", "openings")
POSE_UNIT = 30.0  # degrees a unit of the pose head's output: keeps it of the order of one


def timm_module() -> ModuleType:
    """timm, also where torchvision was built for another torch and so lacks its operators.

    timm imports torchvision, whose import fails when its compiled operators do not load; nothing here calls them.

    Raises:
        MissingExtra: timm or torchvision is not installed.
    """
    if "torchvision" not in sys.modules and not _operators_load():
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)  # the operators go when the library object does
    try:
        import timm
    except ModuleNotFoundError:
        raise MissingExtra("The backbone of faceagent-multitask", "train") from None
    module: ModuleType = timm
    return module


def _operators_load() -> bool:
    spec = importlib.util.find_spec("torchvision")
    folders = (spec.submodule_search_locations or []) if spec else []
    files = [
        file for folder in folders for file in Path(folder).glob("_C*") if file.suffix in (".so", ".pyd", ".dylib")
    ]
    try:
        for file in files:
            torch.ops.load_library(str(file))
    except OSError:
        return False
    return True


_KEPT: list[torch.library.Library] = []


class Multitask(nn.Module):
    """float32 RGB [N, 3, S, S] of 0-255 -> a dict with one tensor a head, shapes in `labels.HEADS`.

    age: logits of the years 0-100. gender: logit of male. race, emotion: logits. attributes: 40 logits. points: shares
    of the crop's side, x then y of each point. pose: degrees. openings: height / width.
    """

    def __init__(self, backbone: str, dropout: float = 0.2) -> None:
        super().__init__()
        self.backbone = timm_module().create_model(backbone, features_only=True, out_indices=(3, 4))
        fine, deep = self.backbone.feature_info.channels()
        self.pooled = nn.Sequential(
            nn.Conv2d(deep, 576, 1, bias=False),
            nn.BatchNorm2d(576),
            nn.Hardswish(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.fine = nn.Sequential(nn.Conv2d(fine, _POINT_CHANNELS, 1, bias=False), nn.BatchNorm2d(_POINT_CHANNELS))
        self.deep = nn.Sequential(nn.Conv2d(deep, _POINT_CHANNELS, 1, bias=False), nn.BatchNorm2d(_POINT_CHANNELS))
        self.dropout = nn.Dropout(dropout)
        width = _POINT_CHANNELS * _GRID * _GRID
        self.heads = nn.ModuleDict(
            {name: nn.Linear(width if name in _SPATIAL else 576, size) for name, size in HEADS.items()}
        )
        for name in _SPATIAL:
            nn.init.normal_(self.heads[name].weight, std=0.002)
        nn.init.constant_(self.heads["points"].bias, 0.5)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        fine, deep = self.backbone((pixels - 127.5) / 64.0)
        pooled = self.dropout(self.pooled(deep))
        cells = (_GRID, _GRID)
        # Nearest, not bilinear: the same in every runtime.
        raised = nn.functional.interpolate(self.deep(deep), size=fine.shape[-2:], mode="nearest")
        where = nn.functional.hardswish(self.fine(fine) + raised)
        if where.shape[-2:] != cells:  # smaller crops, early in training
            where = nn.functional.interpolate(where, size=cells, mode="bilinear", align_corners=False)
        where = where.flatten(1)
        out = {name: head(where if name in _SPATIAL else pooled) for name, head in self.heads.items()}
        out["pose"] = out["pose"] * POSE_UNIT
        return out
