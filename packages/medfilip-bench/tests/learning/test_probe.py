"""Linear heads: what a logistic regression gives, its strength by validation, gaps in labels."""

import numpy as np
import pytest
from medfilip_bench.learning.probe import STRENGTHS, UNTOLD, fit_heads
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler


@pytest.fixture
def task():
    """Features of very different scales, of which one tells the class."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 5)) * [1, 1000, 0.01, 1, 1] + [0, 5e3, 0, 0, 1]
    y = (x[:, 1] + 300 * generator.normal(size=300) > 5e3).astype(float)[:, None]
    return x[:200].astype(np.float32), y[:200], x[200:].astype(np.float32), y[200:]


def test_a_head_is_scikit_learns_on_standardised_features(task):
    x, y, v, w = task
    heads = fit_heads(x, y, v, w, strengths=(0.1,))
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=0.1).fit(scaler.transform(x), y[:, 0])
    np.testing.assert_allclose(
        heads(v)[:, 0], model.decision_function(scaler.transform(v)), atol=2e-3
    )
    assert heads.strengths.tolist() == [0.1]


def test_the_strength_is_the_one_with_the_best_auc_on_validation(task):
    x, y, v, w = task
    rows = slice(0, 12)
    strengths = (1e-4, 1e-2, 1.0, 100.0)
    scores = [
        roc_auc_score(w[:, 0], fit_heads(x[rows], y[rows], v, w, (c,))(v)[:, 0]) for c in strengths
    ]
    chosen = fit_heads(x[rows], y[rows], v, w, strengths)
    top = next((k for k in range(1, 4) if scores[k] < scores[k - 1]), 4)
    assert chosen.strengths[0] == strengths[int(np.argmax(scores[:top]))]


def test_of_strengths_that_do_equally_well_the_strongest_penalty_is_taken(task):
    x, _, v, _ = task
    # What one feature tells without error, every penalty ranks without error.
    y, w = ((part[:, 1:2] > 5e3).astype(float) for part in (x, v))
    alone, beside = (np.ascontiguousarray(part[:, 1:2]) for part in (x, v))
    assert fit_heads(alone, y, beside, w).strengths.tolist() == [STRENGTHS[0]]


def test_without_a_validation_split_the_strength_is_fixed(task):
    x, y, v, w = task
    assert fit_heads(x, y, v[:0], w[:0]).strengths.tolist() == [UNTOLD]
    assert fit_heads(x, y, v, np.ones_like(w)).strengths.tolist() == [UNTOLD]


def test_labels_that_are_not_known_count_for_nothing(task):
    x, y, v, w = task
    half = y.copy()
    half[::2] = np.nan
    # Standardisation is of all images that were drawn, labelled or not.
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=1.0).fit(scaler.transform(x[1::2]), y[1::2, 0])
    np.testing.assert_allclose(
        fit_heads(x, half, v, w, (1.0,))(v)[:, 0],
        model.decision_function(scaler.transform(v)),
        atol=2e-3,
    )


def test_a_class_that_cannot_be_learnt_has_no_scores_and_says_why(task):
    x, y, v, w = task
    both = np.concatenate([y, np.zeros_like(y)], axis=1)
    heads = fit_heads(x, both, v, np.concatenate([w, w], axis=1))
    assert heads.reasons == (None, "no positives among 200 training labels")
    scores = heads(v)
    assert np.isnan(scores[:, 1]).all()
    assert np.isfinite(scores[:, 0]).all()


def test_a_feature_that_does_not_vary_does_no_harm(task):
    x, y, v, w = task
    x, v = x.copy(), v.copy()
    x[:, 2], v[:, 2] = 7.0, 1e6
    assert np.isfinite(fit_heads(x, y, v, w)(v)).all()


@pytest.mark.parametrize("strength", [1e-2, 1.0])
def test_fewer_images_than_features_give_scikit_learns_head_too(strength):
    generator = np.random.default_rng(3)
    x, v = generator.normal(size=(12, 60)), generator.normal(size=(40, 60))
    y, w = (x[:, :1] > 0).astype(float), (v[:, :1] > 0).astype(float)
    heads = fit_heads(x.astype(np.float32), y, v.astype(np.float32), w, strengths=(strength,))
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=strength, tol=1e-8, max_iter=1000)
    model.fit(scaler.transform(x), y[:, 0])
    np.testing.assert_allclose(
        heads(v)[:, 0], model.decision_function(scaler.transform(v)), atol=5e-3
    )
    assert heads.weights.shape == (1, 60)
