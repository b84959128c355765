import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medfilip_model.statements.suspicion import LEFT_OUT, WRONG, suspicion

DOUBTS = st.floats(-20, 20)
POINTS = st.lists(st.tuples(DOUBTS, st.floats(-6, 2)), min_size=1, max_size=6)


def test_the_odds_before_looking():
    # One in twenty is nineteen to one against; one in five of those that are there.
    assert math.exp(WRONG) == pytest.approx(1 / 19)
    assert math.exp(LEFT_OUT) == pytest.approx(0.2)


def test_two_points_by_hand():
    # Even odds of each before: 3 to 1 that any is. After: 4 to 1 and 1 to 4: 1 - 1/5 x 4/5 = 21/25.
    found = suspicion([(math.log(4), 0.0), (-math.log(4), 0.0)])
    assert found == pytest.approx(math.log(21 / 4) - math.log(3))


def test_nothing_to_doubt_is_nothing():
    assert suspicion([]) == 0.0


@given(DOUBTS, st.floats(-6, 2))
def test_a_single_point_counts_as_it_is(doubt: float, before: float):
    assert suspicion([(doubt, before)]) == pytest.approx(doubt, abs=1e-9)


@given(st.lists(st.floats(-6, 2), min_size=1, max_size=6))
def test_an_image_that_tells_nothing_changes_nothing(before: list[float]):
    assert suspicion([(0.0, one) for one in before]) == pytest.approx(0, abs=1e-9)


@given(POINTS, st.floats(0.1, 5))
def test_more_doubt_is_more_suspicion(points: list[tuple[float, float]], more: float):
    (doubt, before), *rest = points
    assert suspicion([(doubt + more, before), *rest]) >= suspicion(points)


@given(st.data())
def test_the_order_does_not_matter(data: st.DataObject):
    points = data.draw(POINTS)
    mixed = data.draw(st.permutations(points))
    assert suspicion(mixed) == pytest.approx(suspicion(points), abs=1e-9)


@given(POINTS)
def test_the_chances_that_none_is_wrong_are_multiplied(points: list[tuple[float, float]]):
    def odds(log_odds: list[float]) -> float:
        none = math.prod(1 / (1 + math.exp(value)) for value in log_odds)
        return (1 - none) / none

    after, before = [d + b for d, b in points], [b for _, b in points]
    if odds(after) > 1e-6:
        raised = math.log(odds(after) / odds(before))
        assert suspicion(points) == pytest.approx(raised, rel=1e-6, abs=1e-6)


def test_no_doubt_is_too_large():
    # Both are wrong: the chances that they are not are multiplied.
    twice = suspicion([(1e4, 0.0), (5.0, 0.0)])
    assert twice == pytest.approx(1e4 + math.log(1 + math.exp(5)) - math.log(3))
    assert suspicion([(-math.inf, 0.0)]) == -math.inf
    assert suspicion([(math.inf, 0.0), (-1.0, 0.0)]) == math.inf
    assert suspicion([(-math.inf, WRONG), (0.0, WRONG)]) == pytest.approx(math.log(19 / 39))
