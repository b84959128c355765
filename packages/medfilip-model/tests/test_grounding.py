import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from medfilip_model.grounding import (
    Box,
    Measure,
    box_iou,
    boxes_mask,
    energy_inside,
    found_box,
    mask_iou,
    pointing_game,
    thresholded,
    upsample,
)

HEAT = np.array(
    [
        [0.0, 0.1, 0.0, 0.7],
        [0.2, 1.0, 0.6, 0.0],
        [0.0, 0.5, 0.0, 0.0],
    ]
)


def mask(*cells: tuple[int, int]) -> np.ndarray:
    table = np.zeros(HEAT.shape, dtype=bool)
    for cell in cells:
        table[cell] = True
    return table


heatmaps = hnp.arrays(
    np.float64, (4, 5), elements=st.integers(-8, 8).map(float)
)  # small integers: ties are frequent
masks = hnp.arrays(np.bool_, (4, 5))


def test_pointing_game_by_hand():
    assert pointing_game(HEAT, mask((1, 1))) == Measure(1.0)
    assert pointing_game(HEAT, mask((1, 2), (0, 3))) == Measure(0.0)


def test_equal_maxima_share_the_hit():
    tied = np.array([[2.0, 0.0], [2.0, 2.0]])
    only = np.array([[True, True], [False, False]])
    assert pointing_game(tied, only).value == pytest.approx(1 / 3)


def test_maxima_that_differ_by_rounding_are_equal():
    """As those at the rim of an up-sampled map are."""
    tied = np.array([[1.0, 0.0], [1.0 + 1e-9, 0.0]])
    assert pointing_game(tied, np.array([[True, False], [False, False]])).value == 0.5
    apart = np.array([[1.0, 0.0], [1.0 + 1e-4, 0.0]])
    assert pointing_game(apart, np.array([[True, False], [False, False]])).value == 0


def test_a_constant_map_hits_by_area():
    assert pointing_game(np.ones(HEAT.shape), mask((0, 0), (2, 2), (2, 3))).value == 3 / 12


def test_a_point_near_the_mask_hits_within_the_tolerance():
    diagonal = mask((0, 2))  # at distance sqrt(2) of the maximum
    assert pointing_game(HEAT, diagonal, tolerance=1.4).value == 0
    assert pointing_game(HEAT, diagonal, tolerance=1.5).value == 1


def test_threshold_by_hand():
    assert (thresholded(HEAT, 0.5) == mask((0, 3), (1, 1), (1, 2), (2, 1))).all()
    assert (thresholded(HEAT, 1.0) == mask((1, 1))).all()
    assert thresholded(HEAT, 0.0).all()
    assert thresholded(np.zeros(HEAT.shape), 0.9).all()


def test_mask_iou_by_hand():
    # Found: 4 cells; the mask shares 2 of them and has 1 more.
    assert mask_iou(HEAT, mask((1, 1), (1, 2), (2, 2))).value == pytest.approx(2 / 5)


def test_box_of_the_part_with_the_maximum():
    # (0, 3) is above the threshold and touches (1, 2) at a corner.
    assert found_box(HEAT) == (1, 0, 3, 3)
    assert found_box(HEAT, level=0.8) == (1, 1, 1, 1)
    apart = HEAT.copy()
    apart[1, 2] = 0
    assert found_box(apart) == (1, 1, 1, 2)


def test_box_iou_takes_the_best_box():
    boxes: list[Box] = [(0, 0, 1, 1), (1, 1, 2, 2)]
    assert box_iou(HEAT, boxes).value == pytest.approx(4 / 9)
    assert box_iou(HEAT, boxes[:1]).value == 0
    assert box_iou(HEAT, [(1, 0, 3, 3)]).value == 1


def test_energy_by_hand():
    total = 0.1 + 0.7 + 0.2 + 1.0 + 0.6 + 0.5
    assert energy_inside(HEAT, mask((1, 1), (0, 3))).value == pytest.approx(1.7 / total)
    assert energy_inside(np.array([[-5.0, 1.0]]), np.array([[True, False]])).value == 0


@pytest.mark.parametrize("measure", [pointing_game, mask_iou, energy_inside])
def test_an_empty_mask_is_undefined_with_a_reason(measure):
    assert measure(HEAT, mask()) == Measure(None, "the mask is empty")


def test_other_undefined_measures_have_reasons():
    assert box_iou(HEAT, []) == box_iou(HEAT, [(1, 1, 0, 5)])
    assert box_iou(HEAT, []).reason == "there is no box with an area"
    dark = energy_inside(np.zeros(HEAT.shape), mask((0, 0)))
    assert dark == Measure(None, "the heatmap has no value above 0")


def test_pixels_of_boxes():
    cells = boxes_mask([(1, 0, 2, 1), (2.6, 1.4, 9, 9)], (3, 4))
    assert (cells == mask((0, 1), (0, 2), (1, 3), (2, 3))).all()
    assert not boxes_mask([], (3, 4)).any()


@given(heatmaps, masks, st.floats(0, 1))
def test_measures_lie_within_0_and_1(heat, where, level):
    for measure in (
        pointing_game(heat, where),
        mask_iou(heat, where, level),
        energy_inside(heat, where),
    ):
        assert (measure.value is None) == (measure.reason is not None)
        assert measure.value is None or 0 <= measure.value <= 1


@given(heatmaps, masks, st.sampled_from([0.25, 0.5, 1.0]))
def test_scale_and_offset_change_nothing(heat, where, level):
    moved = heat * 4 + 32  # exact in binary
    assert pointing_game(moved, where) == pointing_game(heat, where)
    assert mask_iou(moved, where, level) == mask_iou(heat, where, level)
    assert found_box(moved, level) == found_box(heat, level)


@given(heatmaps, masks, st.sampled_from([0.25, 0.5]))
def test_mirroring_image_and_mask_changes_nothing(heat, where, level):
    assert pointing_game(heat[:, ::-1], where[:, ::-1]) == pointing_game(heat, where)
    assert mask_iou(heat[:, ::-1], where[:, ::-1], level) == mask_iou(heat, where, level)


@given(masks)
def test_the_mask_itself_is_the_perfect_map(where):
    if where.any() and not where.all():
        heat = where.astype(float)
        assert pointing_game(heat, where).value == 1
        assert mask_iou(heat, where).value == 1
        assert energy_inside(heat, where).value == 1


def test_the_box_of_a_filled_box_is_that_box():
    box = (1, 1, 3, 2)
    heat = boxes_mask([box], (4, 6)).astype(float)
    assert found_box(heat) == box
    assert box_iou(heat, [box]).value == 1


def test_upsampling_keeps_the_place_of_the_maximum_and_the_range():
    maps = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    maps[1, 2, 1, 3] = 1.5  # no neighbours of another place outweigh it together
    wide = upsample(maps, (40, 50))
    assert wide.shape == (2, 3, 40, 50)
    assert wide.min() >= maps.min()
    assert wide.max() <= maps.max() + 1e-6
    row, column = divmod(int(wide[1, 2].flatten().argmax()), 50)
    assert (row // 10, column // 10) == (1, 3)


def test_upsampling_to_a_square_by_hand():
    wide = upsample(torch.tensor([[0.0, 1.0]]), 4)
    torch.testing.assert_close(wide, torch.tensor([[0.0, 0.25, 0.75, 1.0]]).expand(4, 4))
