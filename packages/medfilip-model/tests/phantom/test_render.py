"""What every finding does to the film, whatever module draws it."""

import numpy as np
import pytest
from medfilip_model.phantom.drawings import DRAWINGS
from medfilip_model.phantom.effects import EFFECTS
from medfilip_model.phantom.kinds import DEVICES, KINDS, SEVERITIES

_FILMS = 3


def test_the_mask_is_there_and_on_the_right_side(pair, anything):
    for index in range(_FILMS):
        for size in (64, 128) if index == 0 else (64,):
            shown = pair(*anything, index, size)
            assert shown.mask.any()
            if shown.item.finding.category in DEVICES:
                continue  # A lead crosses the midline.
            if shown.item.finding.side in ("left", "right"):
                sign = 1 if shown.item.finding.side == "left" else -1
                film_x = np.nonzero(shown.mask)[1].mean() / size * 2 - 1
                assert sign * film_x > 0.05, "the patient's right is on the image's left"
                middle = shown.patient.shift_mediastinum
                offset = sign * (shown.relative_x[shown.mask] - middle)
                assert np.all(offset > -0.04)
            elif shown.item.finding.side == "bilateral":
                assert (shown.relative_x[shown.mask] > 0.05).any()
                assert (shown.relative_x[shown.mask] < -0.05).any()


def test_the_contrast_has_the_right_sign(pair, anything):
    if anything[0] == "hernia":
        return  # Black air over white fluid: see its own test.
    darker = anything[0] in ("pneumothorax", "emphysema")
    contrasts = [pair(*anything, index).contrast for index in range(_FILMS)]
    signed = -np.array(contrasts) if darker else np.array(contrasts)
    assert signed.min() > 0.004
    assert signed.mean() > 0.02


def test_the_change_is_in_the_mask(pair, level):
    category, severity = level
    if category in EFFECTS and category not in ("pleural_effusion", "pulmonary_edema"):
        return  # These move the anatomy around them too.
    if category == "pneumothorax":
        return  # The lung behind it shrinks.
    ratios = []
    for index in range(_FILMS):
        shown = pair(category, severity, index)
        change = np.abs(shown.image - shown.bare)
        ratios.append(change[shown.mask].mean() / change[~shown.mask].mean())
    assert np.mean(ratios) > 5


@pytest.mark.parametrize("category", SEVERITIES)
def test_a_stronger_finding_in_the_same_place_changes_more(redrawn, category):
    weak, middle, strong = (
        np.mean([redrawn(category, strength, index).strength for index in range(_FILMS)])
        for strength in (0.05, 0.5, 0.95)
    )
    assert weak < middle < strong
    area = [
        np.mean([redrawn(category, strength, index).mask.mean() for index in range(_FILMS)])
        for strength in (0.05, 0.95)
    ]
    assert area[1] > 1.05 * area[0]


def test_contrast_stands_above_the_noise(pair, level):
    """Mean change over the mask against the error of a mean over as many noisy pixels."""
    for index in range(_FILMS):
        shown = pair(*level, index)
        pixels = int(shown.mask.sum())
        sigma = 0.009 * 1.35
        change = np.abs((shown.image - shown.bare)[shown.mask]).mean()
        assert change > 2 * sigma / pixels**0.5


def test_every_category_has_a_drawing():
    assert set(DRAWINGS) == set(KINDS)
