from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import cosine
from ssm.order import Block, largest, order_by_group, order_by_tree, spread_out


def clusters(*angles, each=3):
    """Vectors on a circle, close together around each angle (degrees), given in turn."""
    base = torch.deg2rad(torch.tensor(angles, dtype=torch.float32)).repeat(each)
    shift = torch.deg2rad(torch.arange(each).repeat_interleave(len(angles)) * 2.0)
    return torch.stack([(base + shift).cos(), (base + shift).sin()], dim=1)


def names(order):
    return [block.name for block in order.blocks]


def test_groups_stand_by_their_likeness_and_stay_together():
    rows = clusters(0, 80, 40, 120)[[*range(8, 12), *range(4), *range(4, 8)]]
    order = order_by_group(cosine(rows, rows), ["a", "c", "b", "d"] * 3)
    assert names(order) in (["a", "b", "c", "d"], ["d", "c", "b", "a"])
    assert sorted(order.rows) == list(range(12))
    groups = [["a", "c", "b", "d"][row % 4] for row in order.rows]
    for block in order.blocks:
        assert groups[block.start : block.stop] == [block.name] * 3
        # Inside a group, too, neighbours are alike: 4°, 2° and 0°, or the other way round.
        place = [row // 4 for row in order.rows[block.start : block.stop]]
        assert place in ([0, 2, 1], [1, 2, 0])


def test_texts_without_a_group_come_last():
    rows = clusters(0, 40)
    order = order_by_group(cosine(rows, rows), ["", "a", "", "a", "b", "a"])
    assert names(order)[-1] == "(none)"
    assert set(order.rows[-2:]) == {0, 2}
    only = order_by_group(cosine(rows, rows), [""] * 6)
    assert names(only) == ["(none)"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=12), st.integers(0, 3))
def test_every_text_stands_once_in_its_group(groups, seed):
    rows = torch.randn(len(groups), 3, generator=torch.Generator().manual_seed(seed))
    order = order_by_group(cosine(rows, rows), groups)
    assert sorted(order.rows) == list(range(len(groups)))
    assert [b.start for b in order.blocks[1:]] == [b.stop for b in order.blocks[:-1]]
    assert (order.blocks[0].start, order.blocks[-1].stop) == (0, len(groups))
    for block in order.blocks:
        inside = {groups[row] or "(none)" for row in order.rows[block.start : block.stop]}
        assert inside == {block.name}


def test_a_tree_s_clusters_are_named_by_their_middle_text():
    rows = clusters(0, 90, 200)
    texts = [f"{kind} {place}" for place in range(3) for kind in ("right", "up", "left")]
    order = order_by_tree(cosine(rows, rows), texts, 3)
    assert sorted(names(order)) == ["left 1", "right 1", "up 1"]
    assert sorted(order.rows) == list(range(9))
    assert len(order_by_tree(cosine(rows, rows), texts, 100).blocks) == 9


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 50), max_size=10).map(sorted))
def test_labels_are_a_gap_apart_and_inside(wanted):
    places = spread_out(wanted, 2.0, 0.0, 50.0)
    assert len(places) == len(wanted)
    for first, second in pairwise(places):
        assert second - first >= 2 - 1e-9
    assert all(-1e-9 <= place <= 50 + 1e-9 for place in places)


def test_labels_stay_where_they_are_wanted_if_they_can():
    assert spread_out([1.0, 10.0, 30.0], 2.0, 0.0, 50.0) == pytest.approx([1, 10, 30])
    assert spread_out([10.0, 10.0, 30.0], 2.0, 0.0, 50.0) == pytest.approx([9, 11, 30])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 4), max_size=12), st.integers(1, 12))
def test_the_largest_blocks(sizes, most):
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    blocks = [Block("x", start, start + size) for start, size in zip(starts, sizes, strict=True)]
    found = largest(blocks, most)
    assert [b for b in blocks if b in found] == found
    kept = sorted((b.stop - b.start for b in found), reverse=True)
    assert kept == sorted(sizes, reverse=True)[:most]


def test_of_blocks_alike_some_are_taken_from_everywhere():
    blocks = [Block(str(place), place, place + 1) for place in range(100)]
    assert [block.start for block in largest(blocks, 4)] == [0, 25, 50, 75]
