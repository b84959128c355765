"""Weighted forms against scikit-learn with sample_weight, and against images repeated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_bench.metrics.calibration import bins_of, calibration_error
from medfilip_bench.stats import (
    ratio,
    weighted_auc_ap,
    weighted_counts,
    weighted_gaps,
    weighted_mean,
    weighted_single_label,
)
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    matthews_corrcoef,
    roc_auc_score,
)

FEW = settings(max_examples=25, deadline=None)


@FEW
@given(st.integers(0, 100_000), st.integers(5, 60), st.booleans())
def test_weighted_auc_and_ap_equal_scikit_learn(seed, n, ties):
    generator = np.random.default_rng(seed)
    labels = generator.random(n) < 0.4
    scores = generator.normal(size=n) + labels
    scores = np.round(scores) if ties else scores
    weights = generator.integers(0, 4, (3, n)).astype(np.float32)
    area, average = weighted_auc_ap(labels, scores, weights)
    for row, weight in enumerate(weights):
        used = weight > 0
        if not used.any() or labels[used].all() or not labels[used].any():
            assert np.isnan(area[row])
            assert np.isnan(average[row])
            continue
        expected = roc_auc_score(labels, scores, sample_weight=weight)
        assert area[row] == pytest.approx(expected, abs=1e-9)
        expected = average_precision_score(labels[used], scores[used], sample_weight=weight[used])
        assert average[row] == pytest.approx(expected, abs=1e-9)


@FEW
@given(st.integers(0, 100_000))
def test_weighted_decisions_equal_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    labels, said, known = (generator.random((30, 2)) < p for p in (0.4, 0.5, 0.9))
    weights = generator.integers(0, 3, (2, 30)).astype(np.float32)
    counts = weighted_counts(labels, said, known, weights)
    for row in range(2):
        for c in range(2):
            use = known[:, c] & (weights[row] > 0)
            truth, guess, weight = labels[use, c], said[use, c], weights[row][use]
            if truth.any():
                expected = f1_score(truth, guess, sample_weight=weight)
                assert counts.f1()[row, c] == pytest.approx(expected, abs=1e-9)
            if 0 < truth.mean() < 1 and 0 < guess.mean() < 1:
                expected = matthews_corrcoef(truth, guess, sample_weight=weight)
                assert counts.mcc()[row, c] == pytest.approx(expected, abs=1e-9)


def test_weighted_single_label_equals_the_repeated_images():
    truth, said = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 0])
    weights = np.array([[2.0, 0, 1, 3, 1]], dtype=np.float32)
    values = weighted_single_label(truth, said, 3, weights)
    repeat = np.repeat(np.arange(5), [2, 0, 1, 3, 1])
    expected = f1_score(truth[repeat], said[repeat], average=None)
    assert values["f1"][0] == pytest.approx(expected, abs=1e-9)
    assert values["acc"][0, 0] == pytest.approx(6 / 7)


def test_weighted_mean_leaves_out_what_is_not_known():
    values = np.array([[1.0, np.nan], [3.0, 5.0]])
    weights = np.array([[1.0, 0.0], [1.0, 3.0]], dtype=np.float32)
    means = weighted_mean(values, weights)
    assert means[1].tolist() == [2.5, 5.0]
    assert means[0, 0] == 1.0
    assert np.isnan(means[0, 1])


def test_gaps_add_up_to_the_calibration_error_of_the_repeated_images():
    generator = np.random.default_rng(0)
    labels, said = generator.random(60) < 0.3, generator.random(60)
    bins = bins_of(said, "width")
    weights = generator.integers(0, 4, (3, 60)).astype(np.float32)
    for gaps, weight in zip(weighted_gaps(labels, said, bins, 10, weights), weights, strict=True):
        repeated = np.repeat(np.arange(60), weight.astype(int))
        expected = calibration_error(labels[repeated], said[repeated], "width").value
        assert np.abs(gaps).sum() == pytest.approx(expected, abs=1e-9)


def test_a_ratio_without_a_denominator_is_not_a_number():
    assert ratio(np.array([1.0]), np.array([2.0])).tolist() == [0.5]
    assert np.isnan(ratio(np.array([1.0]), np.array([0.0]))[0])
