import numpy as np
import pytest

_ZONES = {
    "upper": (-1.0, -0.05),
    "upper_lobe": (-1.0, 0.05),
    "lower_lobe": (0.0, 0.8),
    "lower": (-0.05, 0.6),
}


@pytest.mark.parametrize("category", ["lung_opacity", "consolidation", "pneumonia", "nodule"])
def test_the_region_is_where_it_says(pair, category):
    seen = set()
    for severity in ("severe", "large") if category != "nodule" else ("large", "small"):
        if category != "nodule" and severity == "large":
            continue
        for index in range(8):
            shown = pair(category, severity, index)
            region = shown.item.finding.region
            if region in _ZONES:
                seen.add(region)
                low, high = _ZONES[region]
                assert low < shown.y[shown.mask].mean() < high
    assert len(seen) >= 2


def test_consolidation_is_denser_than_an_opacity(pair):
    dense, hazy = (
        np.mean([pair(name, "moderate", index).contrast for index in range(8)])
        for name in ("consolidation", "lung_opacity")
    )
    assert dense > 1.3 * hazy


def test_a_fissure_cuts_consolidation_sharply(pair):
    """The upper border of a middle lobe is steeper than its lower one."""
    steep = []
    for index in range(24):
        shown = pair("consolidation", "severe", index, 64)
        if shown.item.finding.region != "middle_lobe":
            continue
        shown = pair("consolidation", "severe", index, 256)
        change = shown.image - shown.bare
        column = np.nonzero(shown.mask.sum(axis=0) == shown.mask.sum(axis=0).max())[0][0]
        steps = np.diff(change[:, column - 2 : column + 3].mean(axis=1))
        steep.append(steps.max() > 1.2 * -steps.min())
    assert len(steep) >= 2
    assert np.mean(steep) > 0.6


def test_pneumonia_is_patchier_than_an_opacity(pair):
    """Relative spread of the change inside the mask."""
    spread = {
        name: np.mean(
            [
                (change := shown.image - shown.bare)[shown.mask].std() / change[shown.mask].mean()
                for shown in (pair(name, "severe", index) for index in range(8))
            ]
        )
        for name in ("pneumonia", "consolidation")
    }
    assert spread["pneumonia"] > spread["consolidation"]
