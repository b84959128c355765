"""Intervals: percentiles by hand, wider for few patients, and covering the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_bench.stats import (
    interval,
    macro_patients,
    macro_replicates,
    replicate,
    resting_on,
    seed_replicates,
    weighted_auc_ap,
)
from scipy.stats import t as student_t
from sklearn.metrics import roc_auc_score


def test_interval_leaves_out_undefined_replicates_or_says_why_there_is_none():
    assert interval(np.array([0.0, 1.0, np.nan])).low == pytest.approx(0.025)
    assert interval(np.array([0.0, np.nan, np.nan])).reason == "undefined in 2 of 3 replicates"
    assert interval(np.array([])).low is None


def test_few_patients_widen_the_interval_to_students_t():
    draws = np.random.default_rng(0).normal(size=400_000)
    for patients in (6, 20):
        found = interval(draws, patients)
        expected = student_t.ppf(0.975, patients - 1) * np.sqrt(patients / (patients - 1))
        assert found.high == pytest.approx(expected, abs=0.1)
        assert found.low == pytest.approx(-expected, abs=0.1)
    plain, many = interval(draws), interval(draws, 1_000_000)
    assert many.low == pytest.approx(plain.low, abs=1e-4)


def test_one_patient_gives_no_interval():
    assert interval(np.array([0.1, 0.2]), 1).reason == "rests on a single patient"


def test_a_class_rests_on_the_fewer_of_patients_with_and_without_it():
    truth = np.array([[1, 1], [1, 1], [0, 1], [0, 0]], dtype=bool)
    known = np.array([[1, 1], [1, 1], [1, 1], [1, 0]], dtype=bool)
    assert resting_on(truth, known, np.array([0, 0, 1, 2])) == (1, 0)
    assert resting_on(truth, known, np.array([0, 1, 2, 2]))[0] == 1


def test_a_mean_rests_on_the_patients_of_the_classes_that_make_it_uncertain():
    generator = np.random.default_rng(0)
    sure, unsure = generator.normal(size=(2, 4000)) * [[0.001], [1.0]]
    of_both = macro_patients(np.stack([sure, unsure], axis=1), [500, 6])
    assert of_both == pytest.approx(6, abs=0.1)
    alike = macro_patients(np.stack([unsure, unsure], axis=1), [11, 11])
    assert alike == pytest.approx(21, abs=0.1)
    assert macro_patients(np.ones((10, 2)), [5, 5]) is None


def test_macro_of_replicates_is_over_the_classes_defined_in_each():
    values = np.array([[1.0, 0.0], [1.0, np.nan], [np.nan, np.nan]])
    assert macro_replicates(values)[:2].tolist() == [0.5, 1.0]
    assert np.isnan(macro_replicates(values)[2])


def test_one_training_keeps_its_replicates():
    values = np.array([0.1, 0.2, 0.3])
    assert (seed_replicates([values]) == values).all()


def test_trainings_that_differ_widen_the_replicates():
    generator = np.random.default_rng(0)
    # Patients play no part; three trainings at -1, 0 and 1 have variance 1, their mean 1/3.
    tables = [np.full(60_000, centre) for centre in (-1.0, 0.0, 1.0)]
    assert seed_replicates(tables).std() == pytest.approx(np.sqrt(1 / 3), abs=0.02)
    shared = generator.normal(size=60_000)
    assert seed_replicates([shared, shared]).std() == pytest.approx(1, abs=0.02)


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
    """120 simulated data sets; the true AUC of two unit normals one apart is 0.7602."""
    generator = np.random.default_rng(2024)
    truth, covered = 0.7602499, 0
    for _ in range(120):
        labels = np.arange(240) < 100
        scores = labels + generator.normal(size=240)
        drawn = replicate(
            lambda w, y=labels, s=scores: {"auc": weighted_auc_ap(y, s, w)[0][:, None]},
            np.arange(240),
            n_replicates=200,
            seed=int(generator.integers(1 << 30)),
        )
        found = interval(drawn["auc"][:, 0], 100)
        covered += found.low <= truth <= found.high
    # Binomial(120, .95): four standard deviations are 10.
    assert 104 <= covered <= 120
