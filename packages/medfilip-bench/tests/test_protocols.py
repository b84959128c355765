"""Two protocols: the threshold comes from the test set, or from a validation split."""

import numpy as np
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.protocols import Scored, apply, category_prompt, decide

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
