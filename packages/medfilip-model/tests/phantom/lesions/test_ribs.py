import numpy as np


def test_breaks_lie_at_the_side_of_the_chest(pair):
    for severity in ("mild", "moderate", "severe"):
        for index in range(4):
            shown = pair("rib_fracture", severity, index)
            reach = np.abs(shown.x[shown.mask]) / shown.patient.half_width
            assert reach.min() > 0.35
            assert reach.mean() > 0.6


def test_more_ribs_break_in_a_worse_injury(pair):
    heights = [
        np.mean(
            [
                np.ptp(pair("rib_fracture", s, i).y[pair("rib_fracture", s, i).mask])
                for i in range(5)
            ]
        )
        for s in ("mild", "moderate", "severe")
    ]
    assert heights == sorted(heights)
    assert heights[2] > 1.5 * heights[0]


def test_a_gap_is_darker_than_the_whole_rib(pair):
    """Somewhere in the mask the bone is gone; nowhere far from it has anything changed."""
    for index in range(5):
        shown = pair("rib_fracture", "moderate", index, 256)
        change = shown.image - shown.bare
        assert change[shown.mask].min() < -0.015
        sign = 1 if shown.item.finding.side == "left" else -1
        other = sign * shown.relative_x < -0.1
        assert np.abs(change[other]).mean() < 0.15 * np.abs(change[shown.mask]).mean()
