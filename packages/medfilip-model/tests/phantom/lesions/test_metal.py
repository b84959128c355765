import numpy as np
import pytest
from medfilip_model.phantom.lesions.metal import curve


def test_a_curve_passes_through_its_points_in_order():
    points = [(0.0, 0.0), (0.2, 0.1), (0.3, 0.5), (-0.1, 0.9)]
    x, y = curve(points)
    at = [int(np.argmin((x - px) ** 2 + (y - py) ** 2)) for px, py in points]
    assert at == sorted(at)
    for place, point in zip(at, points, strict=True):
        assert (x[place], y[place]) == pytest.approx(point, abs=1e-9)


def test_a_straight_path_stays_straight():
    x, y = curve([(0.0, 0.0), (0.1, 0.2), (0.2, 0.4)])
    np.testing.assert_allclose(y, 2 * x, atol=1e-12)


def test_the_mask_leaves_faint_rims_out(pair):
    for name in ("pacemaker", "enteric_tube"):
        shown = pair(name, None, 0, 256)
        change = shown.image - shown.bare
        assert change[shown.mask].mean() > 6 * np.abs(change[~shown.mask]).mean()
