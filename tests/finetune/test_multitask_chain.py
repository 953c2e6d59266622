"""faceagent-multitask from Parquet files to a measured ONNX file, with a handful of photos. Skipped without torch."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceagent.errors import UsageError
from faceagent.media import Photo

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
parquet = pytest.importorskip("pyarrow.parquet")

import pyarrow  # noqa: E402 - after the skips

from faceagent_finetune.nets.loop import to_input  # noqa: E402
from faceagent_finetune.nets.multitask import card, crops, evaluate, export, finish, labels, losses, train  # noqa: E402
from faceagent_finetune.nets.multitask.data import CropSet, Mixer  # noqa: E402
from faceagent_finetune.nets.multitask.model import Multitask  # noqa: E402
from faceagent_tools import multitask  # noqa: E402

RECIPE: dict[str, Any] = {
    "seed": 1,
    "dropout": 0.0,
    "mixed": 0.5,
    "threads": 1,
    "batch": 4,
    "samples": 16,
    "budget_minutes": 10,
    "learning_rate": {"body": 1e-4, "heads": 1e-3},
    "warmup": 0.1,
    "weight_decay": 0.0,
    "smoothing": 0.05,
    "average": 0.9,
    "checkpoint_minutes": 5,
    "mix": {"fairface": 1.0, "utkface": 1.0, "celeba40": 1.0, "ferplus": 1.0},
    "weights": dict.fromkeys(multitask.HEADS, 1.0),
    "augment": {},
}


def _encoded(photo: Photo, shade: int) -> bytes:
    face = np.clip(photo.pixels[20:220, 120:320].astype(int) + shade, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(face).resize((144, 144)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def cache(portrait: Photo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sets of four photos: two to train on, two to measure."""
    data, folder = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("cache")
    columns: dict[str, dict[str, Any]] = {
        "fairface": {"age_group": "40-49", "gender": "female", "race": "White"},
        "utkface": {"age": 42, "gender": "female", "race": "White"},
        "celeba40": {name: 1 if name == "Smiling" else -1 for name in multitask.ATTRIBUTES},
        "ferplus": {name: 8 if name == "happiness" else 1 for name in multitask.EMOTIONS},
    }
    for name, row in columns.items():
        rows = [
            {
                "image": {"bytes": _encoded(portrait, 10 * k), "path": f"{k}.png"},
                "split": ("train", "val")[k % 2],
                **row,
            }
            for k in range(4)
        ]
        file = data / crops.SOURCES[name].file
        file.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    points = np.random.default_rng(0).uniform(40, 100, (1, 156)).astype(np.float16)
    mesh = {"file": ["fairface"], "path": ["1.png"], "face_flag": [1.0], "points78": list(points)}
    mesh |= {name: [7.0] for name in ("euler_x", "euler_y", "euler_z")}
    mesh |= {name: [0.3] for name in ("left_eye_open", "right_eye_open", "mouth_open")}
    (data / "landmarks").mkdir()
    parquet.write_table(pyarrow.table(mesh), data / "landmarks" / "mesh_teacher.parquet")
    for name in columns:
        crops.build(data, folder, name)
    return folder


@pytest.fixture(scope="module")
def checkpoint(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train.train(RECIPE, cache, tmp_path_factory.mktemp("out"), resume=False)


def test_crops_hold_the_face_and_its_labels(cache: Path) -> None:
    made = CropSet.open(cache, "fairface")
    assert made.crops.shape == (4, 150, 150, 3)
    assert made.val.tolist() == [False, True, False, True]
    assert (made.how == crops.DETECTOR).all()
    assert made.crops[0].mean() > 20
    assert np.isfinite(made.targets["pose"]).all(axis=1).tolist() == [False, True, False, False]
    assert made.targets["pose"][1, :2].tolist() == [7.0, 0.0]


def test_batches_can_be_made_again(cache: Path) -> None:
    mixer = Mixer(cache, RECIPE["mix"], 4, 1, train.Strength())
    first, again, other = mixer.batch(3), mixer.batch(3), mixer.batch(4)
    assert (first[0] == again[0]).all()
    assert (first[0] != other[0]).any()
    assert mixer.photos == 8


def test_a_missing_label_adds_nothing_and_teaches_nothing() -> None:
    wanted = {name: torch.from_numpy(value) for name, value in labels.blank(3).items()}
    out = {name: torch.randn(3, size, requires_grad=True) for name, size in multitask.HEADS.items()}
    parts = losses.losses(out, wanted, 0.0)
    total = torch.stack(list(parts.values())).sum()
    total.backward()
    assert total.item() == 0
    assert all(not value.grad.any() for value in out.values())


def test_an_age_group_is_content_with_any_of_its_years() -> None:
    logits = torch.full((2, multitask.AGES), -20.0)
    logits[0, 25], logits[1, 45] = 20.0, 20.0
    span = torch.tensor([[20, 29], [20, 29]])
    assert losses.age(logits[:1], span[:1]).item() == pytest.approx(0, abs=1e-3)
    assert losses.age(logits[1:], span[1:]).item() > 5


def test_a_run_goes_on_where_it_stopped(cache: Path, checkpoint: Path) -> None:
    assert torch.load(checkpoint, weights_only=True)["step"] == 4
    longer = {**RECIPE, "samples": 24}
    train.train(longer, cache, checkpoint.parent, resume=True)
    assert torch.load(checkpoint, weights_only=True)["step"] == 6
    with pytest.raises(UsageError, match="--resume"):
        train.train(longer, cache, checkpoint.parent / "none", resume=True)


def test_the_recogniser_stays_as_it_is(checkpoint: Path) -> None:
    network, state = train.averaged(checkpoint)
    assert torch.equal(network.trunk.blocks[9].a.weight, Multitask().trunk.blocks[9].a.weight)
    assert not any(name.startswith("trunk") for name in state["network"])
    assert not torch.equal(state["network"]["looks.0.a.weight"], network.trunk.blocks[10].a.weight)


def test_mixed_faces_teach_what_is_said_of_each_of_them() -> None:
    """A face of one label mixed with a face of the other is between them; of where things are it says nothing."""
    torch.manual_seed(0)
    network = Multitask().eval()
    pixels = torch.rand(2, 3, 150, 150) * 255
    wanted = {name: torch.from_numpy(value) for name, value in labels.blank(2).items()}
    wanted["gender"] = torch.tensor([0, 1], dtype=torch.int8)
    always = {**RECIPE, "mixed": 1.0, "smoothing": 0.0}
    parts = train.losses_of(network, pixels, wanted, always, np.random.default_rng(3))
    assert set(parts) == set(multitask.HEADS) - {"points", "pose", "openings"}
    plain = train.losses_of(network, pixels, wanted, {**always, "mixed": 0.0}, np.random.default_rng(3))
    assert set(plain) == set(multitask.HEADS)
    assert parts["gender"].item() > 0


def test_the_exported_file_answers_as_the_network(cache: Path, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "net.onnx"
    export.write_onnx(checkpoint, target)
    exported = evaluate.predictor(target)
    apart = export.disagreement(exported, evaluate.predictor(checkpoint))
    assert apart["gender"] < 0.05
    assert apart["points"] < 0.01
    told = evaluate.measure(exported, cache)
    assert told["fairface"]["photos"] == 2
    assert 0 <= told["ferplus"]["expression_accuracy"] <= 1
    assert told["fairface"]["geometry"]["photos"] == 1
    fitted = export.calibration(exported, cache, seed=1)
    assert fitted["gender"]["n_fit"] == 2
    assert 0 <= fitted["age"]["covered_when_measured"] <= 1
    facts = {
        "milliseconds_one_thread": {"crop": 1.5, "crop_and_mirror_image": 20.0},
        "bytes": 1,
        "sha256": "0",
        "largest_difference_from_torch": apart,
    }
    written = card.card({**facts, "calibration": fitted, "figures": told}, card.trained_for(checkpoint))
    assert "| One crop on one core, recogniser included, ms | <= 12 | 1.5 | yes |" in written
    assert "| the same with its mirror image | <= 12 | 20 | no |" in written
    assert "NaN" not in written


def test_what_is_fitted_afterwards_is_measured(cache: Path, checkpoint: Path, tmp_path: Path) -> None:
    network, _ = train.averaged(checkpoint)
    rng = np.random.default_rng(0)
    dark, bright = (rng.integers(low, low + 60, (40, 150, 150, 3), np.uint8) for low in (0, 190))
    made = finish.Crops(
        pixels=np.concatenate([dark, bright]),
        face=np.repeat(np.float32([0, 1]), 40),
        detail=np.repeat(np.float32([np.nan, 0.8]), 40),
        male=np.repeat(np.float32([np.nan, 1.0]), 40),
        val=np.tile([False, True], 40),
    )
    finish.fit(network, made)
    with torch.inference_mode():
        chance = torch.sigmoid(network(to_input(made.pixels[made.val]))["usable"]).numpy()
    assert (chance[:20, 0] < 0.5).all()
    assert (chance[20:, 0] > 0.5).all()
    assert np.abs(chance[20:, 1] - 0.8).mean() < 0.1


@pytest.mark.parametrize("seed", range(10))
def test_spoilt_crops_stay_crops(seed: int) -> None:
    crop = np.random.default_rng(1).integers(0, 256, (150, 150, 3), np.uint8)
    bad = finish.spoilt(crop, np.random.default_rng(seed))
    assert bad.shape == crop.shape
    assert bad.dtype == np.uint8
    assert (bad != crop).any()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no finished crops"):
        CropSet.open(tmp_path, "fairface")
    with pytest.raises(UsageError, match=r"model\.onnx does not exist"):
        evaluate.predictor(tmp_path / "model.onnx")


def test_the_line_of_the_detail_holds_for_the_crops_below_it() -> None:
    detail = np.linspace(0.0, 1.0, 101)
    right = detail > 0.4
    line = evaluate._line(detail, right, 0.5)
    assert line == pytest.approx(0.8, abs=0.02)  # half of the crops below it are right
    assert right[detail <= line].mean() < 0.5
    assert evaluate._line(detail, np.ones(101, bool), 0.5) == 0.0
