"""Holm's correction by hand, and what must hold of any p."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medfilip_bench.stats import holm

PS = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12)


def test_by_hand():
    # In order .01, .02, .03, .2, times 4, 3, 2, 1, never falling: .04, .06, .06, .2.
    assert holm([0.03, 0.01, 0.2, 0.02]) == pytest.approx((0.06, 0.04, 0.2, 0.06))


def test_a_test_that_was_not_made_does_not_count():
    assert holm([0.03, None, 0.01]) == pytest.approx((0.03, None, 0.02))
    assert holm([]) == ()
    assert holm([None]) == (None,)


@given(PS)
def test_it_lies_between_the_p_and_bonferronis_and_keeps_the_order(ps):
    adjusted = holm(ps)
    made = [(p, q) for p, q in zip(ps, adjusted, strict=True) if p is not None]
    assert all(q is None for p, q in zip(ps, adjusted, strict=True) if p is None)
    for p, q in made:
        assert p <= q <= min(1.0, p * len(made)) + 1e-12
    in_order = [q for _, q in sorted(made)]
    assert in_order == sorted(in_order)


@given(PS, st.floats(0.001, 0.2))
def test_it_rejects_what_the_step_down_rule_rejects(ps, level):
    adjusted = holm(ps)
    made = sorted(p for p in ps if p is not None)
    rejected = 0
    while rejected < len(made) and (len(made) - rejected) * made[rejected] <= level:
        rejected += 1
    assert sum(q is not None and q <= level for q in adjusted) == rejected


def test_the_chance_of_any_false_alarm_is_held():
    generator = np.random.default_rng(0)
    alarms = sum(min(holm(generator.random(20).tolist())) <= 0.05 for _ in range(1000))
    # Binomial(1000, .05): 50 expected, four standard deviations are 28.
    assert 22 <= alarms <= 78
