"""Calibration by hand, the Brier score against scikit-learn, and bins that ties cannot split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_bench.metrics.calibration import bins_of, brier, calibration_error, reliability
from medfilip_bench.metrics.measure import Measure
from medfilip_model.platt import calibration_error as equal_width
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

FEW = settings(max_examples=25, deadline=None)
LABELS = np.array([False, True, True, False])
SAID = np.array([0.1, 0.2, 0.9, 0.95])


@st.composite
def forecasts(draw):
    n = draw(st.integers(1, 60))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    said = generator.random(n)
    said = np.round(said, 1) if draw(st.booleans()) else said
    return generator.random(n) < 0.4, said


def test_error_by_hand():
    # Two bins of equal mass: said .15 and .925, seen .5 and .5: gaps .35 and .425.
    assert calibration_error(LABELS, SAID, "mass", 2).value == pytest.approx(0.3875, abs=1e-12)
    # Ten of equal width: .1 alone, .2 alone, .9 and .95 together: .1, .8, twice .425.
    assert calibration_error(LABELS, SAID, "width").value == pytest.approx(0.4375, abs=1e-12)
    assert brier(LABELS, SAID).value == pytest.approx((0.01 + 0.64 + 0.01 + 0.9025) / 4, abs=1e-12)


def test_reliability_by_hand():
    found = reliability(LABELS, SAID, "mass", 2)
    assert found.said == pytest.approx([0.15, 0.925])
    assert found.seen.tolist() == [0.5, 0.5]
    assert found.n.tolist() == [2, 2]


@FEW
@given(forecasts())
def test_equal_to_others(pair):
    labels, said = pair
    expected = brier_score_loss(labels, said, labels=[False, True])
    assert brier(labels, said).value == pytest.approx(expected, abs=1e-9)
    expected = equal_width(said, labels.astype(float))
    assert calibration_error(labels, said, "width").value == pytest.approx(expected, abs=1e-9)


def test_bins_of_equal_width_are_scikit_learns():
    generator = np.random.default_rng(0)
    labels, said = generator.random(500) < 0.4, generator.random(500)
    found = reliability(labels, said, "width", 5)
    seen, mean = calibration_curve(labels, said, n_bins=5)
    assert found.seen == pytest.approx(seen, abs=1e-9)
    assert found.said == pytest.approx(mean, abs=1e-9)


@FEW
@given(forecasts())
def test_equal_probabilities_share_a_bin_and_bins_follow_the_order(pair):
    _, said = pair
    place = bins_of(said)
    order = np.argsort(said, kind="stable")
    assert (np.diff(place[order]) >= 0).all()
    assert all(np.ptp(place[said == value]) == 0 for value in np.unique(said))
    assert 0 <= place.min() <= place.max() < 10


def test_bins_of_equal_mass_hold_as_many_images_each():
    place = bins_of(np.random.default_rng(0).random(1000))
    assert np.bincount(place).tolist() == [100] * 10


@FEW
@given(forecasts())
def test_the_error_lies_between_the_overall_gap_and_the_mean_distance(pair):
    labels, said = pair
    for how in ("mass", "width"):
        error = calibration_error(labels, said, how).value
        assert error >= abs(said.mean() - labels.mean()) - 1e-9
        assert error <= np.abs(said - labels).mean() + 1e-9


def test_the_truth_has_no_error():
    assert calibration_error(LABELS, LABELS.astype(float)).value == 0.0
    assert brier(LABELS, LABELS.astype(float)).value == 0.0


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([0.1, 1.2, 0.3, -0.1], "2 of 4 are no probabilities"),
        ([0.1, np.nan, 0.3, 0.4], "1 of 4 scores are not finite"),
        ([np.nan] * 4, "the model has no such class"),
    ],
)
def test_what_is_no_probability_says_why(said, reason):
    for metric in (calibration_error, brier):
        assert metric(LABELS, np.array(said)) == Measure(None, reason)
    assert reliability(LABELS, np.array(said)).n.size == 0


def test_no_images_at_all():
    nothing = np.zeros(0)
    assert calibration_error(nothing.astype(bool), nothing) == Measure(None, "no images")
    assert brier(nothing.astype(bool), nothing) == Measure(None, "no images")
