"""The network: what dlib's recogniser sees of a face, untouched, and two ends on it with one layer a head.

A network from scratch needs more faces than the sets hold; dlib's recogniser has seen three million and is public
domain. All of it is kept as it is: trained further it only learns these few faces by heart (docs/decisions/0007), and
untouched it gives the embedding in the same pass. The ends begin as copies of parts of it: `does` sees what a face does
(expression, points, pose), `looks` who it looks like (age, gender, ethnicity).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceagent_tools import dlib_net, trunk, weights
from faceagent_tools.multitask import HEADS, USABLE

POSE_UNIT = 30.0  # degrees a unit of the pose head's output: keeps it of the order of one

_DOES = (trunk.FINE, 11)  # blocks of which the end for what a face does begins as a copy: from, up to
_LOOKS = (trunk.SHARED, 14)
_KNOWN = 512  # outputs of the layer on the recogniser's last maps
_WHERE = 64  # channels of the map from which points are read
_CELLS = 8  # cells a side of it
_IDENTITY = ("age", "gender", "race")
SPATIAL = ("points", "pose", "openings")


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

    def _first(self, pixels: Tensor) -> Tensor:
        return functional.max_pool2d(functional.relu(self.stem((pixels - self.mean) / 256)), 3, 2)

    def forward(self, pixels: Tensor) -> Tensor:
        out: Tensor = self.fc(self.maps(pixels)["late"])
        return out

    def maps(self, pixels: Tensor) -> dict[str, Tensor]:
        """What it makes of the pixels on its way (`faceagent_tools.trunk.MAPS`)."""
        maps = self._first(pixels)
        kept: dict[int, Tensor] = {}
        for number, block in enumerate(self.blocks, start=1):
            maps = kept[number] = block(maps)
        return {"fine": kept[trunk.FINE], "shared": kept[trunk.SHARED], "late": _mean(maps)}


def recogniser(file: Path) -> Recogniser:
    """The recogniser with dlib's filters.

    Raises:
        WeightsError: the file is not dlib's face recogniser.
    """
    made = Recogniser()
    made.load_state_dict({name: torch.from_numpy(value) for name, value in dlib_net.read(file).items()})
    return made


class Ends(nn.Module):
    """What is trained: the recogniser's maps (`trunk.MAPS`) -> a dict with one tensor a head (`multitask.HEADS`).

    age: logits of the years 0-100. gender: logit of male. race, emotion: logits. attributes: 40 logits. points: shares
    of the crop's side, x then y of each point. pose: degrees. openings: height / width. usable: logits of `USABLE`.
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.does = nn.ModuleList(Block(*plan) for plan in dlib_net.BLOCKS[slice(*_DOES)])
        self.looks = nn.ModuleList(Block(*plan) for plan in dlib_net.BLOCKS[slice(*_LOOKS)])
        fine, middle = trunk.MAPS["fine"][0], trunk.MAPS["shared"][0]
        doing, looking = (dlib_net.BLOCKS[last - 1][1] for _, last in (_DOES, _LOOKS))
        self.level = nn.LayerNorm(trunk.MAPS["late"][0])
        self.known = nn.Linear(trunk.MAPS["late"][0], _KNOWN)
        self.fine = nn.Conv2d(fine, _WHERE, 3, 2)
        self.middle = nn.Conv2d(middle, _WHERE, 1)
        self.deep = nn.Conv2d(doing, _WHERE, 1)
        self.dropout = nn.Dropout(dropout)
        widths = dict.fromkeys(HEADS, doing + middle)
        widths |= dict.fromkeys(_IDENTITY, _KNOWN + looking)
        widths |= {"attributes": _KNOWN + looking + doing + middle}
        widths |= dict.fromkeys(SPATIAL, _WHERE * _CELLS * _CELLS)
        self.heads = nn.ModuleDict({name: nn.Linear(widths[name], size) for name, size in HEADS.items()})
        # Fitted when training is over, on what the network then sees of a crop (`finish`).
        self.usable = nn.Linear(widths["attributes"], len(USABLE))
        self.shift = nn.Parameter(torch.zeros(HEADS["points"]), requires_grad=False)
        for name in SPATIAL:
            nn.init.normal_(self.heads[name].weight, std=0.002)
        nn.init.constant_(self.heads["points"].bias, 0.5)

    def start(self, recogniser: Recogniser) -> None:
        """Begin as copies of the recogniser's blocks."""
        for mine, part in ((self.does, _DOES), (self.looks, _LOOKS)):
            mine.load_state_dict(recogniser.blocks[slice(*part)].state_dict())

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """What is trained: `body` begins with dlib's filters, `heads` from nothing."""
        body = [*self.does.parameters(), *self.looks.parameters()]
        made = (self.level, self.known, self.fine, self.middle, self.deep, self.heads)
        return {"body": body, "heads": [p for part in made for p in part.parameters()]}

    def forward(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        looks, does, where = self.features(maps)
        seen = dict.fromkeys(HEADS, does) | dict.fromkeys(_IDENTITY, looks) | dict.fromkeys(SPATIAL, where)
        seen["attributes"] = torch.cat([looks, does], dim=1)
        out = {
            name: head(seen[name] if name in SPATIAL else self.dropout(seen[name])) for name, head in self.heads.items()
        }
        out["pose"] = out["pose"] * POSE_UNIT
        out["points"] = out["points"] + self.shift
        out["usable"] = self.usable(seen["attributes"].detach())
        return out

    def features(self, maps: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """What the heads see: of who a face looks like [N, 768], of what it does [N, 384], of where its parts are."""
        looking = maps["shared"]
        for block in self.looks:
            looking = block(looking)
        middle = maps["fine"]
        for block in self.does[:-1]:
            middle = block(middle)
        doing = self.does[-1](middle)
        known = functional.gelu(self.known(self.level(maps["late"])))
        looks = torch.cat([known, _mean(looking)], dim=1)
        return looks, torch.cat([_mean(doing), _mean(middle)], dim=1), self._where(maps["fine"], middle, doing)

    def _where(self, fine: Tensor, middle: Tensor, deep: Tensor) -> Tensor:
        """Cells of the face, each with what is fine and what is deep about it [N, _WHERE * _CELLS * _CELLS]."""
        # Nearest, not bilinear: the same in every runtime.
        coarse = functional.interpolate(self.deep(deep), size=(_CELLS, _CELLS), mode="nearest")
        return functional.relu(self.fine(fine) + self.middle(middle) + coarse).flatten(1)


class Multitask(nn.Module):
    """float32 RGB [N, 3, 150, 150] of 0-255 -> what `Ends` makes of them."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.trunk = recogniser(weights.path(trunk.WEIGHTS)).eval().requires_grad_(False)
        self.ends = Ends(dropout)
        self.ends.start(self.trunk)

    def maps(self, pixels: Tensor) -> dict[str, Tensor]:
        """What the recogniser hands on (`trunk.MAPS`); nothing is learnt through it."""
        with torch.no_grad():
            made: dict[str, Tensor] = self.trunk.maps(pixels)
        return made

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        out: dict[str, Tensor] = self.ends(self.maps(pixels))
        return out


def _mean(maps: Tensor) -> Tensor:
    return maps.mean(dim=(2, 3))
