import numpy as np
from medfilip_model.phantom.vessels import CARINA


def test_the_breathing_tube_ends_above_the_carina(pair):
    for index in range(5):
        shown = pair("endotracheal_tube", None, index, 256)
        assert shown.y[shown.mask].max() < CARINA - 0.1
        assert np.abs(shown.relative_x[shown.mask]).max() < 0.12


def test_the_feeding_tube_passes_the_diaphragm_and_turns_left(pair):
    for index in range(5):
        shown = pair("enteric_tube", None, index, 256)
        y = shown.y[shown.mask]
        assert y.max() > shown.patient.dome + 0.1
        end = shown.relative_x[shown.mask & (shown.y > y.max() - 0.03)]
        assert end.mean() > 0.15
        chest = shown.mask & (np.abs(shown.y) < 0.2)
        assert np.abs(shown.relative_x[chest]).max() < 0.15
