import numpy as np


def _all(pair):
    for severity in ("small", "moderate", "large"):
        for index in range(4):
            yield pair("hernia", severity, index, 256)


def test_it_lies_in_the_midline_just_above_the_diaphragm(pair):
    for shown in _all(pair):
        assert abs(shown.relative_x[shown.mask].mean()) < 0.12
        y = shown.y[shown.mask]
        assert -0.15 < shown.patient.dome + 0.05 - y.mean() < 0.35
        assert y.min() > -0.1


def test_black_air_lies_over_white_fluid(pair):
    for index in range(5):
        shown = pair("hernia", "moderate", index, 256)
        change = shown.image - shown.bare
        y = shown.y[shown.mask]
        middle = (y.min() + y.max()) / 2
        core = shown.mask & (np.abs(shown.x - shown.x[shown.mask].mean()) < 0.05)
        upper = change[core & (shown.y < middle - 0.02)]
        lower = change[core & (shown.y > middle + 0.06)]
        assert upper.mean() < -0.015
        assert lower.mean() > upper.mean() + 0.03


def test_the_level_is_flat(pair):
    """The steepest step of the change, column by column, lies at one height."""
    for index in range(5):
        shown = pair("hernia", "moderate", index, 256)
        rows, columns = np.nonzero(shown.mask)
        left, right = np.quantile(columns, [0.4, 0.6]).astype(int)
        steps = np.diff((shown.image - shown.bare)[rows.min() + 3 : rows.max() - 3], axis=0)
        heights = steps[:, left:right].argmax(axis=0)
        assert np.ptp(heights) <= 4
