"""Weighted forms against scikit-learn with sample_weight; intervals that cover the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_bench import stats
from medfilip_bench.stats import (
    interval,
    macro_replicates,
    patient_groups,
    replicate,
    resample_weights,
    weighted_auc_ap,
    weighted_counts,
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


def test_patients_are_drawn_whole():
    groups = patient_groups(["a", "b", "a", "c", "b"])
    assert groups.tolist() == [0, 1, 0, 2, 1]
    weights = np.concatenate(list(resample_weights(groups, 300, np.random.default_rng(0))))
    assert weights.shape == (300, 5)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_the_same_seed_draws_the_same_replicates():
    groups = np.arange(40)
    values = np.random.default_rng(1).normal(size=(40, 1))

    def mean(weights):
        return {"mean": weighted_mean(values, weights)}

    first, again, other = (
        replicate(mean, groups, n_replicates=300, seed=seed)["mean"] for seed in (7, 7, 8)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_clusters_widen_the_interval():
    generator = np.random.default_rng(0)
    patients = np.repeat(np.arange(40), 10)
    values = np.repeat(generator.normal(size=40), 10)[:, None]
    by_patient, by_image = (
        interval(replicate(lambda w: {"m": weighted_mean(values, w)}, g)["m"][:, 0])
        for g in (patients, np.arange(400))
    )
    assert by_patient.high - by_patient.low > 2 * (by_image.high - by_image.low)


def test_interval_leaves_out_undefined_replicates_or_says_why_there_is_none():
    assert interval(np.array([0.0, 1.0, np.nan])).low == pytest.approx(0.025)
    assert interval(np.array([0.0, np.nan, np.nan])).reason == "undefined in 2 of 3 replicates"
    assert interval(np.array([])).low is None


def test_macro_of_replicates_is_over_the_classes_defined_in_each():
    values = np.array([[1.0, 0.0], [1.0, np.nan], [np.nan, np.nan]])
    assert macro_replicates(values)[:2].tolist() == [0.5, 1.0]
    assert np.isnan(macro_replicates(values)[2])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_interval_holds_the_point_estimate(seed):
    generator = np.random.default_rng(seed)
    labels = generator.random(300) < 0.4
    scores = labels + generator.normal(size=300)
    drawn = replicate(
        lambda w: {"auc": weighted_auc_ap(labels, scores, w)[0][:, None]},
        np.arange(300),
        n_replicates=200,
    )
    found = interval(drawn["auc"][:, 0])
    assert found.low < roc_auc_score(labels, scores) < found.high


def test_intervals_cover_the_true_auc():
    """200 simulated data sets; the true AUC of two unit normals one apart is 0.7602."""
    generator = np.random.default_rng(2024)
    truth, covered = 0.7602499, 0
    for _ in range(200):
        labels = np.arange(240) < 100
        scores = labels + generator.normal(size=240)
        drawn = replicate(
            lambda w, y=labels, s=scores: {"auc": weighted_auc_ap(y, s, w)[0][:, None]},
            np.arange(240),
            n_replicates=200,
            seed=int(generator.integers(1 << 30)),
        )
        found = interval(drawn["auc"][:, 0])
        covered += found.low <= truth <= found.high
    # Binomial(200, .95): five standard deviations are 15.
    assert 175 <= covered <= 200


def test_chunks_do_not_change_the_draws():
    groups = np.arange(10)
    whole, parts = (
        np.concatenate(list(resample_weights(groups, 50, np.random.default_rng(0), chunk)))
        for chunk in (50, 7)
    )
    assert (whole == parts).all()
    assert stats.ratio(np.array([1.0]), np.array([2.0])).tolist() == [0.5]
