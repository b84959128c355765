"""Mean Dice: over all images, over those with the finding and without it."""

import numpy as np
import pytest
from medfilip_bench.metrics.segmentation import Overlaps
from medfilip_bench.scoring import Resampling, score_masks

FEW = Resampling(200, 0)


def counts(both, said, true):
    return Overlaps(*(np.array(part, dtype=np.int64) for part in (both, said, true)))


def test_by_hand():
    # Dice 1, 1/2, 0 on positives; 1 and 0 on negatives.
    found = score_masks(
        counts([4, 2, 0, 0, 0], [4, 4, 3, 0, 5], [4, 4, 5, 0, 0]), range(5), FEW
    ).metrics
    assert found["dice"].value == pytest.approx(2.5 / 5)
    assert found["dice_positive"].value == pytest.approx(1.5 / 3)
    assert found["dice_negative"].value == pytest.approx(1 / 2)
    assert found["iou"].value == pytest.approx((1 + 1 / 3 + 0 + 1 + 0) / 5)
    assert found["dice_pooled"].value == pytest.approx(12 / 29)
    for estimate in found.values():
        assert estimate.low <= estimate.value <= estimate.high


def test_an_answer_that_is_always_empty_is_right_on_negatives_alone():
    said = counts([3, 0, 0, 0], [3, 1, 0, 0], [5, 0, 0, 0])
    found = score_masks(said.emptied(), range(4), FEW).metrics
    assert found["dice"].value == 3 / 4
    assert found["dice_positive"].value == 0.0
    assert found["dice_negative"].value == 1.0


def test_lungs_are_in_every_image():
    found = score_masks(counts([9, 8], [10, 10], [10, 10]), ["a", "b"], FEW).metrics
    assert found["dice_negative"].reason == "no negatives"
    assert found["dice"].value == found["dice_positive"].value == pytest.approx(0.85)


def test_images_of_one_patient_are_drawn_together():
    generator = np.random.default_rng(0)
    both = np.tile(generator.integers(0, 10, 20), 5)
    whole = counts(both, np.full(100, 10), np.full(100, 10))
    by_patient = score_masks(whole, [k % 20 for k in range(100)], FEW).metrics["dice"]
    by_image = score_masks(whole, range(100), FEW).metrics["dice"]
    assert by_patient.high - by_patient.low > 1.5 * (by_image.high - by_image.low)
