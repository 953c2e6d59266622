"""Training, export and card of the detector on a cache of a few photos, and the agreement of losses and decoder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from detector_photos import BOX, photo_set
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent_finetune.nets.detector.labels import SOURCES, TUNE
from faceagent_tools.own_detector import FIRST_SCORE
from faceagent_tools.yunet import STRIDES, YuNet, decode

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from faceagent_finetune.nets.detector import card, export, train  # noqa: E402
from faceagent_finetune.nets.detector.data import Mixer  # noqa: E402
from faceagent_finetune.nets.detector.losses import assigned, box_cost, cells, losses  # noqa: E402
from faceagent_finetune.nets.detector.model import OUTPUTS, Detector  # noqa: E402

SMALL = {"widths": [4, 4, 8, 8, 8], "depths": [1, 1, 1], "neck": 8}
RECIPE = {
    "seed": 1,
    "threads": 1,
    "batch": 2,
    "side": 96,
    "samples": 4,
    "budget_minutes": 1,
    "warmup": 0.1,
    "learning_rate": {"network": 1e-3},
    "weight_decay": 0.0,
    "average": 0.9,
    "checkpoint_minutes": 5,
    "network": SMALL,
    "mix": {"lfw": 1.0, "fairface": 1.0},
    "weights": {"obj": 1.0, "cls": 1.0, "box": 1.0, "points": 1.0},
    "compose": {"largest": 80.0},
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    for name in SOURCES:
        made = vars(photo_set(name)) | {}
        (folder / name).mkdir()
        np.save(folder / name / "photos.npy", made.pop("photos"))
        made.pop("name")
        np.savez(folder / name / "labels.npz", **made)
    return folder


@pytest.fixture(scope="module")
def checkpoint(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train.train(RECIPE, cache, tmp_path_factory.mktemp("out"), resume=False)


def ideal(box: np.ndarray, points: np.ndarray, side: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The outputs that cost nothing for one face, and the cells that answer for it."""
    places, strides = cells(side)
    kinds = torch.ones((1, 1), dtype=torch.int8)
    face, _ = assigned(places, strides, torch.from_numpy(box[None, None]).float(), kinds)
    has = (face[0] >= 0).numpy()
    where, step = places.numpy(), strides.numpy()[:, None]
    half = np.log((box[2:] - box[:2]) / step)
    whole = {
        "cls": has[:, None].astype(np.float32),
        "obj": has[:, None].astype(np.float32),
        "bbox": np.concatenate([((box[:2] + box[2:]) / 2 - where) / step, half], axis=1),
        "kps": ((points[None] - where[:, None]) / step[:, None]).reshape(len(where), 10),
    }
    cuts = np.cumsum([(side // stride) ** 2 for stride in STRIDES])[:-1]
    outputs = {
        f"{name}_{stride}": piece[None].astype(np.float32)
        for name, values in whole.items()
        for stride, piece in zip(STRIDES, np.split(values, cuts), strict=True)
    }
    return outputs, has


@given(x=st.floats(60, 260), y=st.floats(60, 260), size=st.floats(10, 200), shape=st.floats(0.7, 1.4))
@settings(deadline=None, max_examples=60)
def test_losses_and_decoder_mean_the_same_cells(x: float, y: float, size: float, shape: float) -> None:
    """Every face has a cell, and what costs nothing decodes to the face itself."""
    half = np.array([size * shape, size / shape]) / 2
    box = np.array([x - half[0], y - half[1], x + half[0], y + half[1]])
    points = box[:2] + np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) * 2 * half
    outputs, has = ideal(box, points, 320)
    assert has.any()
    found = decode(outputs, 320, 0.5)
    assert len(found.scores) == has.sum()
    assert found.boxes == pytest.approx(np.repeat(box[None], has.sum(), axis=0), abs=0.1)
    assert found.points == pytest.approx(np.repeat(points[None], has.sum(), axis=0), abs=0.1)
    raw = [torch.from_numpy(outputs[name]) for name in OUTPUTS]
    told = losses(
        raw,
        torch.from_numpy(box[None, None]).float(),
        torch.from_numpy(points[None, None]).float(),
        torch.ones((1, 1), dtype=torch.int8),
        320,
    )
    assert told["box"].item() == pytest.approx(0, abs=1e-3)
    assert told["points"].item() == pytest.approx(0, abs=1e-3)


def test_what_may_be_a_face_teaches_nothing_and_nothing_is_background() -> None:
    places, strides = cells(160)
    boxes = torch.tensor([[[40.0, 40.0, 80.0, 90.0], [0.0, 0.0, 0.0, 0.0]]])
    face, free = assigned(places, strides, boxes, torch.tensor([[0, -1]], dtype=torch.int8))
    assert (face < 0).all()
    inside = ((places > 40) & (places < torch.tensor([72.0, 82.0]))).all(dim=1)
    assert not free[0, inside].any()
    outside = ((places > 100) | (places < 20)).any(dim=1)
    assert free[0, outside].all()


def test_a_cell_of_two_faces_takes_the_smaller() -> None:
    places, strides = cells(160)
    boxes = torch.tensor([[[40.0, 40.0, 80.0, 80.0], [50.0, 50.0, 70.0, 70.0]]])
    face, _ = assigned(places, strides, boxes, torch.ones((1, 2), dtype=torch.int8))
    middle = ((places + strides[:, None] / 2 - 60).abs().amax(dim=1) < 6) & (strides == 8)
    assert middle.any()
    assert (face[0, middle] == 1).all()


def test_a_worse_box_costs_more() -> None:
    wanted = torch.tensor([[10.0, 10.0, 50.0, 50.0]]).repeat(3, 1)
    found = torch.tensor([[10.0, 10.0, 50.0, 50.0], [14.0, 10.0, 54.0, 50.0], [60.0, 60.0, 90.0, 90.0]])
    overlap, cost = box_cost(found, wanted)
    assert overlap.tolist() == pytest.approx([1.0, 36 / 44, 0.0])
    assert cost[0].item() == pytest.approx(0, abs=1e-6)
    assert cost[0] < cost[1] < cost[2]


def test_batches_can_be_made_again(cache: Path) -> None:
    mixer = Mixer(cache, RECIPE["mix"], 3, 96, 1, train.Plan())
    first, again, other = mixer.batch(3), mixer.batch(3), mixer.batch(4)
    assert (first[0] == again[0]).all()
    assert (first[0] != other[0]).any()
    assert (first[1]["boxes"] == again[1]["boxes"]).all()
    assert mixer.faces == 4


def test_a_run_goes_on_where_it_stopped(cache: Path, checkpoint: Path) -> None:
    assert torch.load(checkpoint, weights_only=True)["step"] == 2
    train.train({**RECIPE, "samples": 6}, cache, checkpoint.parent, resume=True)
    assert torch.load(checkpoint, weights_only=True)["step"] == 3


def test_the_exported_file_runs_at_any_size_and_its_card_is_whole(
    cache: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "faceagent-detector"
    monkeypatch.setattr(sys, "argv", ["export", str(checkpoint), "--cache", str(cache), "--out", str(tmp_path)])
    monkeypatch.setattr(export, "_TIMED", 5)
    monkeypatch.setattr(export, "_SIDE", 128)
    monkeypatch.setattr(export, "milliseconds", lambda network: 1.5)
    assert export.main() == 0
    told = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
    assert told["largest_difference_from_torch"] < 0.05
    assert told["thresholds"]["faces"] == 2 * len(SOURCES)
    assert told["thresholds"]["weak_score"] <= told["thresholds"]["score"] <= told["thresholds"]["sure_score"]
    network = YuNet(tmp_path / f"{name}.onnx", score=0.0)
    for size in ((40, 70), (96, 33)):
        found = network.detect(np.zeros((*size, 3), np.uint8))
        assert len(found.boxes) == len(found.scores) == len(found.points)
    written = card.card({**told, "milliseconds_640x640_one_thread": 9.0}, card.trained_for(checkpoint), None)
    assert told["sha256"] in written
    assert "NaN" not in written


def test_scores_are_drawn_where_few_faces_are_invented() -> None:
    seen = [export.Seen(1, (0.9,), ()) for _ in range(198)]
    few = [export.Seen(1, (0.3,), (0.5, 0.42)), export.Seen(1, (0.8,), (0.35, 0.25, 0.15, 0.12))]
    # Six weak ones are allowed and there are no more: all that is looked at a second time counts.
    assert export.thresholds(seen + few)["weak_score"] == pytest.approx(FIRST_SCORE + 0.01)
    many = [export.Seen(1, (0.3,), (0.5, 0.42)), export.Seen(1, (0.8,), (0.355, 0.345, 0.34, 0.335, 0.325, 0.12))]
    told = export.thresholds(seen + many)
    assert told["score"] == pytest.approx(0.36)
    assert told["invented_per_100_at_score"] == 1.0
    assert told["recall_at_score"] == pytest.approx(0.995)
    assert told["weak_score"] == pytest.approx(0.33)
    assert told["invented_per_100_at_weak_score"] == 3.0
    assert told["sure_score"] == pytest.approx(0.9)


def test_a_network_counts_what_it_is_asked_for() -> None:
    made = Detector(**SMALL).eval()
    outputs = made(torch.zeros(1, 3, 64, 96))
    assert [tuple(value.shape) for value in outputs[:3]] == [(1, 96, 1), (1, 24, 1), (1, 6, 1)]
    assert all(((value >= 0) & (value <= 1)).all() for value in outputs[:6])


def test_photos_put_aside_are_the_ones_that_are_looked_at(cache: Path) -> None:
    shown = list(export.pictures(cache))
    assert len(shown) == 2 * len(SOURCES)
    assert max(shown[1][0].shape) == export._SIDE
    assert shown[1][1][0] == pytest.approx(BOX * export._SIDE / 256, rel=0.01)
    assert photo_set().part.tolist().count(TUNE) == 1
