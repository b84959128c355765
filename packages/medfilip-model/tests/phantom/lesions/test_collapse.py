import numpy as np


def test_plates_are_wider_than_high_and_lie_at_the_base(pair):
    for severity in ("mild", "severe"):
        for index in range(5):
            shown = pair("atelectasis", severity, index, 256)
            assert shown.y[shown.mask].mean() > shown.patient.dome - 0.35
            rows = shown.mask.sum(axis=1)
            columns = shown.mask.sum(axis=0)
            assert rows.max() > 1.25 * columns.max()


def test_lost_volume_lifts_the_dome(pair):
    shown = pair("atelectasis", "severe", 1)
    assert max(shown.patient.lift) > 0.06


def test_plates_are_few(pair):
    """Connected by rows: at most three bands a side."""
    shown = pair("atelectasis", "moderate", 3, 256)
    assert 0.001 < np.mean(shown.mask) < 0.03
