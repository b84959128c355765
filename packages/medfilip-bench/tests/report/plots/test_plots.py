"""Figures: well-formed, with the page's ink, nothing from outside, the same every time."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from medfilip_bench.report.plots.bars import Bar, bars, forest
from medfilip_bench.report.plots.curves import (
    precision_recall,
    reliability,
    roc,
    share_curves,
    step_lines,
    thin,
)
from medfilip_bench.report.plots.ink import COLOURS
from medfilip_bench.report.plots.maps import confusion, embedding
from medfilip_bench.series import Bin, Curve, CurvePoint, Spot

POINTS = ((0.0, 0.0), (0.1, 0.7), (1.0, 1.0))
BINS = (Bin(said=0.1, seen=0.2, n=5), Bin(said=0.5, seen=0.4, n=0), Bin(said=0.9, seen=0.9, n=50))
CURVE = Curve(
    name="ResNet50",
    points=(CurvePoint(x=0.01, y=0.5, low=0.4, high=0.6), CurvePoint(x=1.0, y=0.7)),
)
SPOTS = tuple(
    Spot(x=k, y=k % 3, kind=kind, label=f"class {k % 2}", sub=sub)
    for k, (kind, sub) in enumerate(
        [("image", None), ("image", "mild"), ("text", "mild"), ("text", "severe"), ("image", None)]
    )
)
DRAWN = {
    "roc": lambda: roc({"mass 0.91": POINTS, "nodule 0.5": POINTS[::2]}),
    "empty roc": lambda: roc({}),
    "pr": lambda: precision_recall({"mass 0.9": POINTS}),
    "reliability": lambda: reliability({"all": BINS, "mass": BINS}),
    "shares": lambda: share_curves((CURVE,), "AUC"),
    "no shares": lambda: share_curves((), "AUC"),
    "steps": lambda: step_lines(("entity", "+FG"), (CURVE,), "F1"),
    "bars": lambda: bars([Bar("mass", 0.9, 0.8, 0.95), Bar("nodule", 0.4)], "AUC", chance=0.5),
    "grouped": lambda: bars([Bar("a", 0.9), Bar("a", 0.4, group=1)], "F1", groups=["x", "y"]),
    "no bars": lambda: bars([], "AUC"),
    "negative bars": lambda: bars([Bar("a", -0.2, -0.3, -0.1), Bar("b", 0.05)], "cosine"),
    "forest": lambda: forest([Bar("a", 0.02, -0.01, 0.05), Bar("b", -0.1)], "a − b"),
    "confusion": lambda: confusion([[5, 1], [0, 0]], ["normal", "mass"]),
    "embedding": lambda: embedding(SPOTS),
}


@pytest.fixture(scope="module")
def drawn():
    return {name: draw() for name, draw in DRAWN.items()}


@pytest.mark.parametrize("name", DRAWN)
def test_svg_is_well_formed_and_self_contained(drawn, name):
    svg = drawn[name]
    ElementTree.fromstring(svg)
    assert svg.startswith("<svg")
    assert "http" not in svg
    assert "font-family" not in svg
    assert "clip-path" not in svg
    assert "#01020" not in svg
    assert "currentColor" in svg
    assert 'role="img"' in svg


@pytest.mark.parametrize("name", ["roc", "confusion", "embedding"])
def test_the_same_figure_is_the_same_text(drawn, name):
    assert DRAWN[name]() == drawn[name]


def test_no_two_figures_share_an_id(drawn):
    ids = [found for svg in drawn.values() for found in re.findall(r'\sid="([^"]+)"', svg)]
    assert ids
    assert len(ids) == len(set(ids))
    for svg in drawn.values():
        own = set(re.findall(r'\sid="([^"]+)"', svg))
        assert set(re.findall(r'href="#([^"]+)"', svg)) <= own


def test_names_and_figures_are_words(drawn):
    assert ">mass</text>" in drawn["bars"]
    assert ">0.90</text>" in drawn["bars"]
    assert ">−0.20</text>" in drawn["negative bars"]
    assert ">5</text>" in drawn["confusion"]
    assert ">predicted</text>" in drawn["confusion"]
    assert ">10 %</text>" not in drawn["shares"]
    assert ">1 %</text>" in drawn["shares"]
    assert ">text (framed, large)</text>" in drawn["embedding"]


def test_neighbours_of_one_name_are_named_once(drawn):
    assert drawn["grouped"].count(">a</text>") == 1


def test_a_long_name_is_broken_or_cut():
    svg = bars(
        [Bar("a name of many words that no axis has the room for", 0.5), Bar("b" * 60, 1.0)], "x"
    )
    assert f">{'b' * 33}…</text>" in svg
    assert "a name of many words that no axis" in svg


def test_what_rounds_to_zero_has_no_sign():
    svg = bars([Bar("a", -0.004), Bar("b", -0.2)], "cosine")
    assert ">0.00</text>" in svg
    assert "−0.00" not in svg


def test_long_names_of_steps_take_two_lines():
    svg = step_lines(("entity", "+ severity and location"), (CURVE,), "F1")
    assert ">+ severity</text>" in svg
    assert ">and location</text>" in svg


def test_what_takes_no_skill_is_a_dashed_line(drawn):
    dashed = share_curves((CURVE,), "AUC", floor=0.55)
    assert dashed.count("stroke-dasharray") == drawn["shares"].count("stroke-dasharray") + 1


def test_an_empty_bin_has_no_dot(drawn):
    alone = reliability({"all": BINS})
    assert alone.count("<use") == 2


def test_bars_begin_at_0_and_end_at_their_value():
    svg = bars([Bar("a", 0.5), Bar("b", 1.0)], "AUC")
    ends = re.findall(r'd="M ([\d.]+) [\d.]+L ([\d.]+) ', svg)[:2]
    ticks = {
        word: float(x) for x, word in re.findall(r' x="([\d.]+)"[^>]*>([01]\.\d\d)</text>', svg)[:5]
    }
    assert [float(left) for left, _ in ends] == pytest.approx([ticks["0.00"]] * 2, abs=0.2)
    assert [float(right) for _, right in ends] == pytest.approx(
        [ticks["0.50"], ticks["1.00"]], abs=0.2
    )


def test_thinning_keeps_both_ends_and_the_shape():
    x = np.linspace(0, 1, 5000)
    points = tuple(zip(x.tolist(), np.sqrt(x).tolist(), strict=True))
    kept = thin(points)
    assert len(kept) <= 60
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    own = np.array(kept)
    assert np.abs(np.interp(x, own[:, 0], own[:, 1]) - np.sqrt(x)).max() < 0.02
    assert thin(POINTS) == POINTS


def test_many_images_are_thinned_and_all_texts_stay():
    spots = [Spot(x=k, y=k, kind="image", label="a") for k in range(2000)]
    spots += [Spot(x=k, y=-k, kind="text", label="a") for k in range(7)]
    svg = embedding(spots)
    # Legend: one class and the word for texts.
    assert 200 < svg.count("<use") - 7 - 2 <= 300


def test_names_of_texts_that_are_near_stand_on_different_sides():
    """Two that would lie on one another: one is written above its text, one below."""
    near = [Spot(x=0, y=0, kind="text", label="first class"),
            Spot(x=0.1, y=0, kind="text", label="second class"),
            Spot(x=5, y=3, kind="text", label="far")]  # fmt: skip
    heights = [
        float(y)
        for y in re.findall(r'font-size: 7.5px[^>]* y="([\d.]+)">(?:first|second)', embedding(near))
    ]
    assert len(heights) == 2
    assert abs(heights[0] - heights[1]) > 7.5


def test_colours_are_all_different_and_as_many_as_lines_that_are_drawn():
    assert len(set(COLOURS)) == len(COLOURS) >= 16
