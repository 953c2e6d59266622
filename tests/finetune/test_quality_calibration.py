"""What assess_quality is calibrated with: known damage, drawn covers, and the search for lines."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent_finetune.nets.photo_covers import COVERS, covered
from faceagent_finetune.nets.photo_damage import Damage, damaged, everyday
from faceagent_finetune.nets.quality_recognition import crossing, monotone

PORTRAIT = skimage.data.astronaut()[60:210, 150:300]


@pytest.mark.parametrize(
    ("kind", "strength", "worse"),
    [
        ("dark", 0.5, lambda before, after: after.mean() < before.mean()),
        ("bright", 2, lambda before, after: after.mean() > before.mean() and (after >= before).all()),
        ("contrast", 0.5, lambda before, after: after.std() < before.std()),
        (
            "blur",
            0.1,
            lambda before, after: np.abs(np.diff(after, axis=0)).mean() < np.abs(np.diff(before, axis=0)).mean(),
        ),
        (
            "noise",
            20,
            lambda before, after: np.abs(np.diff(after, axis=0)).mean() > np.abs(np.diff(before, axis=0)).mean(),
        ),
        ("jpeg", 10, lambda before, after: (before != after).any()),
        ("none", 0, lambda before, after: (before == after).all()),
    ],
)
def test_damage_does_what_it_is_called(kind: str, strength: float, worse: object) -> None:
    after, factor = damaged(PORTRAIT, Damage(kind, strength), 44, np.random.default_rng(0))
    assert callable(worse)
    assert worse(PORTRAIT.astype(int), after.astype(int))
    assert factor == 1
    assert after.dtype == np.uint8


def test_size_is_the_eye_distance() -> None:
    after, factor = damaged(PORTRAIT, Damage("size", 11), 44, np.random.default_rng(0))
    assert factor == 0.25
    assert after.shape == (38, 38, 3)
    same, factor = damaged(PORTRAIT, Damage("size", 60), 44, np.random.default_rng(0))
    assert factor == 1
    assert np.array_equal(same, PORTRAIT)


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(sorted(COVERS)), seed=st.integers(0, 10_000))
def test_covers_cover_what_they_say(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    after, eyes, mouth = covered(PORTRAIT, kind, rng, PORTRAIT[::-1])
    assert 0 <= eyes <= 1
    assert 0 <= mouth <= 1
    changed = (np.abs(after.astype(int) - PORTRAIT) > 0).any(axis=2)
    assert changed.any()
    if kind == "sunglasses":
        assert eyes > 0.4
        assert mouth == 0
    if kind == "face mask":
        assert mouth > 0.5
    assert everyday(after, rng).shape == PORTRAIT.shape


def test_a_line_lies_where_failures_begin() -> None:
    rng = np.random.default_rng(0)
    score = rng.uniform(0, 1, 4000)
    failed = rng.uniform(0, 1, 4000) < np.where(score < 0.4, 0.6, 0.02)
    line = crossing(score, failed, 0.2, rising=False)
    assert line == pytest.approx(0.4, abs=0.02)
    mirrored = crossing(1 - score, failed, 0.2, rising=True)
    assert mirrored == pytest.approx(0.6, abs=0.02)
    at, share = monotone(score, failed, rising=False)
    assert (np.diff(at) >= 0).all()
    assert (np.diff(share) <= 0).all()


def test_no_line_where_nothing_fails() -> None:
    assert crossing(np.linspace(0, 1, 100), np.zeros(100, dtype=bool), 0.2, rising=False) is None
    # A handful of failures at the end of the range is not a line.
    assert crossing(np.linspace(0, 1, 100), np.arange(100) < 5, 0.2, rising=False) is None
