"""The metrics of probabilities against scikit-learn and against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, brier_score_loss

from faceagent_eval import classification


@st.composite
def answers(draw):
    """Probabilities with many ties, at least one of each kind."""
    count = draw(st.integers(2, 60))
    probability = draw(hnp.arrays(np.float64, count, elements=st.integers(0, 20).map(lambda i: i / 20)))
    positive = draw(hnp.arrays(np.bool_, count))
    positive[0], positive[1] = True, False
    return probability, positive


@given(answers())
def test_average_precision_agrees_with_scikit_learn(answers):
    probability, positive = answers
    expected = average_precision_score(positive, probability)
    assert classification.average_precision(probability, positive) == pytest.approx(expected)


def test_average_precision_by_hand():
    # The first and the third are forged: precision 1 at recall 1/2, 2/3 at recall 1.
    found = classification.average_precision(np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False]))
    assert found == pytest.approx(1 / 2 + (2 / 3) / 2)


@given(answers())
def test_the_brier_score_agrees_with_scikit_learn_where_both_kinds_weigh_alike(answers):
    probability, positive = answers
    weights = classification.evenly(positive)
    expected = brier_score_loss(positive, probability, sample_weight=weights)
    assert classification.brier(probability[positive], probability[~positive]) == pytest.approx(expected)
    assert weights[positive].sum() == pytest.approx(0.5)


def test_one_kind_alone_weighs_one():
    assert classification.evenly(np.array([True, True])).tolist() == [0.5, 0.5]


def test_error_over_coverage_by_hand():
    confidence = np.array([1.0, 4.0, 3.0, 2.0])
    right = np.array([False, True, False, True])
    found = classification.risk_coverage(confidence, right, np.ones(4))
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert found.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert found.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_equally_sure_answers_are_wrong_as_often_in_any_order():
    right = np.array([True, False, False, True, True])
    confidence = np.array([2.0, 1.0, 1.0, 1.0, 1.0])
    for order in (np.arange(5), np.arange(5)[::-1]):
        found = classification.risk_coverage(confidence[order], right[order], np.ones(5))
        assert found.risk == pytest.approx([0, 0.5 / 2, 1 / 3, 1.5 / 4, 2 / 5])


def test_error_versus_discard_by_hand():
    quality = np.array([5.0, 1.0, 3.0, 2.0, 4.0])
    wrong = np.array([False, True, False, True, False])
    shares = np.array([0.0, 0.2, 0.3, 0.4, 0.8])
    # Discarding 30 % of five leaves 3.5, and so four.
    found = classification.error_versus_discard(quality, wrong, shares)
    assert found == pytest.approx([2 / 5, 1 / 4, 1 / 4, 0, 0])
    assert classification.error_versus_discard(-quality, wrong, shares)[3] == pytest.approx(2 / 3)


def test_quality_that_says_nothing_discards_at_random():
    wrong = np.array([True, False, False, False])
    found = classification.error_versus_discard(np.ones(4), wrong, np.array([0.0, 0.5, 0.75]))
    assert found == pytest.approx([0.25, 0.25, 0.25])


def test_reliability_by_hand():
    probability = np.array([0.0, 0.1, 0.6, 0.9, 1.0])
    positive = np.array([False, True, False, True, True])
    found = classification.reliability(probability, positive, np.array([1.0, 3.0, 2.0, 2.0, 2.0]), bins=2)
    assert found.predicted == pytest.approx([0.3 / 4, (1.2 + 1.8 + 2.0) / 6])
    assert found.observed == pytest.approx([3 / 4, 4 / 6])
    assert found.share == pytest.approx([0.4, 0.6])
