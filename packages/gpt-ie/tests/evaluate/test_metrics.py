import random

import pytest
from gpt_ie.evaluate.metrics import Bootstrap, Counts, Triple, macro_f1
from hypothesis import given, settings
from hypothesis import strategies as st

TRIPLES = st.tuples(*[st.integers(0, 3)] * 3)


def test_figures_by_hand():
    counts = Counts(hit=6, false=2, missed=4)
    assert counts.precision == 0.75
    assert counts.recall == 0.6
    assert counts.f1 == pytest.approx(2 / 3)


def test_nothing_to_divide_by_is_none_and_not_zero():
    assert Counts(0, 0, 0).precision is None
    assert Counts(0, 0, 0).f1 is None
    assert Counts(0, 0, 3).precision is None
    assert Counts(0, 0, 3).recall == 0
    assert Counts(0, 2, 0).recall is None
    assert Counts(0, 2, 0).f1 == 0


def test_the_interval_is_that_of_the_known_distribution():
    # 400 reports, 100 with the one hit, 100 missed: recall is binomial, half of about 200.
    cells: dict[int, Triple] = dict.fromkeys(range(100), (1, 0, 0))
    cells |= dict.fromkeys(range(100, 200), (0, 0, 1))
    recall = Bootstrap(400, 4000, seed=1).score(cells).recall
    assert recall.value == 0.5
    assert recall.low == pytest.approx(0.5 - 1.96 * (0.25 / 200) ** 0.5, abs=0.006)
    assert recall.high == pytest.approx(0.5 + 1.96 * (0.25 / 200) ** 0.5, abs=0.006)


def test_intervals_agree_with_resampling_by_lists():
    cells: dict[int, Triple] = {0: (1, 1, 0), 1: (0, 0, 2), 3: (2, 0, 1)}
    mine = Bootstrap(5, 500, seed=3).score(cells).f1
    generator, drawn = random.Random(3), []
    for _ in range(500):
        rows = [cells.get(row, (0, 0, 0)) for row in generator.choices(range(5), k=5)]
        value = Counts(*map(sum, zip(*rows, strict=True))).f1
        drawn += [] if value is None else [value]
    drawn.sort()
    assert mine.low == pytest.approx(drawn[int(0.025 * len(drawn))], abs=0.05)
    assert mine.high == pytest.approx(drawn[int(0.975 * len(drawn))], abs=0.05)
    assert min(drawn) <= mine.low <= mine.high <= max(drawn)  # pyright: ignore[reportOperatorIssue]


@given(st.dictionaries(st.integers(0, 19), TRIPLES), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_intervals_lie_in_0_1_and_are_repeatable(cells: dict[int, Triple], seed: int):
    scored = Bootstrap(20, 40, seed).score(cells)
    assert scored == Bootstrap(20, 40, seed).score(cells)
    assert scored.counts == Counts(*(sum(c[k] for c in cells.values()) for k in range(3)))
    for one in (scored.precision, scored.recall, scored.f1):
        if one.value is None:
            assert one.low is None
        elif one.low is not None and one.high is not None:
            assert 0 <= one.low <= one.high <= 1


def test_no_resamples_no_interval():
    scored = Bootstrap(3, 0).score({0: (1, 0, 0)})
    assert (scored.f1.value, scored.f1.low, scored.f1.high) == (1, None, None)


def test_the_mean_is_over_the_reports_named():
    bootstrap = Bootstrap(10, 200, seed=0)
    mean = bootstrap.mean({0: 2, 1: 1, 9: 50}, among=[0, 1, 2, 3])
    assert mean.value == 0.75
    assert mean.low is not None
    assert mean.high is not None
    assert 0 <= mean.low < 0.75 < mean.high <= 2
    assert bootstrap.mean({0: 2}, among=[]).value is None


def test_macro_takes_the_common_categories():
    bootstrap = Bootstrap(1, 0)
    scores = {
        "a": bootstrap.score({0: (10, 0, 0)}),
        "b": bootstrap.score({0: (0, 3, 10)}),
        "rare": bootstrap.score({0: (9, 0, 0)}),
    }
    assert macro_f1(scores) == (0.5, 2)
    assert macro_f1({}) == (None, 0)
