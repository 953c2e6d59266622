"""MiniFASNet's published weights (.pth, torch) as ONNX, and the graphs that check_liveness puts them into.

    python -m faceagent_finetune.nets.convert_minifasnet --weights DIR --out DIR [--graphs DIR]

The product needs no conversion: it reads the published files itself and joins them with the graphs of --graphs, which
ship with the package and hold no weights. The files of --out are for use elsewhere, and the check that both answer as
torch does. Needs the extra `train`. --weights holds the two files of resources/anti_spoof_models in
https://github.com/minivision-ai/Silent-Face-Anti-Spoofing (Apache-2.0). They are refused when their SHA-256 is not the
published one, are read without running code from them, and every name and shape in them is held against the network
that is rebuilt here. Batch norms are folded into the convolutions, weights are stored in 16 bits.
"""

# Without the extra `train` torch's classes are unknown.
# mypy: allow-subclassing-any, no-warn-unused-ignores

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from faceagent.errors import WeightsCorrupt, WeightsMissing
from faceagent_finetune.nets.half_weights import halve
from faceagent_tools.minifasnet import CLASSES, SIDE, session

# The last commit: master may move, the hashes would then fail for everybody.
ORIGIN = (
    "https://github.com/minivision-ai/Silent-Face-Anti-Spoofing/raw/b6d5f04ad78778917853b25c778acef6d5626d15"
    "/resources/anti_spoof_models"
)
_LAST = SIDE // 16  # side of the last feature map; the depthwise filter that ends the network covers all of it
_SQUEEZE = 4
_PREFIX = "module."  # left by torch's DataParallel


@dataclass(frozen=True)
class Plan:
    """Widths of one pruned MobileFaceNet: what each inverted bottleneck widens to before it narrows again.

    source, sha256: the published file and its hash. file: what is written.
    down: of the three that halve the size; repeat: of the residual ones after each of them. squeeze: whether the last
    residual one of each stage weighs its channels (squeeze and excitation).
    """

    source: str
    sha256: str
    file: str
    repeat: tuple[tuple[int, ...], ...]
    squeeze: bool
    down: tuple[int, ...] = (103, 231, 308)
    out: tuple[int, ...] = (64, 128, 128)
    stem: int = 32
    head: int = 512
    embedding: int = 128


PLANS = (
    Plan(
        source="2.7_80x80_MiniFASNetV2.pth",
        sha256="a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0",
        file="minifasnet-v2.onnx",
        repeat=((13, 13, 13, 13), (231, 52, 26, 77, 26, 26), (26, 26)),
        squeeze=False,
    ),
    Plan(
        source="4_0_0_80x80_MiniFASNetV1SE.pth",
        sha256="84ee1d37d96894d5e82de5a57df044ef80a58be2b218b5ed7cdfd875ec2f5990",
        file="minifasnet-v1se.onnx",
        repeat=((13, 26, 13, 52), (154, 52, 26, 52, 26, 26), (26, 26)),
        squeeze=True,
    ),
)


class Unit(nn.Module):
    """Convolution, batch norm and, unless it is the last of a bottleneck, a PReLU."""

    def __init__(
        self, before: int, after: int, side: int = 1, stride: int = 1, *, deep: bool = False, bent: bool = True
    ) -> None:
        super().__init__()
        padding = 0 if side == _LAST else side // 2
        groups = before if deep else 1
        self.conv: nn.Module = nn.Conv2d(before, after, side, stride, padding, groups=groups, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(after)
        if bent:
            self.prelu = nn.PReLU(after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.bn(self.conv(x))
        return self.prelu(x) if hasattr(self, "prelu") else x


class Squeeze(nn.Module):
    """Each channel weighed by what all channels hold on average."""

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = width // _SQUEEZE
        self.fc1: nn.Module = nn.Conv2d(width, narrow, 1, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(narrow)
        self.fc2: nn.Module = nn.Conv2d(narrow, width, 1, bias=False)
        self.bn2: nn.Module = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = x.mean(dim=(2, 3), keepdim=True)
        narrow = torch.relu(self.bn1(self.fc1(pooled)))
        return x * torch.sigmoid(self.bn2(self.fc2(narrow)))


class Bottleneck(nn.Module):
    """Widen, filter each channel by itself, narrow; residual where the size stays."""

    def __init__(self, before: int, wide: int, after: int, stride: int, squeeze: bool = False) -> None:
        super().__init__()
        self.conv = Unit(before, wide)
        self.conv_dw = Unit(wide, wide, 3, stride, deep=True)
        self.project = Unit(wide, after, bent=False)
        if squeeze:
            self.se_module = Squeeze(after)
        self.residual = stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.project(self.conv_dw(self.conv(x)))
        if hasattr(self, "se_module"):
            found = self.se_module(found)
        return x + found if self.residual else found


class Repeated(nn.Module):
    def __init__(self, width: int, wides: Sequence[int], squeeze: bool) -> None:
        super().__init__()
        last = len(wides) - 1
        self.model = nn.Sequential(
            *(Bottleneck(width, wide, width, 1, squeeze and place == last) for place, wide in enumerate(wides))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class MiniFASNet(nn.Module):
    """BGR float32 [N, 3, 80, 80] of 0-255 to probabilities [N, 3] of `minifasnet.CLASSES`.

    Its parts have the names that the published state dict uses.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.conv1 = Unit(3, plan.stem, 3, 2)
        self.conv2_dw = Unit(plan.stem, plan.stem, 3, deep=True)
        self.conv_23 = Bottleneck(plan.stem, plan.down[0], plan.out[0], 2)
        self.conv_3 = Repeated(plan.out[0], plan.repeat[0], plan.squeeze)
        self.conv_34 = Bottleneck(plan.out[0], plan.down[1], plan.out[1], 2)
        self.conv_4 = Repeated(plan.out[1], plan.repeat[1], plan.squeeze)
        self.conv_45 = Bottleneck(plan.out[1], plan.down[2], plan.out[2], 2)
        self.conv_5 = Repeated(plan.out[2], plan.repeat[2], plan.squeeze)
        self.conv_6_sep = Unit(plan.out[2], plan.head)
        self.conv_6_dw = Unit(plan.head, plan.head, _LAST, deep=True, bent=False)
        self.linear: nn.Module = nn.Linear(plan.head, plan.embedding, bias=False)
        self.bn: nn.Module = nn.BatchNorm1d(plan.embedding)
        self.prob = nn.Linear(plan.embedding, len(CLASSES), bias=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.conv_23(self.conv2_dw(self.conv1(pixels)))
        x = self.conv_45(self.conv_4(self.conv_34(self.conv_3(x))))
        x = self.conv_6_dw(self.conv_6_sep(self.conv_5(x)))
        return torch.softmax(self.prob(self.bn(self.linear(x.flatten(1)))), dim=1)


def loaded(plan: Plan, folder: Path) -> MiniFASNet:
    """The network with the published weights, ready to use.

    Raises:
        WeightsMissing: the file is not in the folder.
        WeightsCorrupt: it is not the published file, or has names or shapes that are not those of this network.
    """
    path = folder / plan.source
    if not path.is_file():
        raise WeightsMissing(f"{path} does not exist", f"Get it with: curl -LO {ORIGIN}/{plan.source}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != plan.sha256:
        raise WeightsCorrupt(
            f"{path} does not have the published SHA-256", f"Get a sound copy with: curl -LO {ORIGIN}/{plan.source}"
        )
    try:
        # weights_only: nothing but tensors and plain containers is unpickled.
        read = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsCorrupt(f"{path} holds more than weights", "Do not use it") from error
    named = {name.removeprefix(_PREFIX): tensor for name, tensor in read.items()}
    network = MiniFASNet(plan)
    check_layout(named, network.state_dict(), path.name)
    network.load_state_dict(named, strict=True)
    network.eval()
    return network


def check_layout(found: Mapping[str, Any], wanted: Mapping[str, Any], file: str) -> None:
    """Hold names and shapes of a state dict against the network's own.

    Raises:
        WeightsCorrupt: they differ; the error names the first few that do.
    """
    missing, unknown = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    shapes = [
        f"{name} is {list(found[name].shape)} instead of {list(wanted[name].shape)}"
        for name in wanted
        if name in found and found[name].shape != wanted[name].shape
    ]
    faults = [*(f"{name} is missing" for name in missing), *(f"{name} is unknown" for name in unknown), *shapes]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise WeightsCorrupt(
            f"{file} does not have the layout of this network: {'; '.join(faults[:3])}{more}",
            "Get the file from its origin again, or choose the network that it belongs to",
        )


def fold(network: MiniFASNet) -> MiniFASNet:
    """Batch norms into the convolutions before them, in place."""
    for part in network.modules():
        if isinstance(part, Unit):
            part.conv, part.bn = fuse_conv_bn_eval(part.conv, part.bn), nn.Identity()  # type: ignore[type-var]
        if isinstance(part, Squeeze):
            part.fc1, part.bn1 = fuse_conv_bn_eval(part.fc1, part.bn1), nn.Identity()  # type: ignore[type-var]
            part.fc2, part.bn2 = fuse_conv_bn_eval(part.fc2, part.bn2), nn.Identity()  # type: ignore[type-var]
    network.linear, network.bn = fuse_linear_bn_eval(network.linear, network.bn), nn.Identity()  # type: ignore[type-var]
    return network


def write_onnx(network: MiniFASNet, target: Path) -> None:
    """Export: input `pixels`, output `probabilities`."""
    _export(network, target)
    halve(target)


def _export(network: MiniFASNet, target: Path, **more: Any) -> None:
    with warnings.catch_warnings():
        # The newer exporter needs a further package and gains nothing for a plain network such as this.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, SIDE, SIDE),),
            str(target),
            input_names=["pixels"],
            output_names=["probabilities"],
            dynamic_axes={"pixels": {0: "n"}, "probabilities": {0: "n"}},
            opset_version=17,
            dynamo=False,
            **more,
        )


def write_graph(plan: Plan, target: Path) -> None:
    """The network as published, batch norms and all; its weights external and empty, named as published."""
    import onnx

    network = MiniFASNet(plan).eval()
    torch.manual_seed(1)
    for values in network.state_dict().values():
        if values.is_floating_point():  # no two alike: the exporter would store equal ones once
            values.copy_(torch.rand_like(values) + 0.5)
    # Not in training, but kept from folding the batch norms.
    _export(network, target, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    model = onnx.load(target)
    for tensor in model.graph.initializer:
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=plan.source)
    target.write_bytes(model.SerializeToString())


def joined_difference(plan: Plan, folder: Path, graph: Path) -> float:
    """Between torch and the product's own way to the same network, as `largest_difference`."""
    return _apart(loaded(plan, folder), session(graph.read_bytes(), folder / plan.source))


def largest_difference(network: MiniFASNet, target: Path, seed: int = 7) -> float:
    """Between the probabilities of torch, 32 bits and batch norms as published, and of the file in ONNX Runtime.

    On 64 crops of noise: plain, smooth and dark, so that the classes vary.
    """
    import onnxruntime

    return _apart(network, onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"]), seed)


def _apart(network: MiniFASNet, other: Any, seed: int = 7) -> float:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (64, 3, 10, 10)).repeat(8, axis=2).repeat(8, axis=3)
    grain = rng.normal(0, 1, (64, 3, SIDE, SIDE)) * rng.uniform(0, 40, (64, 1, 1, 1))
    pixels = np.clip(coarse * rng.uniform(0.1, 1, (64, 1, 1, 1)) + grain, 0, 255).astype(np.float32)
    with torch.no_grad():
        ours = network(torch.from_numpy(pixels)).numpy()
    theirs = other.run(["probabilities"], {"pixels": pixels})[0]
    return float(np.abs(ours - theirs).max())


def convert(plan: Plan, folder: Path, out: Path) -> dict[str, Any]:
    """Write one file and say what it is.

    Raises:
        WeightsError: the .pth is missing, is not the published file, or has another layout.
    """
    network, target = loaded(plan, folder), out / plan.file
    write_onnx(fold(loaded(plan, folder)), target)
    return {
        "file": plan.file,
        "from": plan.source,
        "from_sha256": plan.sha256,
        "parameters": sum(values.numel() for values in network.parameters()),
        "largest_difference_from_torch": largest_difference(network, target),
        "bytes": target.stat().st_size,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--weights", type=Path, required=True, help="folder with the two .pth files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--graphs", type=Path, help="folder for the graphs without weights: the package's networks/")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    told = {"torch": torch.__version__, "networks": [convert(plan, chosen.weights, chosen.out) for plan in PLANS]}
    for plan, row in zip(PLANS, told["networks"], strict=True):
        if chosen.graphs is not None:
            write_graph(plan, chosen.graphs / plan.file)
            row["graph_difference_from_torch"] = joined_difference(plan, chosen.weights, chosen.graphs / plan.file)
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
