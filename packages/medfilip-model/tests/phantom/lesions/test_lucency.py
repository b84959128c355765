import numpy as np


def test_the_lungs_are_darker_and_their_vessels_thinner(pair):
    smoother = []
    for index in range(5):
        shown = pair("emphysema", "severe", index, 256)
        assert shown.contrast < -0.03
        texture = []
        for film in (shown.image, shown.bare):
            core = shown.mask & (np.abs(shown.relative_x) < 0.4)
            texture.append(np.abs(np.diff(film, axis=1))[core[:, 1:]].mean())
        smoother.append(texture[0] / texture[1])
    assert np.mean(smoother) < 0.95


def test_upper_emphysema_lies_in_the_upper_zones(pair):
    for index in range(4):
        shown = pair("emphysema", "mild", index, 128)
        assert shown.item.finding.region == "upper"
        middle = (shown.patient.apex + shown.patient.dome) / 2
        assert shown.y[shown.mask].mean() < middle


def test_it_is_on_both_sides_alike(pair):
    for index in range(4):
        shown = pair("emphysema", "moderate", index)
        left = (shown.mask & (shown.relative_x > 0)).sum()
        right = (shown.mask & (shown.relative_x < 0)).sum()
        assert 0.4 < left / right < 2.5
