"""The metrics against scikit-learn and against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_auc_score, roc_curve

from faceagent.errors import UsageError
from faceagent_eval import metrics


@st.composite
def scored_pairs(draw):
    """Scores with many ties, at least one pair of each kind."""
    count = draw(st.integers(2, 60))
    scores = draw(hnp.arrays(np.float64, count, elements=st.integers(-8, 8).map(lambda i: i / 4)))
    same = draw(hnp.arrays(np.bool_, count))
    same[0], same[1] = True, False
    return scores, same


@given(scored_pairs())
def test_roc_and_auc_agree_with_scikit_learn(pairs):
    scores, same = pairs
    curve = metrics.roc(scores, same)
    far, tar, threshold = roc_curve(same, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.far, far)
    np.testing.assert_allclose(curve.tar, tar)
    np.testing.assert_allclose(curve.threshold, threshold)
    assert metrics.auc(curve) == pytest.approx(roc_auc_score(same, scores))


@given(scored_pairs())
def test_eer_lies_on_the_curve_and_is_the_same_seen_from_the_other_side(pairs):
    scores, same = pairs
    rate = metrics.eer(metrics.roc(scores, same))
    assert 0.0 <= rate <= 1.0
    assert metrics.eer(metrics.roc(-scores, ~same)) == pytest.approx(rate)
    assert metrics.eer(metrics.roc(-scores, same)) == pytest.approx(1.0 - rate)


def test_eer_by_hand():
    scores = np.array([0.9, 0.8, 0.7, 0.3, 0.6, 0.2, 0.1, 0.05])
    same = np.array([True] * 4 + [False] * 4)
    # At 0.6 one impostor of four passes and one genuine pair of four does not.
    assert metrics.eer(metrics.roc(scores, same)) == pytest.approx(0.25)


@given(scored_pairs(), st.floats(0.0, 1.0))
def test_tar_at_far_is_what_its_threshold_gives(pairs, far):
    scores, same = pairs
    tar, threshold = metrics.tar_at_far(scores[same], scores[~same], far)
    assert np.mean(scores[~same] >= threshold) <= far + 1e-9
    assert np.mean(scores[same] >= threshold) == pytest.approx(tar)
    better = [np.mean(scores[same] >= cut) for cut in np.unique(scores) if np.mean(scores[~same] >= cut) <= far + 1e-9]
    assert tar == pytest.approx(max(better, default=0.0))


@given(scored_pairs())
def test_no_threshold_is_more_accurate_than_the_best(pairs):
    scores, same = pairs
    best = metrics.accuracy(scores, same, metrics.best_threshold(scores, same))
    for cut in np.append(np.unique(scores), scores.max() + 1):
        assert metrics.accuracy(scores, same, cut) <= best + 1e-12


def test_kfold_chooses_the_threshold_on_the_other_folds():
    # Fold "b" alone would choose a threshold between 0.1 and 0.4; fold "a" chooses one between 0.5 and 0.9.
    scores = np.array([0.9, 0.5, 0.4, 0.1])
    same = np.array([True, False, True, False])
    folds = np.array(["a", "a", "b", "b"])
    result = metrics.kfold_accuracy(scores, same, folds)
    assert result.thresholds == pytest.approx((0.25, 0.7))
    assert result.accuracies == (0.5, 0.5)
    assert result.mean == 0.5
    assert result.std == 0.0


def test_bootstrap_interval_covers_the_binomial_one():
    generator = np.random.default_rng(1)
    same = np.arange(400) % 2 == 0
    right = generator.random(400) < 0.9
    interval = metrics.bootstrap(lambda column: float(np.mean(column)), [right], same, rounds=2000)
    share, half = right.mean(), 1.96 * np.sqrt(0.09 / 400)
    assert interval.low == pytest.approx(share - half, abs=0.01)
    assert interval.high == pytest.approx(share + half, abs=0.01)


def test_bootstrap_keeps_the_strata_in_proportion():
    same = np.array([True] * 3 + [False] * 9)
    interval = metrics.bootstrap(lambda column: float(np.mean(column)), [same], same, rounds=50)
    assert (interval.low, interval.high) == (0.25, 0.25)


def test_accuracy_of_a_fold_with_one_kind_of_pair_is_a_share():
    scores, same = np.array([0.9, 0.15, 0.8, 0.1, 0.9, 0.3]), np.array([True, False, True, False, True, True])
    result = metrics.kfold_accuracy(scores, same, np.array([1, 1, 2, 2, 3, 3]))
    assert result.accuracies == (1.0, 1.0, 0.5)


def test_a_paired_bootstrap_sees_a_small_difference_on_the_same_items():
    generator = np.random.default_rng(3)
    first = generator.normal(0, 10, 300)
    second = first + generator.normal(0.5, 0.5, 300)
    labels = np.zeros(300, np.bool_)
    found = metrics.paired_bootstrap(lambda values, _: float(values.mean()), first, second, labels, rounds=999)
    half = 1.96 * np.std(second - first) / np.sqrt(300)
    assert found.value == pytest.approx(np.mean(second - first))
    assert found.low == pytest.approx(found.value - half, abs=0.01)
    assert found.high == pytest.approx(found.value + half, abs=0.01)
    assert found.p == pytest.approx(2 / 1000)
    none = metrics.paired_bootstrap(lambda values, _: float(values.mean()), first, first, labels, rounds=99)
    assert (none.value, none.p) == (0.0, 1.0)


def test_a_paired_bootstrap_of_groups_is_wider():
    generator = np.random.default_rng(4)
    groups = np.repeat(np.arange(20), 10)
    apart = np.repeat(generator.normal(0.2, 1, 20), 10)
    labels = np.zeros(200, np.bool_)
    ends = [
        metrics.paired_bootstrap(
            lambda values, _: float(values.mean()), np.zeros(200), apart, labels, given, rounds=499
        )
        for given in (None, groups)
    ]
    widths = [found.high - found.low for found in ends]
    assert widths[1] == pytest.approx(widths[0] * np.sqrt(10), rel=0.25)


def test_mcnemar_by_hand():
    first = np.array([True] * 10 + [False] * 10)
    second = np.array([True] * 9 + [False] + [True] * 8 + [False] * 2)
    # One is lost and eight are won: 2 * (C(9, 0) + C(9, 1)) / 2 ** 9.
    assert metrics.mcnemar(first, second) == pytest.approx(2 * 10 / 512)
    assert metrics.mcnemar(first, first) == 1.0


def test_holm_by_hand():
    assert metrics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert metrics.holm([]) == []


@pytest.mark.parametrize(
    ("scores", "same", "message"),
    [
        ([1.0, 2.0], [True, True], "both genuine and impostor"),
        ([1.0, float("nan")], [True, False], "finite"),
        ([1.0], [True, False], r"\(1,\) and \(2,\)"),
    ],
)
def test_unusable_pairs_are_refused_in_one_sentence(scores, same, message):
    with pytest.raises(UsageError, match=message):
        metrics.roc(np.array(scores), np.array(same))


def test_one_fold_is_refused():
    with pytest.raises(UsageError, match="two folds"):
        metrics.kfold_accuracy(np.array([1.0, 0.0]), np.array([True, False]), np.array([1, 1]))
