"""Small learnt autoencoders, which draw faces as generators do: by up-sampling from a code.

    python -m faceagent_finetune.nets.forensic.decoders --cache DIR --out DIR

Each is trained on the authentic photos of the train split, and differs from the others in how it makes a picture
larger. What passed through one shows the same person with the traces of a decoder: real and forged have the same
content, so nothing but the traces tells them apart (Zhang et al. 2019, arXiv 1907.06515; Rajan et al. 2024, arXiv
2410.11835).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from faceagent.errors import UsageError
from faceagent.media import Pixels
from faceagent_finetune.nets.forensic.areas import Rng
from faceagent_finetune.nets.forensic.blends import GENERATORS, Change
from faceagent_finetune.nets.forensic.data import Photos
from faceagent_finetune.nets.forensic.efficientnet import EfficientNet
from faceagent_finetune.nets.loop import say

_SIDE, _BATCH, _RATE = 96, 8, 2e-3
_NOISE = 0.1  # added to codes in training, so that codes near a photo's own draw a face as well
_SETS = {"dfdc_faces": 0.3, "stylegan_ffhq": 0.25, "lfw_images": 0.2, "helen68": 0.15, "fairface": 0.1}
_CHANNELS = (16, 32)  # at the photo's own size and at half of it


@dataclass(frozen=True)
class Shape:
    """halvings: times that a photo is halved. enlarge: how it is doubled again. codes: channels of the code."""

    halvings: int
    enlarge: str
    codes: int
    width: int


SHAPES: Mapping[str, Shape] = {
    "nearest-8": Shape(3, "nearest", 8, 64),
    "transposed-4": Shape(2, "transposed", 4, 48),
    "shuffle-8": Shape(3, "shuffle", 10, 64),
    "nearest-4": Shape(2, "nearest", 3, 48),
    "transposed-8": Shape(3, "transposed", 12, 64),
}
"""By name: how it enlarges, and by how much in all."""


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        made: Tensor = self.second(functional.silu(self.first(functional.silu(self.norm(maps)))))
        return maps + made


class Autoencoder(nn.Module):
    """[N, 3, H, W] of -1 to 1, H and W multiples of 2 ** halvings, to the same, drawn anew.

    The code holds a small picture too, so that a short training suffices: what is drawn is its detail.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths = [*_CHANNELS, *[shape.width] * (shape.halvings - 1)]
        pairs = list(pairwise(widths))
        self.small = 2**shape.halvings
        self.encoder = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, padding=1),
            *[part for a, b in pairs for part in (nn.SiLU(), nn.Conv2d(a, b, 4, 2, 1))],
            Residual(widths[-1]),
            nn.Conv2d(widths[-1], shape.codes, 1),
        )
        drawn: list[nn.Module] = [nn.Conv2d(shape.codes, widths[-1], 3, padding=1), Residual(widths[-1])]
        for narrow, wide in reversed(pairs):
            drawn += [_enlarge(shape.enlarge, wide, narrow), *([Residual(narrow)] if narrow > _CHANNELS[0] else [])]
        self.decoder = nn.Sequential(*drawn, nn.SiLU(), nn.Conv2d(widths[0], 3, 3, padding=1))

    def forward(self, pictures: Tensor, noise: float) -> Tensor:
        codes = 2 * torch.tanh(self.encoder(pictures) / 2)
        small = functional.avg_pool2d(pictures, self.small)
        coarse = functional.interpolate(small, scale_factor=self.small, mode="bicubic")
        detail: Tensor = self.decoder(codes + noise * torch.randn_like(codes))
        return coarse + detail


def _enlarge(kind: str, before: int, after: int) -> nn.Module:
    if kind == "transposed":
        return nn.ConvTranspose2d(before, after, 4, 2, 1)
    if kind == "shuffle":
        return nn.Sequential(nn.Conv2d(before, 4 * after, 3, padding=1), nn.PixelShuffle(2))
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1))


class Decoder:
    """One of them, as a change of a photo."""

    def __init__(self, file: Path) -> None:
        self._network = Autoencoder(SHAPES[file.stem])
        self._network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        self._network.eval()

    def __call__(self, pixels: Pixels, rng: Rng) -> Pixels:
        """The photo drawn anew from its code, which is at times a little off."""
        height, width = pixels.shape[:2]
        small = self._network.small
        padded = cv2.copyMakeBorder(pixels, 0, -height % small, 0, -width % small, cv2.BORDER_REFLECT_101)
        noise = float(rng.choice([0.0, 0.1, 0.3]))
        with torch.inference_mode():
            drawn = self._network(_to_input(np.asarray(padded, np.uint8)[None]), noise)[0]
        made = (drawn.permute(1, 2, 0)[:height, :width] + 1) * 127.5
        return np.asarray(made.round().clamp(0, 255).numpy().astype(np.uint8))


def load(folder: Path) -> tuple[Decoder, ...]:
    """All that `main` trained.

    Raises:
        UsageError: one is missing.
    """
    files = [folder / f"{name}.pt" for name in SHAPES]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise UsageError(f"{missing[0]} does not exist", "Make it with faceagent_finetune.nets.forensic.decoders")
    return tuple(Decoder(file) for file in files)


def generators(share: float, folder: Path) -> tuple[Change, ...]:
    """What draws pictures anew in training, of which about this share passes through the networks in a folder."""
    if share == 0.0:
        return tuple(GENERATORS)
    learnt = load(folder)
    times = max(round(share / (1 - share) * len(GENERATORS) / len(learnt)), 1)
    return (*GENERATORS, *learnt * times)


class Cuts:
    """Square pieces of authentic photos of the train split, at their size or smaller."""

    def __init__(self, cache: Path, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._photos = [Photos.open(cache, name) for name in _SETS]
        self._rows = [np.flatnonzero(~photos.val & (photos.kind == 0)) for photos in self._photos]

    def batch(self, each: int = 4) -> Tensor:
        rng, made = self._rng, []
        for which in rng.choice(len(self._photos), _BATCH // each, p=list(_SETS.values())):
            pixels = self._photos[which].face(int(rng.choice(self._rows[which]))).pixels
            share = max(rng.uniform(0.5, 1.0), (_SIDE + 2) / min(pixels.shape[:2]))
            way = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
            scaled = cv2.resize(pixels, None, fx=share, fy=share, interpolation=way)
            for _ in range(each):
                top, left = (int(rng.integers(extent - _SIDE + 1)) for extent in scaled.shape[:2])
                made.append(scaled[top : top + _SIDE, left : left + _SIDE])
        return _to_input(np.stack(made))


def train(shape: Shape, cuts: Cuts, minutes: float) -> Autoencoder:
    """Pixels, their local contrast, and what EfficientNet sees in them first are to be the same."""
    network = Autoencoder(shape)
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, betas=(0.9, 0.99))
    eye = EfficientNet()
    eye.start()
    eye.eval().requires_grad_(False)
    begun = said = time.monotonic()
    step = 0
    while (over := (time.monotonic() - begun) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1.0, (step + 1) / 50) * (1 - over) ** 0.7
        pictures = cuts.batch()
        drawn = network(pictures, _NOISE)
        loss = _apart(pictures, drawn, eye)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        if time.monotonic() - said > 30:
            said = time.monotonic()
            say(f"{100 * over:3.0f} %  step {step}  {(pictures - drawn).detach().abs().mean().item():.4f} apart")
    return network


def _apart(pictures: Tensor, drawn: Tensor, eye: EfficientNet) -> Tensor:
    with torch.no_grad():
        wanted = eye.edges(127.5 * (pictures + 1))
    seen = eye.edges(127.5 * (drawn.clamp(-1.1, 1.1) + 1))
    contrast = (_contrast(pictures) - _contrast(drawn)).abs().mean()
    return (pictures - drawn).abs().mean() + contrast + 0.3 * (wanted - seen).abs().mean() / wanted.abs().mean()


def _contrast(pictures: Tensor) -> Tensor:
    return pictures - functional.avg_pool2d(pictures, 3, 1, 1)


def _to_input(pixels: Pixels) -> Tensor:
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W] of -1 to 1."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cache", type=Path, required=True, help="folder that crops filled")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the networks (7 MB); what is there already stays"
    )
    parser.add_argument("--minutes", type=float, default=4.0, help="for each of them")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    cuts = Cuts(chosen.cache, seed=5)
    for name, shape in SHAPES.items():
        file = chosen.out / f"{name}.pt"
        if not file.is_file():
            say(name)
            torch.save(train(shape, cuts, chosen.minutes).state_dict(), file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
