"""Paired differences: signs, agreement with a paired t test, and the size of the test."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.stats import mcnemar, paired, replicate, weighted_mean
from scipy.stats import binom, ttest_rel

FEW = settings(max_examples=10, deadline=None)


def compared(first, second, groups=None, **settings_):
    groups = np.arange(len(first)) if groups is None else groups
    drawn = replicate(
        lambda w: {k: weighted_mean(v[:, None], w) for k, v in (("a", first), ("b", second))},
        groups,
        n_replicates=settings_.get("n", 1000),
    )
    count = int(groups.max()) + 1
    means = Measure(float(first.mean())), Measure(float(second.mean()))
    return paired(*means, drawn["a"][:, 0], drawn["b"][:, 0], count)


@FEW
@given(st.integers(0, 10_000))
def test_swapping_the_models_turns_the_sign(seed):
    first, second = np.random.default_rng(seed).normal(size=(2, 30))
    one, other = compared(first, second, n=200), compared(second, first, n=200)
    assert one.value == pytest.approx(-other.value)
    assert one.p == pytest.approx(other.p)
    assert one.low == pytest.approx(-other.high)


def test_it_agrees_with_the_paired_t_test_on_a_mean():
    generator = np.random.default_rng(3)
    for shift in (0.0, 0.3, 0.6):
        first, second = generator.normal(size=(2, 25))
        first += shift
        assert compared(first, second).p == pytest.approx(ttest_rel(first, second).pvalue, abs=0.03)


def test_p_falls_below_the_level_where_the_interval_leaves_zero():
    generator = np.random.default_rng(5)
    for _ in range(30):
        first, second = generator.normal(size=(2, 12))
        first += 0.8
        found = compared(first, second, n=100)
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_a_clear_difference_has_a_p_below_one_in_the_replicates():
    generator = np.random.default_rng(3)
    noise = generator.normal(size=200)
    found = compared(noise + 1 + 0.1 * generator.normal(size=200), noise, n=200)
    assert found.p < 1e-6
    assert found.low > 0


def test_what_both_share_takes_no_part():
    generator = np.random.default_rng(0)
    shared = 10 * generator.normal(size=100)
    found = compared(shared + 0.1 * generator.normal(size=100), shared)
    assert found.high - found.low < 0.1


def test_false_alarms_come_as_often_as_they_should_with_several_images_a_patient():
    generator = np.random.default_rng(11)
    groups = np.repeat(np.arange(40), 4)
    alarms = 0
    for _ in range(120):
        patient = generator.normal(size=(2, 40))[:, groups]
        first, second = patient + generator.normal(size=(2, 160))
        alarms += compared(first, second, groups, n=200).p < 0.05
    # Binomial(120, .05): 6 expected, four standard deviations are 10.
    assert 1 <= alarms <= 16


def test_equal_models_differ_by_nothing():
    values = np.random.default_rng(0).normal(size=20)
    found = compared(values, values)
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_what_is_undefined_says_why():
    nothing = np.full(10, np.nan)
    found = paired(Measure(None, "no positives"), Measure(0.5), nothing, nothing)
    assert (found.value, found.p, found.reason) == (None, None, "no positives")
    found = paired(Measure(0.4), Measure(0.5), np.zeros(9), np.ones(9), 1)
    assert found.value == pytest.approx(-0.1)
    assert (found.p, found.reason) == (None, "rests on a single patient")


@FEW
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 5))
def test_mcnemar_equals_the_binomial(only_first, only_second, both):
    first = np.r_[np.ones(only_first), np.zeros(only_second), np.ones(both)] == 1
    second = np.r_[np.zeros(only_first), np.ones(only_second), np.ones(both)] == 1
    n = only_first + only_second
    expected = min(1.0, 2 * binom.cdf(min(only_first, only_second), n, 0.5)) if n else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, abs=1e-12)
    assert mcnemar(first, second) == mcnemar(second, first)
