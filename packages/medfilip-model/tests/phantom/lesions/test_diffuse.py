import numpy as np


def _mean_reach(shown):
    """Mean distance from the midline over the half width, weighted by the change."""
    change = np.clip(shown.image - shown.bare, 0, None) * shown.mask
    return (np.abs(shown.x) * change).sum() / change.sum() / shown.patient.half_width


def test_oedema_is_central_and_covid_peripheral(pair):
    for index in range(5):
        wings, patches = (pair(name, "moderate", index) for name in ("pulmonary_edema", "covid19"))
        assert _mean_reach(wings) < 0.55
        assert _mean_reach(patches) > 0.62


def test_covid_lies_low(pair):
    for index in range(5):
        shown = pair("covid19", "moderate", index)
        middle = (shown.patient.apex + shown.patient.dome) / 2
        assert shown.y[shown.mask].mean() > middle


def test_oedema_widens_the_upper_vessels(pair):
    assert pair("pulmonary_edema", "severe", 0).patient.redistribution > 0.7
    assert pair("covid19", "severe", 0).patient.redistribution == 0
