import numpy as np


def test_the_mask_gives_the_cardiothoracic_ratio(pair):
    bands = {"mild": (0.53, 0.60), "moderate": (0.58, 0.66), "severe": (0.635, 0.71)}
    for severity, (low, high) in bands.items():
        for index in range(5):
            shown = pair("cardiomegaly", severity, index, 256)
            x = shown.x[shown.mask]
            ratio = np.ptp(x) / (2 * shown.patient.half_width)
            assert low < ratio < high


def test_more_of_the_heart_is_left_of_the_midline(pair):
    for index in range(5):
        shown = pair("cardiomegaly", "moderate", index)
        assert shown.relative_x[shown.mask].mean() > 0.02
