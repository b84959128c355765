"""Figures: well-formed, with the page's ink, nothing from outside, the same every time."""

from xml.etree import ElementTree

import pytest
from medfilip_bench.plots import Bar, bars, confusion, roc

POINTS = [(0.0, 0.0), (0.1, 0.7), (1.0, 1.0)]
DRAWN = {
    "roc": lambda: roc({"mass 0.91": POINTS, "nodule 0.5": POINTS[::2]}),
    "empty roc": lambda: roc({}),
    "bars": lambda: bars([Bar("mass", 0.9, 0.8, 0.95), Bar("nodule", 0.4)], "AUC", chance=0.5),
    "grouped": lambda: bars([Bar("a", 0.9), Bar("b", 0.4, group=1)], "F1", groups=["x", "y"]),
    "no bars": lambda: bars([], "AUC"),
    "confusion": lambda: confusion([[5, 1], [0, 0]], ["normal", "mass"]),
}


@pytest.mark.parametrize("name", DRAWN)
def test_svg_is_well_formed_and_self_contained(name):
    svg = DRAWN[name]()
    ElementTree.fromstring(svg)
    assert svg.startswith("<svg")
    assert "http" not in svg
    assert "font-family" not in svg
    assert "#01020" not in svg
    assert "currentColor" in svg
    assert 'role="img"' in svg


@pytest.mark.parametrize("name", ["roc", "confusion"])
def test_the_same_figure_is_the_same_text(name):
    assert DRAWN[name]() == DRAWN[name]()


def test_names_and_figures_are_words():
    svg = DRAWN["bars"]()
    assert ">mass</text>" in svg
    assert ">0.90</text>" in svg
    matrix = DRAWN["confusion"]()
    assert ">5</text>" in matrix
    assert ">predicted</text>" in matrix
