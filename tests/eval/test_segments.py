"""Average precision and recall of stretches of time against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from faceagent_eval import segments
from faceagent_eval.segments import Located


def located(proposals, labels):
    return Located(np.array(proposals, float).reshape(-1, 3), np.array(labels, float).reshape(-1, 2))


def test_overlaps_by_hand():
    found = segments.overlaps(np.array([[0, 2], [5, 5]]) * 1.0, np.array([[1, 3], [4, 6], [0, 2], [5, 5]]) * 1.0)
    np.testing.assert_allclose(found, [[1 / 3, 0, 1, 0], [0, 0, 0, 0]])


def test_average_precision_by_hand():
    """Surest first: a hit (of two labels), a miss, a hit. Precision 1, 1/2, 2/3; at recall 1 it is 2/3."""
    one = located([[0, 1, 0.9], [7, 8, 0.5]], [[0, 1]])
    two = located([[2, 3, 0.4]], [[2, 3]])
    assert segments.average_precision([one, two], 0.5) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_threshold_is_exceeded_and_not_reached():
    half = [located([[0, 2, 0.9]], [[0, 1]])]
    assert segments.average_precision(half, 0.5) == 0.0
    assert segments.average_precision(half, 0.49) == 1.0
    assert segments.average_recall(half, 5) == 0.0


def test_a_stretch_is_hit_once_and_a_proposal_hits_one():
    twice = [located([[0, 1, 0.9], [0, 1, 0.8]], [[0, 1]])]
    assert segments.average_precision(twice, 0.5) == 1.0  # the second is wrong, at a recall that was reached before
    wide = [located([[0, 1, 0.9]], [[0, 0.9], [0.05, 1]])]
    assert segments.average_precision(wide, 0.5) == pytest.approx(0.5)


def test_average_recall_is_of_the_first_proposals_and_over_ten_thresholds():
    video = located([[5, 6, 0.9], [0, 8, 0.5]], [[0, 10]])  # IoU 0.1, then 0.8
    assert segments.average_recall([video], 1) == 0.0
    assert segments.average_recall([video], 2) == pytest.approx(6 / 10)  # above 0.5, 0.55 … 0.75
    assert segments.average_recall([video, located([], [[0, 1]])], 2) == pytest.approx(3 / 10)


def test_nothing_labelled_or_nothing_proposed():
    assert segments.average_precision([located([[0, 1, 0.9]], [])], 0.5) == 0.0
    assert segments.average_precision([located([], [[0, 1]])], 0.5) == 0.0
    assert segments.average_precision([], 0.5) == segments.average_recall([], 5) == 0.0


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.randoms())
def test_with_one_proposal_a_label_it_is_no_less_than_scikit_learns(right, random):
    """Which does not take the best precision at a higher recall, and agrees where precision only falls."""
    confidence = random.sample(range(1, 100), len(right))
    videos = [located([[0, 1, sure]], [[0, 1]] if hit else []) for hit, sure in zip(right, confidence, strict=True)]
    if any(right):
        found = segments.average_precision(videos, 0.5)
        assert found >= average_precision_score(right, confidence) - 1e-9
        assert (found == pytest.approx(1.0)) == (
            min(c for c, hit in zip(confidence, right, strict=True) if hit)
            > max([c for c, hit in zip(confidence, right, strict=True) if not hit], default=-1)
        )
