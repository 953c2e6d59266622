"""The Square attack of the toolbox, on a network that is easily fooled; and what is told where it is not installed."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from toy_portraits import FakeDetector, FakeEmbedder, original_layout

from faceagent.errors import MissingExtra
from faceagent_eval import benchmarks, changed_pairs, run
from faceagent_eval.benchmarks import adversarial


class Embedder(FakeEmbedder):
    """A little brighter, and it is somebody else."""

    def chip(self, photo, face):
        return cv2.resize(photo.pixels, (24, 24))

    def embed_chip(self, chip):
        angle = float(chip.mean()) / 6
        return np.array([np.cos(angle), np.sin(angle), *np.zeros(126)], dtype=np.float32)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(changed_pairs, "FaceDetector", FakeDetector)
    monkeypatch.setattr(changed_pairs, "FaceEmbedder", Embedder)
    monkeypatch.setattr(adversarial, "QUERIES", 30)
    return original_layout(tmp_path)


def likeness(result, of: str, same: bool) -> float:
    return float(np.mean([row.score for row in result.items if row.of == of and row.label is same]))


def test_the_attack_moves_what_noise_of_its_size_does_not_and_towards_the_wrong_answer(data):
    pytest.importorskip("art")
    result = run.run(benchmarks.make("adversarial", data))
    for bound in adversarial.BOUNDS:
        attack, noise = f"Square attack, L∞ {bound}", f"noise, L∞ {bound}"
        assert likeness(result, attack, same=True) < likeness(result, noise, same=True) - 0.1
        assert likeness(result, attack, same=False) >= likeness(result, "unchanged", same=False)
    again = run.run(benchmarks.make("adversarial", data))
    assert [row.score for row in result.items] == [row.score for row in again.items]


def test_no_value_changes_by_more_than_the_bound(data, monkeypatch):
    pytest.importorskip("art")
    benchmark = benchmarks.make("adversarial", data)
    item = benchmark.items()[0]
    photos = [changed_pairs.Photo.open(one.read(), name=one.name) for one in (item.a, item.b)]
    chips = [benchmark.embedder.chip(photo, None).astype(int) for photo in photos]
    state = np.random.get_state()[1].copy()
    for name in benchmark.changes():
        made = benchmark.changed(
            name, photos[0], None, chips[1].astype(np.uint8), item.pair.same, np.random.default_rng(0)
        )
        off = np.abs(made.astype(int) - chips[0])
        assert made.dtype == np.uint8 and 0 < off.max() <= int(name.rpartition(" ")[2])
    assert np.array_equal(np.random.get_state()[1], state)


def test_without_the_toolbox_the_extra_is_named(data, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "art", None)
    monkeypatch.setitem(sys.modules, "art.attacks.evasion", None)
    with pytest.raises(MissingExtra, match=r"pip install 'faceagent\[adversarial\]'"):
        adversarial.toolbox()
    assert run.main(["run", "adversarial", "--data", str(data)]) == 2
    assert "Traceback" not in capsys.readouterr().err
