"""Anonymisation and occlusion on a toy set: six "people" in plain colours, told apart by a fake network."""

from __future__ import annotations

import numpy as np
import pytest
from toy_portraits import FakeDetector, FakeEmbedder, original_layout

from faceagent.media import Photo
from faceagent_eval import benchmarks, changed_pairs, run
from faceagent_eval.benchmark import LayoutError
from faceagent_eval.changed_pairs import ChangedPairs


class Bleached(ChangedPairs):
    """One change that leaves nothing, and one that leaves all."""

    name = "bleached"
    about = "of the test"

    def changes(self):
        return ("white", "same")

    def changed(self, name, photo, face, other, same, rng):
        return Photo.open(np.full_like(photo.pixels, 255)) if name == "white" else photo.pixels


@pytest.fixture
def fakes(monkeypatch):
    monkeypatch.setattr(changed_pairs, "FaceDetector", FakeDetector)
    monkeypatch.setattr(changed_pairs, "FaceEmbedder", FakeEmbedder)


@pytest.mark.usefixtures("fakes")
def test_what_is_left_by_hand(tmp_path):
    result = run.run(Bleached(original_layout(tmp_path)))
    assert result.complete
    for figure in ("AUC", "true matches at the threshold of FAR 1%", "false matches at that threshold"):
        before = result.figure(f"unchanged: {figure}").value
        assert result.figure(f"same: {figure}").value == before
    # Not one of six impostor pairs may pass; bleached, all first portraits are alike, and rank nothing.
    assert result.figure("unchanged: false matches at that threshold").value == 0.0
    assert result.figure("unchanged: AUC").value > 0.8 > 0.6 > result.figure("white: AUC").value
    assert result.figure("white: a face is still found").n == 12
    with pytest.raises(KeyError):
        result.figure("same: a face is still found")
    assert len(result.items) == 12 * 3


@pytest.mark.usefixtures("fakes")
def test_a_portrait_that_is_missing_or_damaged_takes_its_pairs_with_it(tmp_path):
    data = original_layout(tmp_path, without=("Person_B_0001",))
    (data / "lfw" / "Person_E" / "Person_E_0002.jpg").write_bytes(b"no picture")
    result = run.run(Bleached(data))
    assert not result.complete
    assert all("Person_B_0001" in name or "Person_E_0002" in name for name in result.missing)
    assert result.figure("unchanged: AUC").n == 12 - len(result.missing)


def test_a_set_without_portraits_is_refused(tmp_path):
    data = original_layout(tmp_path, without=tuple(f"Person_{who}_000{n}" for who in "ABCDEF" for n in (1, 2)))
    with pytest.raises(LayoutError, match="the first missing one is Person_A_0001"):
        benchmarks.make("occlusion", data).items()


@pytest.mark.parametrize("name", ["anonymisation", "occlusion"])
def test_each_change_is_made_to_a_real_aligned_face(name, tmp_path):
    """On the toy set with the real networks: the figures mean nothing, the changes are those of the product."""
    benchmark = benchmarks.make(name, original_layout(tmp_path), limit=1)
    items = benchmark.items()
    row = benchmark.measure(items[0])
    assert tuple(row.alike) == ("unchanged", *benchmark.changes())
    assert bool(row.found) is (name == "anonymisation")
    again = benchmark.measure(items[0])
    assert again.alike == row.alike
