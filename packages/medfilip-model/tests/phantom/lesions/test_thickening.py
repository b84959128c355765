import numpy as np


def _region(pair, region, severity, count=3):
    found = []
    for index in range(30):
        shown = pair("pleural_thickening", severity, index, 64)
        if shown.item.finding.region == region:
            found.append(pair("pleural_thickening", severity, index, 128))
        if len(found) == count:
            return found
    raise AssertionError(region)


def test_a_cap_lies_at_the_apex(pair):
    for severity in ("mild", "severe"):
        for shown in _region(pair, "apex", severity):
            assert shown.y[shown.mask].max() < shown.patient.apex + 0.5
            assert shown.y[shown.mask].min() < shown.patient.apex + 0.12


def test_a_rind_lies_along_the_wall(pair):
    for severity in ("mild", "moderate", "severe"):
        for shown in _region(pair, "peripheral", severity):
            outer = np.interp(shown.y, np.linspace(-1.9, 1.9, 2048), shown.contours.outer[0])
            inset = (outer - np.abs(shown.x))[shown.mask]
            assert np.quantile(inset, 0.9) < 0.22
            assert np.median(inset) < 0.12
            rows = shown.mask.any(axis=1).sum()
            assert rows > 0.15 * shown.mask.shape[0], "it runs far"


def test_its_inner_edge_has_no_meniscus(pair):
    """As thick in the middle of its height as fluid is not: fluid thins out upwards."""
    for shown in _region(pair, "peripheral", "severe"):
        rows = shown.mask.sum(axis=1)
        used = np.nonzero(rows)[0]
        middle = rows[used[0] + len(used) // 4 : used[0] + 3 * len(used) // 4]
        assert middle.min() >= 0.3 * middle.max()
