"""Dice and IoU by hand on masks a person can count, and against scikit-learn pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.metrics.segmentation import Overlaps, joined, overlaps
from sklearn.metrics import f1_score, jaccard_score

FEW = settings(max_examples=25, deadline=None)


def mask(*rows):
    return np.array([[c == "#" for c in row] for row in rows])


TRUTH = np.stack([mask("##..", "##.."), mask("....", "...."), mask("....", "....")])
SAID = np.stack([mask(".##.", ".##."), mask("....", "...."), mask("#...", "....")])


def test_by_hand():
    counts = overlaps(SAID, TRUTH)
    assert counts.both.tolist() == [2, 0, 0]
    # 2 of 4 and 4 shared; both empty; something where nothing is.
    assert counts.dice().tolist() == [0.5, 1.0, 0.0]
    assert counts.iou().tolist() == [2 / 6, 1.0, 0.0]
    assert counts.positive.tolist() == [True, False, False]
    assert counts.pooled_dice().value == 4 / 9


def test_pixels_that_are_not_judged_count_for_nothing():
    judged = np.stack([mask("##..", "##.."), mask("####", "####"), mask("....", "####")])
    counts = overlaps(SAID, TRUTH, judged)
    # Of the first image the left half is judged: 2 of 2 said, 4 true.
    assert counts.dice().tolist() == [2 * 2 / 6, 1.0, 1.0]


def test_an_answer_that_is_always_empty_scores_the_share_of_images_without_the_finding():
    # SIIM-ACR: 2,669 of 12,047 images show a pneumothorax, so that saying nothing scores 77.8.
    true = np.r_[np.full(2669, 50), np.zeros(9378)].astype(np.int64)
    empty = Overlaps(both=true, said=true, true=true).emptied()
    assert round(100 * empty.dice().mean(), 1) == 77.8
    assert empty.dice()[empty.positive].max() == 0.0
    assert empty.pooled_dice().value == 0.0


@FEW
@given(st.integers(0, 10_000))
def test_equal_to_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    said, truth = generator.random((2, 3, 4, 5)) < 0.4
    judged = generator.random((3, 4, 5)) < 0.8
    counts = overlaps(said, truth, judged)
    for k in range(3):
        pair = truth[k][judged[k]], said[k][judged[k]]
        assert counts.dice()[k] == pytest.approx(f1_score(*pair, zero_division=1), abs=1e-9)
        assert counts.iou()[k] == pytest.approx(jaccard_score(*pair, zero_division=1), abs=1e-9)
    pooled = f1_score(truth[judged], said[judged], zero_division=0)
    assert counts.pooled_dice().value == pytest.approx(pooled, abs=1e-9)
    # Dice and IoU say the same: D = 2 I / (1 + I).
    assert counts.dice() == pytest.approx(2 * counts.iou() / (1 + counts.iou()), abs=1e-9)


def test_batches_join_in_order():
    parts = [overlaps(SAID[:1], TRUTH[:1]), overlaps(SAID[1:], TRUTH[1:])]
    assert joined(parts).dice().tolist() == [0.5, 1.0, 0.0]
    assert joined([]).dice().size == 0
    assert joined([]).pooled_dice() == Measure(None, "nothing is marked in truth or answer")
