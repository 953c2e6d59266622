"""The network: dlib's recogniser without its last layer, a second end for what a face does, and one layer a head.

A network from scratch needs more faces than the sets hold; dlib's recogniser has seen three million and is public
domain. Its first half serves everything. Its second half stays what says who a face is and so who it looks like (age,
gender, ethnicity). A copy of a part of it becomes the branch for what a face does (expression, points, pose).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceagent_tools import dlib_net
from faceagent_tools.multitask import ATTRIBUTES, HEADS, USABLE

POSE_UNIT = 30.0  # degrees a unit of the pose head's output: keeps it of the order of one

_KEPT, _FINE, _SHARED, _COPIED, _DEEP = 3, 7, 10, 12, 13
"""Numbers of blocks: the first `_KEPT` stay dlib's; after `_FINE` maps are 64 channels deep, after `_SHARED` 128; the
branch begins as a copy of those up to `_COPIED`; `_DEEP` is the last but one."""

_WHERE = 64  # channels of the map from which points are read
_CELLS = 7  # cells a side of it, for crops of 112 px
_MALE = ATTRIBUTES.index("Male")
_IDENTITY = ("age", "gender", "race")
_SPATIAL = ("points", "pose", "openings")


class Block(nn.Module):
    """A residual block of dlib's `anet_type`; halving blocks pool what they pass on and pad both sides alike."""

    def __init__(self, before: int, after: int, halves: bool) -> None:
        super().__init__()
        self.a = nn.Conv2d(before, after, 3, 2 if halves else 1, 0 if halves else 1)
        self.b = nn.Conv2d(after, after, 3, 1, 1)
        self._halves, self._extra = halves, after - before

    def forward(self, maps: Tensor) -> Tensor:
        made = self.b(functional.relu(self.a(maps)))
        if self._halves:
            maps = functional.avg_pool2d(maps, 2, 2)
            high, wide = (max(made.shape[side], maps.shape[side]) for side in (2, 3))
            made = functional.pad(made, (0, wide - made.shape[3], 0, high - made.shape[2]))
            maps = functional.pad(maps, (0, wide - maps.shape[3], 0, high - maps.shape[2], 0, self._extra))
        return functional.relu(maps + made)


class Recogniser(nn.Module):
    """dlib's face recogniser: float32 RGB [N, 3, 150, 150] of 0-255 -> [N, 128]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, 2)
        self.blocks = nn.ModuleList(Block(*plan) for plan in dlib_net.BLOCKS)
        self.fc = nn.Linear(dlib_net.BLOCKS[-1][1], dlib_net.EMBEDDING, bias=False)
        self.register_buffer("mean", torch.tensor(dlib_net.MEAN).view(1, 3, 1, 1), persistent=False)

    def first(self, pixels: Tensor) -> Tensor:
        """What the blocks begin with."""
        return functional.max_pool2d(functional.relu(self.stem((pixels - self.mean) / 256)), 3, 2)

    def forward(self, pixels: Tensor) -> Tensor:
        maps = self.first(pixels)
        for block in self.blocks:
            maps = block(maps)
        out: Tensor = self.fc(maps.mean(dim=(2, 3)))
        return out


def recogniser(weights: Path) -> Recogniser:
    """The recogniser with dlib's filters.

    Raises:
        WeightsError: the file is not dlib's face recogniser.
    """
    made = Recogniser()
    made.load_state_dict({name: torch.from_numpy(value) for name, value in dlib_net.read(weights).items()})
    return made


class Multitask(nn.Module):
    """float32 RGB [N, 3, 112, 112] of 0-255 -> a dict with one tensor a head (`faceagent_tools.multitask.HEADS`).

    age: logits of the years 0-100. gender: logit of male. race, emotion: logits. attributes: 40 logits. points: shares
    of the crop's side, x then y of each point. pose: degrees. openings: height / width. usable: logits of `USABLE`.
    """

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        self.trunk = Recogniser()
        del self.trunk.fc
        self.branch = nn.ModuleList(Block(*plan) for plan in dlib_net.BLOCKS[_SHARED:_COPIED])
        fine, middle, deep = (dlib_net.BLOCKS[last - 1][1] for last in (_FINE, _SHARED, _COPIED))
        self.fine = nn.Conv2d(fine, _WHERE, 3, 2, 1)
        self.middle = nn.Conv2d(middle, _WHERE, 1)
        self.deep = nn.Conv2d(deep, _WHERE, 1)
        self.dropout = nn.Dropout(dropout)
        widths = dict.fromkeys(HEADS, deep + middle)  # what a face does
        widths |= dict.fromkeys(_IDENTITY, 2 * deep)  # who it looks like
        widths |= {"attributes": 3 * deep + middle} | dict.fromkeys(_SPATIAL, _WHERE * _CELLS * _CELLS)
        self.heads = nn.ModuleDict({name: nn.Linear(widths[name], size) for name, size in HEADS.items()})
        # Fitted when training is over, on what the network then sees of a crop (`finish`).
        self.usable = nn.Linear(widths["attributes"], len(USABLE))
        self.shift = nn.Parameter(torch.zeros(HEADS["points"]), requires_grad=False)
        for name in _SPATIAL:
            nn.init.normal_(self.heads[name].weight, std=0.002)
        nn.init.constant_(self.heads["points"].bias, 0.5)

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """What is trained: `body` begins with dlib's filters, `heads` from nothing."""
        body = [*self.trunk.blocks[_KEPT:].parameters(), *self.branch.parameters()]
        heads = [p for part in (self.fine, self.middle, self.deep, self.heads) for p in part.parameters()]
        return {"body": body, "heads": heads}

    def start(self, weights: Path) -> None:
        """Begin with dlib's filters, in the branch as well.

        Raises:
            WeightsError: the file is not dlib's face recogniser.
        """
        self.trunk.load_state_dict(recogniser(weights).state_dict(), strict=False)  # all but the last layer
        self.branch.load_state_dict(self.trunk.blocks[_SHARED:_COPIED].state_dict())

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        identity, action, where = self.features(pixels)
        seen = dict.fromkeys(HEADS, action) | dict.fromkeys(_IDENTITY, identity) | dict.fromkeys(_SPATIAL, where)
        seen["attributes"] = torch.cat([identity, action], dim=1)
        out = {
            name: head(seen[name] if name in _SPATIAL else self.dropout(seen[name]))
            for name, head in self.heads.items()
        }
        out["pose"] = out["pose"] * POSE_UNIT
        out["points"] = out["points"] + self.shift
        if not self.training:
            # FairFace and UTKFace taught one head, CelebA the other, the same thing: together they err less.
            out["gender"] = (out["gender"] + out["attributes"][:, _MALE : _MALE + 1]) / 2
        out["usable"] = self.usable(seen["attributes"].detach())
        return out

    def features(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the heads see: of who a face looks like [N, 512], of what it does [N, 384], of where its parts are."""
        with torch.no_grad():  # edges and textures: nothing to learn anew, and a third of the work
            maps = self.trunk.first(pixels)
            for block in self.trunk.blocks[:_KEPT]:
                maps = block(maps)
        kept: dict[int, Tensor] = {}
        for number, block in enumerate(self.trunk.blocks[_KEPT:], start=_KEPT + 1):
            maps = block(maps)
            kept[number] = maps
        doing = kept[_SHARED]
        for block in self.branch:
            doing = block(doing)
        identity = torch.cat([_mean(kept[_DEEP]), _mean(maps)], dim=1)
        action = torch.cat([_mean(doing), _mean(kept[_SHARED])], dim=1)
        return identity, action, self._where(kept[_FINE], kept[_SHARED], doing)

    def _where(self, fine: Tensor, middle: Tensor, deep: Tensor) -> Tensor:
        """Cells of the face, each with what is fine and what is deep about it [N, _WHERE * _CELLS * _CELLS]."""
        cells = (_CELLS, _CELLS)
        # Nearest, not bilinear: the same in every runtime.
        made = self.fine(fine)
        for coarse in (self.middle(middle), self.deep(deep)):
            made = made + functional.interpolate(coarse, size=cells, mode="nearest")
        return functional.relu(made).flatten(1)


def _mean(maps: Tensor) -> Tensor:
    return maps.mean(dim=(2, 3))
