import numpy as np


def test_the_meniscus_climbs_along_the_wall(pair):
    rises = []
    for index in range(8):
        shown = pair("pleural_effusion", "moderate", index)
        for sign in (-1, 1):
            side = shown.mask & (sign * shown.relative_x > 0.05)
            if shown.item.finding.side not in ("bilateral", "left" if sign > 0 else "right"):
                continue
            x = sign * shown.relative_x
            wall = shown.patient.half_width
            outer = side & (x > 0.88 * wall) & (x < 0.97 * wall)
            inner = side & (x > 0.55 * wall) & (x < 0.7 * wall)
            rises.append(shown.y[inner].min() - shown.y[outer].min())
    assert np.mean(rises) > 0.05


def test_fluid_lies_at_the_bottom(pair):
    for index in range(5):
        shown = pair("pleural_effusion", "trace", index)
        assert shown.y[shown.mask].mean() > shown.patient.dome


def test_a_pneumothorax_lies_along_the_wall_and_reaches_the_apex(pair):
    for severity in ("small", "moderate"):
        for index in range(5):
            shown = pair("pneumothorax", severity, index)
            assert shown.y[shown.mask].min() < shown.patient.apex + 0.08
            outer = np.interp(shown.y, np.linspace(-1.9, 1.9, 2048), shown.contours.outer[0])
            assert np.median((np.abs(shown.x) / outer)[shown.mask]) > 0.7


def test_the_pleural_line_is_whiter_than_the_lung_behind_it(pair):
    whiter = []
    for index in range(5):
        shown = pair("pneumothorax", "moderate", index, 256)
        change = shown.image - shown.bare
        sign = 1 if shown.item.finding.side == "left" else -1

        def behind(pixels, mask=shown.mask, sign=sign):
            """Pixels up to so far medial of the free space."""
            grown = [np.roll(mask, -sign * step, axis=1) for step in range(pixels + 1)]
            return np.any(grown, axis=0) & ~mask

        middle = np.abs(shown.y + 0.3) < 0.15
        line = change[behind(2) & middle].mean()
        lung = change[behind(12) & ~behind(6) & middle].mean()
        whiter.append(line - lung)
        assert change[shown.mask].mean() < -0.02
    assert min(whiter) > 0
    assert np.mean(whiter) > 0.012


def test_there_are_no_vessels_beyond_the_line(pair):
    """The free space is smoother than the lung that was there."""
    smoother = 0
    for index in range(6):
        shown = pair("pneumothorax", "large", index, 256)
        core = shown.mask & np.roll(shown.mask, 6, 1) & np.roll(shown.mask, -6, 1)
        vertical = [
            np.abs(np.diff(film, axis=1))[core[:, 1:]].mean() for film in (shown.image, shown.bare)
        ]
        smoother += vertical[0] < vertical[1]
    assert smoother >= 5
