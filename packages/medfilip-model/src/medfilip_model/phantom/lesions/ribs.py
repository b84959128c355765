"""Broken ribs."""

import numpy as np

from medfilip_model.phantom.body import Body
from medfilip_model.phantom.bones import rib_number, rib_point
from medfilip_model.phantom.grid import Field, Grid
from medfilip_model.phantom.lesions.patch import Patch, half
from medfilip_model.phantom.planned import Planned

_HIGHEST, _LOWEST = 3, 8
"""Ribs that break at the side: the upper ones are covered, the lower ones float."""


def _count(strength: float, rng: np.random.Generator) -> int:
    """One rib, a few neighbours, a row."""
    if strength < 1 / 3:
        return 1
    return int(rng.integers(2, 4)) if strength < 2 / 3 else int(rng.integers(4, 6))


def draw_rib_fracture(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A dark gap across a rib at the side and a step where its outer piece has slipped.

    Blood between rib and pleura bulges into the lung beside it, more with the severity; the ends
    that override each other are bright.
    """
    side, strength = item.sides[0], item.strength
    patient = body.patient
    count = _count(strength, rng)
    first = int(rng.integers(_HIGHEST, _LOWEST + 2 - count))
    reach = float(rng.uniform(0.62, 0.88))
    sign = float(rng.choice((-1, 1)))
    sites = [
        rib_point(body, side, first + k, float(np.clip(reach + rng.normal(0, 0.05), 0.62, 0.94)))
        for k in range(count)
    ]
    ys = [y for _, y in sites]
    window = half(body, side, min(ys) - 0.25, max(ys) + 0.25)
    grid, number = body.grid.crop(window), rib_number(body, window)
    beyond = body.beyond[window]
    bent, broken = np.zeros_like(number), np.zeros_like(number)
    ends, seen = np.zeros_like(number), np.zeros_like(number, dtype=bool)
    for k, (x, y) in enumerate(sites):
        own = np.abs(number - (first + k)) < 0.5
        slant = float(rng.uniform(-0.5, 0.5))
        out = (np.abs(grid.x) - abs(x)) - slant * (grid.y - y)
        step = sign * patient.rib_step * (0.20 + 0.32 * strength) * float(rng.uniform(0.8, 1.2))
        bent += own * _slip(out, step)
        width = 0.020 + 0.016 * strength
        broken = np.maximum(broken, own * np.exp(-((out / width) ** 4)))
        ends = np.maximum(ends, _ends(grid, x, y, step, width))
        seen |= (grid.x - x) ** 2 + (grid.y - y) ** 2 < 0.05**2
    bulge = (0.07 + 0.06 * strength) * _swelling(grid, ys)
    blood = grid.ramp(bulge - np.maximum(beyond, 0), 0.03) * (beyond > -0.02)
    seen |= blood > 0.5
    extra = (0.48 + 0.22 * strength) * blood + 0.42 * patient.bone * ends
    return [Patch(window, seen, extra=extra, bent=bent, broken=0.9 * broken)]


def _ends(grid: Grid, x: float, y: float, step: float, width: float) -> Field:
    """The two ends, turned towards the beam and so brighter, above and below one another."""
    u = (np.abs(grid.x) - abs(x)) * (1 / 0.026)
    outer, inner = (grid.y - y - step) * (1 / 0.016), (grid.y - y + 0.35 * step) * (1 / 0.016)
    gap = 1.3 * width / 0.026
    return np.maximum(
        np.exp(-0.5 * ((u - gap) ** 2 + outer**2)), np.exp(-0.5 * ((u + gap) ** 2 + inner**2))
    )


def _swelling(grid: Grid, heights: list[float]) -> Field:
    """Blood under all breaks as one lens, 1 beside a break."""
    clear = np.ones_like(grid.y)
    for y in heights:
        clear *= 1 - np.exp(-(((grid.y - y) / 0.10) ** 2))
    return 1 - clear


def _slip(out: Field, step: float) -> Field:
    """Displacement along a broken rib: full at the break's outer edge, lost towards the wall."""
    outer = np.exp(-np.maximum(out, 0) * (1 / 0.14)) * (out >= 0)
    inner = -0.35 * np.exp(np.minimum(out, 0) * (1 / 0.06)) * (out < 0)
    return step * (outer + inner)
