"""What every finding does to the film, whatever module draws it."""

import numpy as np
from medfilip_model.phantom.planned import SEVERITIES
from medfilip_model.phantom.render import DRAWINGS

_FILMS = 3


def test_the_mask_is_there_and_on_the_right_side(pair, anything):
    for index in range(_FILMS):
        for size in (64, 128) if index == 0 else (64,):
            shown = pair(*anything, index, size)
            assert shown.mask.any()
            if shown.item.finding.category in ("pacemaker", "central_line"):
                continue
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
    darker = anything[0] == "pneumothorax"
    contrasts = [pair(*anything, index).contrast for index in range(_FILMS)]
    signed = -np.array(contrasts) if darker else np.array(contrasts)
    assert signed.min() > 0.004
    assert signed.mean() > 0.02


def test_the_change_is_in_the_mask(pair, level):
    category, severity = level
    if category in ("cardiomegaly", "atelectasis", "pneumothorax"):
        return  # These move the anatomy around them too.
    ratios = []
    for index in range(_FILMS):
        shown = pair(category, severity, index)
        change = np.abs(shown.image - shown.bare)
        ratios.append(change[shown.mask].mean() / change[~shown.mask].mean())
    assert np.mean(ratios) > 5


def test_severity_grows_the_mask_or_the_contrast(pair):
    for category, levels in SEVERITIES.items():
        weight = []
        for severity in levels:
            films = [pair(category, severity, index) for index in range(_FILMS)]
            weight.append(np.mean([abs(film.contrast) * film.mask.mean() ** 0.5 for film in films]))
        assert weight == sorted(weight), category
        area = [
            np.mean([pair(category, level, index).mask.mean() for index in range(_FILMS)])
            for level in (levels[0], levels[-1])
        ]
        assert area[1] > 1.1 * area[0], category


def test_contrast_stands_above_the_noise(pair, level):
    """Mean change over the mask against the error of a mean over as many noisy pixels."""
    for index in range(_FILMS):
        shown = pair(*level, index)
        pixels = int(shown.mask.sum())
        sigma = 0.009 * 1.35
        assert abs(shown.contrast) > 2 * sigma / pixels**0.5


def test_every_category_has_a_drawing():
    assert set(SEVERITIES) < set(DRAWINGS)
