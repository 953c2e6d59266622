"""MesoNet: the graph against the network computed step by step, the crop, and the published weights where they are."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from faceagent.errors import WeightsCorrupt, WeightsMissing
from faceagent.media import Photo
from faceagent_tools import runtime, weights
from faceagent_tools.forensics import mesonet
from faceagent_tools.forensics.mesonet import GRAPHS, MesoNet
from faceagent_tools.forensics.view import Floats

Array = npt.NDArray[np.float32]
published = pytest.mark.skipif("FACEAGENT_MIRROR" not in os.environ, reason="needs the published weights")

MESO4 = ((5, 3, 8, 3, 2), (6, 8, 8, 5, 2), (7, 8, 16, 5, 2), (8, 16, 16, 5, 4))  # layer, before, after, side, pool
DENSE = (("dense_3", 1024, 16), ("dense_4", 16, 1))


def random_meso4(rng: np.random.Generator) -> dict[str, Array]:
    made: dict[str, npt.NDArray[np.float64]] = {}
    for layer, before, after, side, _ in MESO4:
        made[f"conv2d_{layer}/kernel"] = rng.normal(0, 1 / np.sqrt(before * side * side), (after, before, side, side))
        made[f"conv2d_{layer}/bias"] = rng.normal(0, 0.1, after)
        norm = f"batch_normalization_{layer}"
        for name, low, high in (("gamma", 0.5, 1.5), ("beta", -0.2, 0.2), ("moving_mean", -0.2, 0.2)):
            made[f"{norm}/{name}"] = rng.uniform(low, high, after)
        made[f"{norm}/moving_variance"] = rng.uniform(0.001, 0.5, after)  # so small that epsilon counts
    for layer, before, after in DENSE:
        made[f"{layer}/kernel"] = rng.normal(0, 0.1, (before, after))
        made[f"{layer}/bias"] = rng.normal(0, 0.1, after)
    return {name: values.astype(np.float32) for name, values in made.items()}


def meso4(pixels: Array, given: dict[str, Array]) -> float:
    """classifiers.py of upstream, step by step; pixels [256, 256, 3] of 0-1."""
    x = pixels.astype(np.float64)
    for layer, _, _, side, pool in MESO4:
        pad = side // 2
        padded = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
        x = np.einsum("hwcij,ocij->hwo", windows, given[f"conv2d_{layer}/kernel"], optimize=True)
        x = np.maximum(x + given[f"conv2d_{layer}/bias"], 0)
        gamma, beta, mean, variance = (
            given[f"batch_normalization_{layer}/{name}"] for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        x = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
        rows, columns, width = x.shape
        x = x.reshape(rows // pool, pool, columns // pool, pool, width).max(axis=(1, 3))
    hidden = x.ravel() @ given["dense_3/kernel"] + given["dense_3/bias"]
    hidden = np.where(hidden > 0, hidden, 0.1 * hidden)
    return float(1 / (1 + np.exp(-(hidden @ given["dense_4/kernel"] + given["dense_4/bias"])[0])))


def test_the_graph_is_the_network() -> None:
    rng = np.random.default_rng(3)
    given, pixels = random_meso4(rng), rng.uniform(0, 1, (256, 256, 3)).astype(np.float32)
    graph = files("faceagent_tools").joinpath("networks", "meso4.onnx").read_bytes()
    found = runtime.session(graph, 1, given).run(["real"], {"pixels": pixels[None]})[0]
    assert found[0, 0] == pytest.approx(meso4(pixels, given), abs=1e-4)


def test_the_nose_is_in_the_middle_of_the_crop(portrait: Photo, points: Floats) -> None:
    marked = portrait.pixels.copy()
    x, y = ((points[27:31].mean(axis=0) + points[31:36].mean(axis=0)) / 2).astype(int)
    marked[y - 1 : y + 2, x - 1 : x + 2] = (0, 255, 0)
    crop = mesonet.cut(marked, points).astype(int)
    assert crop.shape == (256, 256, 3)
    green = crop[:, :, 1] - crop[:, :, [0, 2]].max(axis=2)
    assert np.allclose(np.argwhere(green > 100).mean(axis=0), 127.5, atol=3)


def test_a_leaning_head_gives_the_same_crop(portrait: Photo, points: Floats) -> None:
    from PIL import Image

    angle, middle = 25.0, np.array([256.0, 256.0])
    leaning = np.asarray(Image.fromarray(portrait.pixels).rotate(-angle, Image.Resampling.BICUBIC))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    moved = (points - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
    apart = mesonet.cut(leaning, moved).astype(int) - mesonet.cut(portrait.pixels, points)
    assert np.abs(apart[48:208, 48:208]).mean() < 4


def test_without_the_weights_it_says_how_to_get_them(
    portrait: Photo, points: Floats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FACEAGENT_MIRROR", raising=False)
    monkeypatch.setenv("FACEAGENT_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissing, match="faceagent models get meso4-df"):
        MesoNet("meso4-df").forged(portrait.pixels, points)


@published
@pytest.mark.parametrize("name", GRAPHS)
def test_an_authentic_portrait_is_not_called_forged(name: str, portrait: Photo, points: Floats) -> None:
    assert 0 <= MesoNet(name).forged(portrait.pixels, points) < 0.5


@published
def test_weights_of_the_other_network_are_refused() -> None:
    with pytest.raises(WeightsCorrupt, match="names and shapes"):
        mesonet.session("meso4-df", weights.path("mesoinception4-df"))
