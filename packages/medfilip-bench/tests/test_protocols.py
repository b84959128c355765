"""Two protocols: the threshold comes from the test set, or from a validation split."""

import numpy as np
import pytest
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.protocols import Scored, apply, calibrate, category_prompt, decide

NAN = float("nan")


def make(labels, scores):
    columns = np.array(labels, dtype=float).T, np.array(scores, dtype=float).T
    return Scored(*columns, np.arange(columns[0].shape[0]))


def test_paper_looks_at_the_test_labels_and_held_out_does_not():
    test = make([[1, 1, 0, 0]], [[0.9, 0.6, 0.4, 0.1]])
    valid = make([[1, 0, 0, 0]], [[0.8, 0.5, 0.4, 0.1]])
    decided = decide(test, valid)
    assert decided["paper"].thresholds[0].value == 0.6
    assert decided["held-out"].thresholds[0].value == 0.8
    assert decided["held-out"].predictions[:, 0].tolist() == [True, False, False, False]
    flipped = make([[0, 0, 1, 1]], [[0.9, 0.6, 0.4, 0.1]])
    assert decide(flipped, valid)["held-out"].thresholds == decided["held-out"].thresholds


def test_unknown_labels_choose_nothing():
    test = make([[1, NAN, 0]], [[0.5, 0.9, 0.1]])
    assert decide(test, None)["paper"].thresholds[0].value == 0.5
    assert test.column(0)[0].tolist() == [True, False]


def test_a_class_without_a_threshold_says_why():
    test = make([[1, 0]], [[0.9, 0.1]])
    valid = make([[0, 0]], [[0.9, 0.1]])
    assert decide(test, valid)["held-out"].thresholds[0].reason == "validation split: no positives"
    assert decide(test, None)["held-out"].thresholds[0].reason == "no validation split"
    assert not apply([Measure(None, "x")], test.scores).predictions.any()


def test_the_papers_prompt():
    assert category_prompt("Pneumonia") == "This is an X-ray image of Pneumonia."


def noisy(seed, n=400):
    generator = np.random.default_rng(seed)
    score = generator.normal(size=n)
    label = generator.random(n) < 1 / (1 + np.exp(-(2 * score - 1)))
    return make([label], [score])


def test_scores_become_probabilities_by_the_curve_of_the_validation_split():
    said = calibrate(noisy(0), noisy(1, 20_000)).values[:, 0]
    expected = 1 / (1 + np.exp(-(2 * noisy(0).scores[:, 0] - 1)))
    assert np.abs(said - expected).max() < 0.03


def test_a_class_without_a_curve_says_why():
    test, valid = noisy(0), noisy(1)
    assert calibrate(test, None).reasons == ("no validation split",)
    few = make([[1, 0, 0]], [[0.3, 0.2, 0.1]])
    reason = "validation split: fewer than 5 positives or negatives"
    assert calibrate(test, few).reasons == (reason,)
    assert np.isnan(calibrate(test, few).values).all()
    broken = Scored(valid.labels, np.full_like(valid.scores, np.nan), valid.groups)
    assert calibrate(test, broken).reasons == ("validation split: the model has no such class",)
    assert calibrate(broken, test).reasons == ("the model has no such class",)


def test_probabilities_stay_as_they_are():
    test = make([[1, 0]], [[0.25, 0.75]])
    found = calibrate(test, None, probabilities=True)
    assert found.values[:, 0] == pytest.approx([0.25, 0.75])
    assert found.reasons == (None,)
