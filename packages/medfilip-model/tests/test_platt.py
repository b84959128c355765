import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medfilip_model.platt import Curve, calibration_error, fit_curve
from pydantic import ValidationError
from scipy.optimize import minimize
from scipy.special import expit


def drawn(slope: float, offset: float, count: int = 4000, seed: int = 0):
    """Scores, and labels that a curve of that slope and offset gave."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.2, 0.1, count)
    return scores, (rng.random(count) < expit(slope * scores + offset)).astype(float)


def test_a_curve_finds_the_one_that_the_labels_came_from():
    scores, labels = drawn(20.0, -5.0)
    curve = fit_curve(scores, labels)
    assert curve is not None
    assert curve.slope == pytest.approx(20.0, rel=0.1)
    assert curve.offset == pytest.approx(-5.0, rel=0.1)
    assert curve.beside == 0.0
    assert (curve.positives, curve.negatives) == (labels.sum(), len(labels) - labels.sum())


def test_it_is_the_maximum_of_the_likelihood():
    scores, labels = drawn(9.0, -3.0, count=3000)

    def loss(at: np.ndarray) -> float:
        z = at[0] * scores + at[1]
        return float(np.logaddexp(0, z).sum() - (labels * z).sum())

    best = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-6}).x
    curve = fit_curve(scores, labels)
    assert curve is not None
    # Platt's targets move it by what two images more would.
    assert [curve.slope, curve.offset] == pytest.approx(best.tolist(), rel=5e-3)


@given(st.floats(0.01, 1000), st.floats(-100, 100))
def test_the_scale_of_the_scores_does_not_matter(scale: float, shift: float):
    scores, labels = drawn(20.0, -5.0, count=200)
    one, two = fit_curve(scores, labels), fit_curve(scores * scale + shift, labels)
    assert one is not None
    assert two is not None
    np.testing.assert_allclose(
        one.probability(scores), two.probability(scores * scale + shift), atol=1e-4
    )


def test_scores_that_tell_all_apart_have_a_finite_slope():
    scores, labels = np.linspace(0, 1, 20), np.repeat([0.0, 1.0], 10)
    curve = fit_curve(scores, labels)
    assert curve is not None
    low, high = curve.probability(np.array([0.0, 1.0]))
    assert low < 1 / 12 + 0.01
    assert high > 11 / 12 - 0.01
    assert math.isfinite(curve.slope)


def test_a_score_that_ranks_the_wrong_way_says_nothing():
    scores, labels = drawn(20.0, -5.0, count=500)
    curve = fit_curve(-scores, labels)
    assert curve is not None
    assert curve.slope == 0
    share = (labels.sum() + 1) / (len(labels) + 2)
    np.testing.assert_allclose(curve.probability(scores), share, atol=2e-3)
    np.testing.assert_allclose(curve.evidence(scores), 0, atol=1e-9)


def test_equal_scores_say_nothing():
    curve = fit_curve(np.full(20, 0.3), np.repeat([0.0, 1.0], 10))
    assert curve is not None
    assert (curve.slope, curve.beside) == (0, 0)
    np.testing.assert_allclose(curve.probability(np.array([0.3, 0.9])), 0.5)


def test_evidence_is_the_likelihood_ratio_whatever_the_base_rate():
    scores, labels = drawn(20.0, -5.0)
    rare = np.flatnonzero(labels == 1)[::10]
    rows = np.concatenate([rare, np.flatnonzero(labels == 0)])
    common, few = fit_curve(scores, labels), fit_curve(scores[rows], labels[rows])
    assert common is not None
    assert few is not None
    at = np.array([0.15, 0.25, 0.35])
    assert (common.probability(at) > 1.5 * few.probability(at)).all()
    difference = common.evidence(at) - few.evidence(at)
    assert np.ptp(difference) < 0.6
    assert np.abs(difference).max() < 0.8


def test_the_other_score_speaks_against():
    rng = np.random.default_rng(1)
    scores, other = rng.normal(size=(2, 3000))
    labels = (rng.random(3000) < expit(2 * scores - 3 * other - 1)).astype(float)
    curve = fit_curve(scores, labels, other)
    assert curve is not None
    assert curve.slope == pytest.approx(2, rel=0.15)
    assert curve.beside == pytest.approx(-3, rel=0.15)
    np.testing.assert_allclose(
        curve.probability(scores, other),
        expit(curve.slope * scores + curve.beside * other + curve.offset),
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_the_other_score_is_left_out_where_it_would_speak_for(sign: int):
    rng = np.random.default_rng(1)
    scores, other = rng.normal(size=(2, 3000))
    # Speaks for (1); or speaks against and turns the first score round (-1).
    scores = scores if sign == 1 else scores - 0.9 * other
    odds = 2 * scores + 3 * other if sign == 1 else -0.5 * scores - 3 * other
    labels = (rng.random(3000) < expit(odds)).astype(float)
    curve, alone = fit_curve(scores, labels, other), fit_curve(scores, labels)
    assert curve == alone
    assert curve is not None
    assert curve.slope > 0


def test_what_is_not_known_is_left_out():
    scores, labels = drawn(20.0, -5.0, count=300)
    hidden = labels.copy()
    hidden[::3] = np.nan
    kept = ~np.isnan(hidden)
    assert fit_curve(scores, hidden, scores**2) == fit_curve(
        scores[kept], labels[kept], scores[kept] ** 2
    )


def test_too_few_of_either_kind_have_no_curve():
    scores = np.linspace(0, 1, 20)
    assert fit_curve(scores, np.repeat([0.0, 1.0], [16, 4])) is None
    assert fit_curve(scores, np.repeat([0.0, 1.0], [4, 16])) is None
    assert fit_curve(scores, np.repeat([0.0, 1.0], [15, 5])) is not None
    assert fit_curve(scores, np.full(20, np.nan)) is None


def test_calibration_error_by_hand():
    # Two bins: 0.2 stated for a quarter that is positive, 0.9 for a half.
    stated = np.array([0.2, 0.2, 0.2, 0.2, 0.9, 0.9])
    labels = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    expected = (4 * 0.05 + 2 * 0.4) / 6
    assert calibration_error(stated, labels) == pytest.approx(expected)
    assert calibration_error(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0
    assert calibration_error(stated, np.full(6, np.nan)) is None


def test_a_curve_from_a_file_must_be_one():
    with pytest.raises(ValidationError, match="slope"):
        Curve.model_validate({"slope": -1, "offset": 0, "positives": 5, "negatives": 5})
    with pytest.raises(ValidationError, match="offset"):
        Curve.model_validate({"slope": 1, "offset": math.nan, "positives": 5, "negatives": 5})
