"""A tuned CLIP from batches to a declared detector, with a tiny tower of random weights."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import as_jpeg

from faceagent.errors import MissingExtra, UsageError, WeightsError, WeightsMissing
from faceagent.media import Photo
from faceagent.types import Box
from faceagent_tools.forensics import declared

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
with contextlib.suppress(ModuleNotFoundError):
    try:
        import torchvision  # noqa: F401
    except RuntimeError:  # made for another build of torch: declare its operators, which nothing here calls
        OPERATORS = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            OPERATORS.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
open_clip = pytest.importorskip("open_clip")

from faceagent_finetune.nets import loop  # noqa: E402 - after the skips
from faceagent_finetune.nets.clip_forensic import export, train  # noqa: E402
from faceagent_finetune.nets.clip_forensic.__main__ import steps  # noqa: E402
from faceagent_finetune.nets.clip_forensic.losses import NAMES, losses  # noqa: E402
from faceagent_finetune.nets.clip_forensic.model import started  # noqa: E402
from faceagent_finetune.nets.forensic.data import Mixer  # noqa: E402

RECIPE = Path(__file__).parents[2] / "finetune" / "recipes" / "clip_forensic.toml"
TOWER = {"image_size": 224, "layers": 2, "width": 64, "head_width": 32, "patch_size": 56}
WORDS = {"context_length": 8, "width": 32, "heads": 2, "layers": 1}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The one that ships, but for the tower and what takes long."""
    folder = tmp_path_factory.mktemp("clip")
    for name, size in (("tiny", 224), ("tiny-112", 112)):
        config = {"embed_dim": 32, "vision_cfg": {**TOWER, "image_size": size}, "text_cfg": WORDS}
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    torch.manual_seed(3)
    torch.save(open_clip.create_model("tiny").state_dict(), folder / "tiny.pt")
    changed = {
        "model": "tiny",
        "pretrained": str(folder / "tiny.pt"),
        "licence": 'MIT "as is"',
        "threads": 1,
        "batch": 4,
        "samples": 8,
        "made": 0.0,
        "mix": {"stylegan_ffhq": 1.0},
    }
    return tomllib.loads(RECIPE.read_text(encoding="utf-8")) | changed


@pytest.fixture(scope="module")
def cache(portrait: Photo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos as `forensic.crops` writes them, every other one forged."""
    folder, count = tmp_path_factory.mktemp("cache"), 12
    files = [as_jpeg(portrait, quality=60 + place) for place in range(count)]
    np.savez(
        folder / "stylegan_ffhq.npz",
        files=np.frombuffer(b"".join(files), np.uint8),
        ends=np.cumsum([len(file) for file in files]),
        points=np.random.default_rng(0).uniform((170, 50), (290, 190), (count, 68, 2)).astype(np.float32),
        kind=np.tile(np.array([0, 2], np.int8), count // 2),
        val=np.zeros(count, np.bool_),
        group=np.arange(count).astype(np.str_),
        native=np.zeros(count, np.float32),
        quality=np.full(count, 75, np.int16),
    )
    return folder


def quantised(tower: torch.nn.Module, file: Path) -> None:
    """A tower as onnxruntime's dynamic quantisation stores that of transformers, without what computes it."""
    import onnx
    from onnx import helper, numpy_helper

    theirs = {"ln_pre": "pre_layrnorm", "ln_post": "post_layernorm", "ln_1": "layer_norm1", "ln_2": "layer_norm2"}
    theirs |= {"transformer.resblocks": "encoder.layers", "c_fc": "fc1", "c_proj": "fc2", "attn.": "self_attn."}
    theirs |= {"class_embedding": "embeddings.class_embedding", "conv1": "embeddings.patch_embedding"}
    theirs |= {"positional_embedding": "embeddings.position_embedding.weight"}
    tensors, nodes = [], []
    for ours, value in tower.state_dict().items():
        name = ours
        for one, other in theirs.items():
            name = name.replace(one, other)
        parts = {name: value.numpy()}
        if "in_proj_" in name:
            thirds = zip("qkv", np.split(value.numpy(), 3), strict=True)
            parts = {name.replace("in_proj_", f"{which}_proj."): third for which, third in thirds}
        for part, array in parts.items():
            if array.ndim != 2 or "embedding" in part or part == "proj":
                tensors.append(numpy_helper.from_array(array, f"vision_model.{part}"))
                continue
            scale, weight = np.abs(array).max() / 127, f"onnx::MatMul_{len(nodes)}"
            steps = (np.round(array.T / scale) + 128).astype(np.uint8)
            tensors += [
                numpy_helper.from_array(steps, f"{weight}_quantized"),
                numpy_helper.from_array(np.array(scale, np.float32), f"{weight}_scale"),
                numpy_helper.from_array(np.array(128, np.uint8), f"{weight}_zero_point"),
            ]
            label = f"/vision_model/{part.removesuffix('.weight').replace('.', '/')}/MatMul_quant"
            label = label.replace("layers/", "layers.")
            nodes.append(
                helper.make_node("MatMulInteger", ["x", f"{weight}_quantized"], [f"y{len(nodes)}"], name=label)
            )
    onnx.save(helper.make_model(helper.make_graph(nodes, "tower", [], [], tensors)), file)


def test_a_tower_in_8_bits_is_nearly_the_one_that_was_stored(recipe: dict[str, Any], tmp_path: Path) -> None:
    whole = started(recipe)
    quantised(whole.tower, tmp_path / "tiny.onnx")
    packed = started({**recipe, "pretrained": str(tmp_path / "tiny.onnx")})
    pixels = torch.randint(0, 256, (2, 3, 224, 224)).float()
    with torch.inference_mode():
        alike = torch.nn.functional.cosine_similarity(whole.feature(pixels), packed.feature(pixels))
    assert float(alike.min()) > 0.99
    assert not torch.equal(whole.feature(pixels), packed.feature(pixels))
    open_clip.add_model_config(Path(recipe["pretrained"]).parent)
    with pytest.raises(WeightsError, match="another tower"):
        started({**recipe, "model": "ViT-B-32", "pretrained": str(tmp_path / "tiny.onnx")})
    (tmp_path / "damaged.onnx").write_bytes(b"not a network")
    with pytest.raises(WeightsError, match=r"damaged\.onnx"):
        started({**recipe, "pretrained": str(tmp_path / "damaged.onnx")})
    with pytest.raises(WeightsMissing, match="nowhere"):
        started({**recipe, "pretrained": str(tmp_path / "nowhere.onnx")})


def test_a_step_changes_the_norms_and_the_head_and_nothing_else(recipe: dict[str, Any], cache: Path) -> None:
    network, batch = started(recipe), Mixer.of(recipe, cache).batch(0)
    learning = {name for name, tensor in network.named_parameters() if tensor.requires_grad}
    norms = ["ln_pre", "ln_post", *(f"transformer.resblocks.{block}.ln_{n}" for block in (0, 1) for n in (1, 2))]
    names = ["head", *(f"tower.{norm}" for norm in norms)]
    assert learning == {f"{name}.{part}" for name in names for part in ("weight", "bias")}
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser = torch.optim.AdamW(loop.groups(network.parts(), recipe), lr=1e-3)
    feature = network.feature(loop.to_input(batch.pixels))
    told = losses(network.head(feature), feature, torch.from_numpy(batch.score))
    torch.stack(list(told.values())).sum().backward()
    optimiser.step()
    assert {name for name, value in network.state_dict().items() if (value != before[name]).any()} == learning
    assert torch.allclose(feature.norm(dim=1), torch.ones(4))


def test_the_chain_ends_in_a_declared_detector(
    recipe: dict[str, Any], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = train.train(recipe, cache, tmp_path, resume=False)
    train.train({**recipe, "samples": 12}, cache, tmp_path, resume=True)
    network, state = train.averaged(checkpoint)
    assert state["step"] == 3
    assert state["average"].keys() == network.tuned().state_dict().keys()
    assert sum(value.numel() for value in state["average"].values()) == 6 * 2 * 64 + 65

    monkeypatch.setattr(sys, "argv", ["export", str(checkpoint), "--out", str(tmp_path)])
    assert export.main() == 0
    file = tmp_path / "clip-forensic.toml"
    assert export.disagreement(network, file) < 1e-4
    (row,) = declared.read(file)
    assert (row.licence, row.version, row.calibrated_on) == ('MIT "as is"', "tiny, tiny.pt, step 3", None)
    detector, grey = declared.DeclaredDetector(row), np.full((300, 300, 3), 128, np.uint8)
    noise, box = np.random.default_rng(0).integers(0, 256, grey.shape, np.uint8), Box(x0=80, y0=80, x1=200, y1=220)
    assert detector.forged(grey, box) != detector.forged(noise, box)
    commands = steps(RECIPE, tmp_path, cache, tmp_path)
    assert commands[1][-1] == "--resume"
    assert all(importlib.util.find_spec(f"faceagent_finetune.nets.{name}") for name, *_ in commands)


def test_the_losses_are_those_of_their_definition() -> None:
    rng = np.random.default_rng(0)
    feature, forged = rng.normal(size=(5, 3)), np.array([0, 1, 0, 1, 1])
    feature /= np.linalg.norm(feature, axis=1, keepdims=True)
    pairs = [(i, j) for i in range(5) for j in range(i)]
    apart = np.array([((feature[i] - feature[j]) ** 2).sum() for i, j in pairs])
    alike = np.array([forged[i] == forged[j] for i, j in pairs])
    told = losses(torch.zeros(5, 1), torch.from_numpy(feature), torch.from_numpy(forged.astype(np.float32)))
    assert tuple(told) == NAMES
    assert float(told["score"]) == pytest.approx(np.log(2))
    assert float(told["alignment"]) == pytest.approx(apart[alike].mean())
    assert float(told["uniformity"]) == pytest.approx(np.log(np.exp(-2 * apart).mean()))


def test_without_a_network_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> str:
        raise FileNotFoundError("Network is unreachable\nTraceback")

    monkeypatch.setattr("open_clip.factory.download_pretrained", unreachable)
    with pytest.raises(
        WeightsMissing, match=r"'openai' of ViT-L-14-quickgelu .* unreachable\)\. .*pretrained = 'FILE'"
    ):
        started({"model": "ViT-L-14-quickgelu", "pretrained": "openai"})


def test_what_cannot_be_tuned_is_named(recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsMissing, match="not a known tag or valid file path"):
        started({**recipe, "pretrained": str(tmp_path / "none.pt")})
    torch.save(open_clip.create_model("tiny-112").state_dict(), tmp_path / "small.pt")
    with pytest.raises(UsageError, match="tiny-112 is no vision transformer of 224 x 224 pixels"):
        started({**recipe, "model": "tiny-112", "pretrained": str(tmp_path / "small.pt")})
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(MissingExtra, match=r"faceagent\[clip\]"):
        started(recipe)
