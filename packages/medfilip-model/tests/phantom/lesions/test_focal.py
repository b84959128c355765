import numpy as np


def test_a_nodule_is_round_and_as_large_as_said(pair):
    for severity, (low, high) in {"small": (5, 14), "large": (21, 31)}.items():
        for index in range(4):
            shown = pair("nodule", severity, index, 256)
            pixel = 2 / (256 * shown.patient.scale)
            height, width = (np.ptp(axis) * pixel + pixel for axis in np.nonzero(shown.mask))
            assert 0.6 < height / width < 1.6
            area = shown.mask.sum() * pixel**2
            millimetres = 2 * (area / np.pi) ** 0.5 * 190
            assert low - 1 < millimetres < high + 1
            assert area / (np.pi / 4 * height * width) > 0.78, "fills its ellipse"


def test_a_granuloma_is_smaller_and_brighter_than_a_nodule_of_its_size(pair):
    dots = [pair("granuloma", None, index, 256) for index in range(4)]
    balls = [pair("nodule", "small", index, 256) for index in range(4)]
    assert np.mean([d.mask.sum() for d in dots]) < np.mean([b.mask.sum() for b in balls])
    assert np.mean([d.contrast for d in dots]) > np.mean([b.contrast for b in balls])
