"""DeLong's test against scikit-learn, brute force over pairs, and its own symmetries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_bench.stats import delong
from sklearn.metrics import roc_auc_score

FEW = settings(max_examples=25, deadline=None)


def make(seed, n=40, ties=False):
    generator = np.random.default_rng(seed)
    labels = np.arange(n) < n // 3
    first, second = labels + generator.normal(size=n), 0.5 * labels + generator.normal(size=n)
    return labels, *((np.round(s) if ties else s) for s in (first, second))


def brute(labels, first, second):
    """DeLong, DeLong and Clarke-Pearson (1988), over all pairs."""
    areas, ups, downs = [], [], []
    for scores in (first, second):
        up, down = scores[labels][:, None], scores[~labels][None]
        wins = (up > down) + 0.5 * (up == down)
        areas.append(wins.mean())
        ups.append(wins.mean(axis=1))
        downs.append(wins.mean(axis=0))
    s10, s01 = np.cov(ups) / labels.sum(), np.cov(downs) / (~labels).sum()
    both = s10 + s01
    return areas[0] - areas[1], np.sqrt(both[0, 0] + both[1, 1] - 2 * both[0, 1])


@FEW
@given(st.integers(0, 10_000), st.booleans())
def test_areas_and_error_equal_the_definition(seed, ties):
    labels, first, second = make(seed, ties=ties)
    found = delong(labels, first, second)
    assert found.first == pytest.approx(roc_auc_score(labels, first), abs=1e-9)
    assert found.second == pytest.approx(roc_auc_score(labels, second), abs=1e-9)
    difference, error = brute(labels, first, second)
    assert found.difference == pytest.approx(difference, abs=1e-9)
    assert found.se == pytest.approx(error, abs=1e-9)


@FEW
@given(st.integers(0, 10_000))
def test_swapping_the_models_turns_the_sign(seed):
    labels, first, second = make(seed)
    one, other = delong(labels, first, second), delong(labels, second, first)
    assert one.difference == pytest.approx(-other.difference, abs=1e-12)
    assert one.p == pytest.approx(other.p, abs=1e-12)
    assert one.low == pytest.approx(-other.high, abs=1e-12)


@FEW
@given(st.integers(0, 10_000))
def test_only_ranks_and_nothing_of_the_order_of_images_count(seed):
    labels, first, second = make(seed)
    found = delong(labels, first, second)
    order = np.random.default_rng(seed).permutation(labels.size)
    moved = delong(labels[order], np.exp(first)[order], (3 * second - 2)[order])
    assert moved.z == pytest.approx(found.z, abs=1e-9)


def test_p_falls_where_the_interval_leaves_zero():
    for seed in range(20):
        found = delong(*make(seed))
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_equal_scores_differ_by_nothing():
    labels, first, _ = make(0)
    found = delong(labels, first, first)
    assert (found.difference, found.se, found.z, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_difference_without_variance_is_certain():
    labels = np.array([True, True, False, False])
    found = delong(labels, labels.astype(float), -labels.astype(float))
    assert (found.difference, found.p) == (1.0, 0.0)


def test_false_alarms_come_as_often_as_they_should():
    generator = np.random.default_rng(7)
    alarms = 0
    for _ in range(400):
        labels = np.arange(120) < 50
        shared = labels + generator.normal(size=120)
        first, second = (shared + generator.normal(size=120) for _ in range(2))
        alarms += delong(labels, first, second).p < 0.05
    # Binomial(400, .05): 20 expected, four standard deviations are 17.
    assert 4 <= alarms <= 37


@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        ([1, 1], [0.1, 0.2], "no negatives"),
        ([1, 0], [0.1, 0.2], "two positives"),
        ([1, 0, 0], [0.1, np.nan, 0.3], "not finite"),
    ],
)
def test_what_cannot_be_tested_says_why(labels, scores, words):
    with pytest.raises(ValueError, match=words):
        delong(np.array(labels, dtype=bool), np.array(scores), np.arange(float(len(labels))))
