"""Lines, logistic calibration and its quality, against scikit-learn and cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from faceagent_finetune.nets import score_calibration as calibration

SCORES = hnp.arrays(np.float64, st.integers(2, 80), elements=st.integers(-20, 20).map(lambda i: i / 10))


@given(SCORES, st.floats(0.0, 0.9))
def test_a_line_is_the_lowest_that_keeps_the_rate(scores, rate):
    line = calibration.upper_line(scores, rate)
    assert np.mean(scores >= line) <= rate + 1e-9
    lower = scores[scores < line].max()
    assert np.mean(scores >= lower) > rate - 1e-9


@given(st.lists(SCORES, min_size=1, max_size=4), st.floats(0.0, 0.9))
def test_a_line_of_groups_keeps_their_mean_rate(parts, rate):
    groups = {str(index): part for index, part in enumerate(parts)}
    line = calibration.upper_line_of_groups(groups, rate)
    assert np.mean(list(calibration.rates(groups, line).values())) <= rate + 1e-9


def test_small_groups_count_as_much_as_large_ones():
    groups = {"large": np.linspace(0, 1, 1000), "small": np.linspace(1, 2, 10)}
    # A mean rate of 0.1 over both is 2 of the 10 scores of the small group and none of the large one's.
    assert calibration.upper_line_of_groups(groups, 0.1) == pytest.approx(16 / 9, abs=1 / 9)


@pytest.fixture(scope="module")
def overlapping():
    generator = np.random.default_rng(3)
    return generator.normal(1, 1, 400), generator.normal(-1, 1, 3000)


def test_the_fit_agrees_with_scikit_learn_at_equal_priors(overlapping):
    positive, negative = overlapping
    ours = calibration.fit_logistic(positive, negative)
    theirs = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-8)
    scores = np.concatenate(overlapping)[:, None]
    theirs.fit(scores, np.arange(len(scores)) < positive.size)
    assert ours.slope == pytest.approx(theirs.coef_[0, 0], rel=1e-3)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-3)
    # Two unit normals at -1 and 1: the log odds are 2 x.
    assert ours.slope == pytest.approx(2.0, abs=0.15)


def test_log_loss_agrees_with_scikit_learn(overlapping):
    positive, negative = (calibration.Logistic(0.1, 1.5)(part) for part in overlapping)
    target = np.concatenate([np.ones_like(positive), np.zeros_like(negative)])
    weights = np.where(target == 1, 0.5 / positive.size, 0.5 / negative.size)
    expected = metrics.log_loss(target, np.concatenate([positive, negative]), sample_weight=weights)
    assert calibration.log_loss(positive, negative) == pytest.approx(expected)


def test_weights_of_negatives_change_the_fit_and_not_the_prior():
    positive, negative = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.5, 2.5])
    alone = calibration.fit_logistic(positive, negative, np.array([1.0, 1e-9, 1e-9]))
    together = calibration.fit_logistic(positive, negative)
    assert alone.slope > together.slope


def test_calibration_error_by_hand():
    # Bin of 0.85: weights 0.25 + 0.25, predicted 0.85, observed 0.5. Bin of 0.15 likewise: 0.35 off each.
    positive, negative = np.array([0.85, 0.15]), np.array([0.85, 0.15])
    assert calibration.expected_calibration_error(positive, negative) == pytest.approx(0.35)


def test_a_fitted_model_is_calibrated_on_what_it_was_fitted_on(overlapping):
    model = calibration.fit_logistic(*overlapping)
    assert calibration.expected_calibration_error(*(model(part) for part in overlapping)) < 0.03
