import numpy as np

_BANDS = {"small": (30, 62), "moderate": (48, 84), "large": (66, 112)}
_ZONES = {"upper": (-1.0, -0.05), "mid": (-0.35, 0.2), "lower": (-0.1, 0.6)}


def test_a_mass_is_as_large_as_said_and_larger_than_any_nodule(pair):
    sizes = []
    for severity, (low, high) in _BANDS.items():
        for index in range(4):
            shown = pair("mass", severity, index, 256)
            pixel = 2 / (256 * shown.patient.scale)
            millimetres = 2 * (shown.mask.sum() * pixel**2 / np.pi) ** 0.5 * 190
            # A lung cuts off what reaches heart or wall.
            assert 0.7 * low < millimetres < high
            sizes.append(millimetres)
    nodule = pair("nodule", "large", 0, 256)
    assert nodule.mask.sum() < min(pair("mass", "small", i, 256).mask.sum() for i in range(4))


def test_it_is_round_and_lies_in_its_zone(pair):
    for severity in _BANDS:
        for index in range(4):
            shown = pair("mass", severity, index, 256)
            height, width = (np.ptp(axis) + 1 for axis in np.nonzero(shown.mask))
            assert 0.5 < height / width < 2
            assert shown.mask.sum() > 0.4 * height * width
            low, high = _ZONES[shown.item.finding.region]
            assert low < shown.y[shown.mask].mean() < high


def test_it_hides_the_vessels_behind_it(pair):
    """Inside, what is left of the lung's own texture is fainter than it was."""
    fainter = 0
    for index in range(6):
        shown = pair("mass", "large", index, 256)
        core = shown.mask.copy()
        for step in (8, -8):
            core &= np.roll(shown.mask, step, 0) & np.roll(shown.mask, step, 1)
        rough = [np.abs(np.diff(f, axis=0))[core[1:]].mean() for f in (shown.image, shown.bare)]
        fainter += rough[0] < rough[1]
    assert fainter >= 4


def test_solid_against_hazy(pair):
    solid = np.mean([pair("mass", "moderate", index).contrast for index in range(6)])
    hazy = np.mean([pair("lung_opacity", "moderate", index).contrast for index in range(6)])
    assert solid > 1.3 * hazy
