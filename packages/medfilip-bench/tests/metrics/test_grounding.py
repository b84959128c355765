"""Grounding by hand on a heatmap a person can read."""

import numpy as np
import pytest
from medfilip_bench.metrics.grounding import grounding
from medfilip_bench.metrics.measure import Measure

HEAT = np.zeros((8, 8))
HEAT[2:4, 2:6] = 0.8
HEAT[3, 4] = 1.0


def test_by_hand():
    # The box found is x 2, y 2, 4 wide and 2 high; the truth is 4 by 4 around it.
    found = grounding(HEAT, [(2, 2, 4, 4)])
    assert found["pointing"].value == 1.0
    assert found["box_iou"].value == 0.5
    assert [found[f"hit@{t}"].value for t in (0.1, 0.3, 0.5)] == [1.0, 1.0, 1.0]
    assert grounding(HEAT, [(2, 2, 4, 4)], ious=(0.6,))["hit@0.6"].value == 0.0


def test_a_box_elsewhere_is_missed():
    found = grounding(HEAT, [(6, 6, 2, 2)])
    assert {name: m.value for name, m in found.items()} == {
        "pointing": 0.0,
        "box_iou": 0.0,
        "hit@0.1": 0.0,
        "hit@0.3": 0.0,
        "hit@0.5": 0.0,
    }


def test_the_box_that_fits_best_counts_and_all_boxes_are_pointed_at():
    found = grounding(HEAT, [(6, 6, 2, 2), (2, 2, 4, 2)])
    assert found["box_iou"].value == 1.0
    assert found["pointing"].value == 1.0


def test_a_constant_map_points_by_chance():
    assert grounding(np.ones((8, 8)), [(0, 0, 4, 4)])["pointing"].value == 0.25


def test_a_mask_may_stand_for_the_boxes_in_pointing():
    mask = np.zeros((8, 8), dtype=bool)
    mask[7, 7] = True
    found = grounding(HEAT, [(2, 2, 4, 2)], mask=mask)
    assert found["pointing"].value == 0.0
    assert found["box_iou"].value == 1.0


def test_without_a_box_it_says_why():
    found = grounding(HEAT, [])
    assert found["pointing"] == Measure(None, "the mask is empty")
    assert found["box_iou"] == found["hit@0.5"] == Measure(None, "there is no box with an area")


def test_numbers_that_are_none_are_refused():
    with pytest.raises(ValueError, match="1 pixels are not finite"):
        grounding(np.where(HEAT == 1, np.nan, HEAT), [(2, 2, 4, 4)])
