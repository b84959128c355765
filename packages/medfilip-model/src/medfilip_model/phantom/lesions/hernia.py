"""Hiatal hernia: stomach behind the heart."""

import numpy as np

from medfilip_model.phantom.body import TISSUE, Body
from medfilip_model.phantom.grid import Field
from medfilip_model.phantom.lesions.patch import Patch, View, around
from medfilip_model.phantom.planned import Planned


def draw_hernia(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A round shadow behind the heart, just above the diaphragm, with air over a fluid level."""
    strength = item.strength
    grid, patient = body.grid, body.patient
    rx = 0.085 + 0.10 * strength + 0.16 * max(strength - 0.5, 0)
    ry = 0.08 + 0.11 * strength
    x = patient.shift_mediastinum + float(rng.uniform(0.0, 0.07))
    y = float(np.interp(x, grid.axis, body.contours.base)) - (0.72 + 0.1 * strength) * ry
    window = around(body, x, y, 1.25 * rx, 1.25 * ry)
    view = View(
        window,
        grid.crop(window),
        body.air[window],
        body.depth[window],
        body.field[window],
        body.beyond[window],
        body.reach[window],
    )
    u, v = (view.x - x) * (1 / rx), (view.y - y) * (1 / ry)
    q = u * u + v * v
    sac = view.grid.ramp((1 - np.sqrt(q)) * min(rx, ry), 0.012)
    chord = np.sqrt(np.clip(1 - q, 0, 1))
    gas = _gas(view, (x, y), (rx, ry), strength, rng)
    extra = (0.30 + 0.25 * strength) * sac * chord - TISSUE * gas
    return [Patch(window, sac > 0.5, filled=0.85 * sac, extra=extra)]


def _gas(
    view: View,
    centre: tuple[float, float],
    radii: tuple[float, float],
    strength: float,
    rng: np.random.Generator,
) -> Field:
    """Depth of the air in the sac: a bubble if small, over one or two levels if larger."""
    (x, y), (rx, ry) = centre, radii
    if strength < 2 / 3:
        level = y + ry * float(rng.uniform(-0.1, 0.35))
        if strength < 1 / 3 and rng.random() < 0.5:
            level = y + ry
        return _bubble(view, (x, y), (0.95 * rx, 0.95 * ry), level, 0.36 + 0.2 * strength)
    # Two chambers of a stomach that has turned over, each with its own level.
    apart = float(rng.uniform(0.28, 0.42)) * rx
    gas = np.zeros_like(view.x)
    for sign in (-1, 1):
        level = y + ry * float(rng.uniform(-0.25, 0.35))
        chamber = _bubble(view, (x + sign * apart, y), (0.62 * rx, 0.9 * ry), level, 0.5)
        gas = np.maximum(gas, chamber)
    return gas


def _bubble(
    view: View,
    centre: tuple[float, float],
    radii: tuple[float, float],
    level: float,
    depth: float,
) -> Field:
    """Air in an ellipse above a level."""
    u, v = (view.x - centre[0]) * (1 / radii[0]), (view.y - centre[1]) * (1 / radii[1])
    air = np.sqrt(np.clip(1 - u * u - v * v, 0, 1))
    return depth * air * view.grid.ramp(level - view.y, 0.012)
