import numpy as np


def test_sternal_wires_are_a_column_in_the_midline(pair):
    for index in range(5):
        shown = pair("sternotomy", None, index, 256)
        assert np.abs(shown.x[shown.mask]).max() < 0.16
        assert np.ptp(shown.y[shown.mask]) > 0.6
        rows = shown.mask.any(axis=1).astype(int)
        assert 4 <= (np.diff(rows) == 1).sum() <= 8, "loops, one below the other"


def test_clips_are_a_small_cluster_at_the_axilla(pair):
    for index in range(5):
        shown = pair("surgical_clips", None, index, 256)
        sign = 1 if shown.item.finding.side == "left" else -1
        assert (sign * shown.relative_x[shown.mask] > 0.4).all()
        assert shown.mask.mean() < 0.01
