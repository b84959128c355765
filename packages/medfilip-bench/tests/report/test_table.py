"""Cells: three decimals, true minus signs, reasons in place of figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medfilip_bench.report.table import NONE, Cell, cell, number, span, words
from medfilip_bench.results import Estimate

UNIT = st.floats(-1, 1, allow_nan=False)


def test_cells():
    assert cell(Estimate(value=0.5)) == Cell("0.500")
    assert cell(Estimate(value=-0.5, low=-1, high=0.1)) == Cell("−0.500", "−1.000 – 0.100")
    assert cell(Estimate(value=0.7, low=0.6, high=0.8)) == Cell("0.700", "0.600–0.800")
    assert cell(None) == NONE
    assert cell(Estimate(value=-0.0001)) == Cell("0.000")
    assert cell(Estimate(value=None, reason="no positives")) == Cell("—", "no positives", why=True)


def test_a_figure_without_an_interval_says_why():
    shown = cell(Estimate(value=0.5, reason="no interval: one patient"))
    assert shown == Cell("0.500", "no interval: one patient", why=True)


def test_the_spread_over_seeds_stands_under_the_interval():
    shown = cell(Estimate(value=0.5, low=0.4, high=0.6), 0.0123)
    assert shown.small == "0.400–0.600\ns.d. 0.012"
    assert words(shown.text, shown.small) == "0.500 (0.400–0.600; s.d. 0.012)"


@given(UNIT)
def test_number_is_the_value_to_three_places(value):
    text = number(value)
    assert "-" not in text
    assert text != "−0.000"
    assert float(text.replace("−", "-")) == pytest.approx(value, abs=0.0005001)


@given(UNIT, UNIT)
def test_a_sign_never_touches_the_dash(low, high):
    assert "–−" not in span(low, high)
