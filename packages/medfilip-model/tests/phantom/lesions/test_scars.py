import numpy as np


def test_scars_lie_at_the_apex(pair):
    for index in range(5):
        shown = pair("scarring", None, index, 256)
        middle = (shown.patient.apex + shown.patient.dome) / 2
        assert shown.y[shown.mask].mean() < middle - 0.1
        assert shown.mask.mean() < 0.03, "strands, no cloud"


def test_nodes_lie_at_the_hilum_and_are_bright(pair):
    for index in range(5):
        shown = pair("granulomatous_disease", None, index, 256)
        assert (np.abs(shown.relative_x[shown.mask]) < 0.36).all()
        assert abs(shown.y[shown.mask].mean() + 0.1) < 0.12
        assert shown.contrast > 0.05


def test_callus_is_one_knob_at_the_side(pair):
    for index in range(5):
        shown = pair("healed_fracture", None, index, 256)
        height, width = (np.ptp(axis) + 1 for axis in np.nonzero(shown.mask))
        assert max(height, width) < 0.09 * 256
        assert (np.abs(shown.x[shown.mask]) > 0.35 * shown.patient.half_width).all()
        change = shown.image - shown.bare
        assert change[shown.mask].min() > -0.01, "no gap"
