import numpy as np


def test_the_hila_are_fuller_and_the_bases_are_not_hazy(pair):
    for index in range(5):
        shown = pair("vascular_congestion", "severe", index)
        change = shown.image - shown.bare
        x, y = np.abs(shown.relative_x), shown.y
        hila = (x > 0.12) & (x < 0.3) & (np.abs(y + 0.11) < 0.12)
        away = (x > 0.4) & (x < 0.6) & (y > 0.05) & (y < 0.25)
        assert change[hila].mean() > 0.02
        assert np.median(change[away]) < 0.35 * change[hila].mean()


def test_the_upper_vessels_are_wider(pair):
    """More of the upper zones is brighter than before, beyond the noise."""
    for index in range(5):
        shown = pair("vascular_congestion", "severe", index, 256)
        change = shown.image - shown.bare
        assert (change[shown.mask] > 0.02).mean() > 0.25


def test_no_haze_as_in_oedema(pair):
    def filled(name):
        films = [pair(name, "severe", index) for index in range(4)]
        return np.mean([np.clip(f.image - f.bare, 0, None).mean() for f in films])

    assert filled("vascular_congestion") < 0.6 * filled("pulmonary_edema")
