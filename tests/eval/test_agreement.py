"""Metrics of answers against labels, against scikit-learn and SciPy and against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import balanced_accuracy_score, f1_score, jaccard_score

from faceagent.errors import UsageError
from faceagent_eval import agreement


@st.composite
def classes(draw):
    count = draw(st.integers(1, 60))
    return tuple(draw(hnp.arrays(np.int64, count, elements=st.integers(0, 4))) for _ in range(2))


@st.composite
def numbers(draw):
    """Few distinct values, so that there are ties, and both vary."""
    count = draw(st.integers(3, 60))
    pair = [draw(hnp.arrays(np.float64, count, elements=st.integers(-10, 10).map(float))) for _ in range(2)]
    for values in pair:
        values[0], values[1] = -11, 11
    return pair


@settings(deadline=None)
@given(classes())
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_classes_agree_with_scikit_learn(pair):
    found, wanted = pair
    assert agreement.balanced_accuracy(found, wanted) == pytest.approx(balanced_accuracy_score(wanted, found))
    assert agreement.macro_f1(found, wanted) == pytest.approx(f1_score(wanted, found, average="macro"))
    yes, so = found > 2, wanted > 2
    assert agreement.f1(yes, so) == pytest.approx(f1_score(so, yes, zero_division=0))


@settings(deadline=None)
@given(numbers())
def test_ranks_agree_with_scipy_and_concordance_is_pearson_where_nothing_is_shifted(pair):
    found, wanted = pair
    assert agreement.spearman(found, wanted) == pytest.approx(spearmanr(found, wanted).statistic)
    one, other = ((values - values.mean()) / values.std() for values in pair)
    assert agreement.concordance(one, other) == pytest.approx(pearsonr(one, other).statistic)


@settings(deadline=None)
@given(numbers())
def test_concordance_is_below_pearson_and_one_with_itself(pair):
    found, wanted = pair
    assert abs(agreement.concordance(found, wanted)) <= abs(pearsonr(found, wanted).statistic) + 1e-9
    assert agreement.concordance(found, found) == pytest.approx(1)


def test_concordance_by_hand():
    # Variances 2/3 each, covariance 2/3, means one apart: 2 * 2/3 / (4/3 + 1).
    found = agreement.concordance(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0]))
    assert found == pytest.approx(4 / 7)


def test_what_does_not_vary_agrees_with_nothing():
    flat, rising = np.ones(3), np.arange(3.0)
    assert agreement.concordance(flat, rising) == agreement.spearman(flat, rising) == 0.0
    assert agreement.f1(np.zeros(3, np.bool_), np.zeros(3, np.bool_)) == 0.0


def test_mean_absolute_error_by_hand():
    assert agreement.mean_absolute_error(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == 2.0


@settings(deadline=None)
@given(hnp.arrays(np.bool_, (2, 4, 30)))
def test_overlap_agrees_with_scikit_learn_over_all_photos(masks):
    found, wanted = masks
    counts = [part.sum(axis=1).reshape(2, 2) for part in (found, wanted, found & wanted)]
    for region, iou in enumerate(agreement.overlap(*counts)):
        flat = (part.reshape(2, 2, 30)[:, region].ravel() for part in (wanted, found))
        assert iou == pytest.approx(jaccard_score(*flat, zero_division=0))


def test_nothing_and_lists_of_unlike_length_are_refused():
    with pytest.raises(UsageError, match="N at least 1"):
        agreement.f1(np.zeros(0, np.bool_), np.zeros(0, np.bool_))
    with pytest.raises(UsageError, match=r"\(2,\) and \(3,\)"):
        agreement.balanced_accuracy(np.zeros(2), np.zeros(3))
