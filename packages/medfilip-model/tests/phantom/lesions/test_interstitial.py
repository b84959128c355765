import numpy as np


def _reach(shown):
    return (np.abs(shown.x) / shown.patient.half_width)[shown.mask].mean()


def test_mild_fibrosis_lies_at_both_bases(pair):
    for index in range(5):
        shown = pair("pulmonary_fibrosis", "mild", index)
        middle = (shown.patient.apex + shown.patient.dome) / 2
        assert shown.item.finding.region == "base"
        assert np.quantile(shown.y[shown.mask], 0.1) > middle - 0.15


def test_severe_fibrosis_climbs_along_the_edge(pair):
    for index in range(5):
        mild, severe = (pair("pulmonary_fibrosis", s, index) for s in ("mild", "severe"))
        assert severe.y[severe.mask].min() < mild.y[mild.mask].min() - 0.2
        assert severe.mask.sum() > 1.3 * mild.mask.sum()
        upper = severe.mask & (severe.y < -0.1)
        assert (np.abs(severe.x) / severe.patient.half_width)[upper].mean() > 0.6


def test_it_is_a_net_and_no_haze(pair):
    """The change goes up and down over a few pixels, far more than that of an opacity."""
    rough = {}
    for name in ("pulmonary_fibrosis", "lung_opacity"):
        values = []
        for index in range(5):
            shown = pair(name, "severe", index, 256)
            change = shown.image - shown.bare
            core = shown.mask & (np.abs(shown.y + 0.0) < 0.35)
            if core.sum() < 50:
                continue
            steps = np.abs(np.diff(change, axis=1))[core[:, 1:]].mean()
            values.append(steps / np.abs(change[core]).mean())
        rough[name] = np.mean(values)
    assert rough["pulmonary_fibrosis"] > 1.8 * rough["lung_opacity"]


def test_septal_lines_are_part_of_oedema(pair):
    shown = pair("pulmonary_edema", "severe", 0, 256)
    assert shown.mask.any()
