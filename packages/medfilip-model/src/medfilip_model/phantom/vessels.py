"""Pulmonary vessels that branch and taper from the hila, and the airway."""

import math

import numpy as np
from jaxtyping import Float

from medfilip_model.phantom.anatomy import SIDES, SIGN
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.grid import Field, smoothstep

CARINA = -0.27
"""y of the fork of the trachea."""
_LEVELS = 4
_STEPS = 4
_FAN = np.radians([8.0, 25, 45, 70, 95, 115, 132, 148, 166])
"""Directions of the first branches from straight up, turning outwards."""
_LENGTH = np.array([0.19, 0.19, 0.18, 0.17, 0.19, 0.22, 0.24, 0.25, 0.22])
_RADIUS = np.array([11, 10, 9, 8, 9, 10, 12, 14, 15]) * 1e-3
_SIDE = np.repeat(np.array(SIGN), len(_FAN))

Branches = Float[np.ndarray, " B"]


def _grow(
    rng: np.random.Generator, x: Branches, y: Branches, angle: Branches, length: Branches
) -> tuple[Float[np.ndarray, "B P"], Float[np.ndarray, "B P"], Branches]:
    """Gently bending polylines of one generation, and the angles they end at."""
    heading = angle[:, None] + rng.normal(0, 0.2, (len(x), _STEPS)).cumsum(axis=1)
    step = (length / _STEPS)[:, None]
    start = np.zeros((len(x), 1))
    xs = x[:, None] + np.concatenate([start, np.cumsum(np.cos(heading) * step, axis=1)], axis=1)
    ys = y[:, None] + np.concatenate([start, np.cumsum(np.sin(heading) * step, axis=1)], axis=1)
    return xs, ys, heading[:, -1]


def _stems(
    body: Body, rng: np.random.Generator
) -> tuple[Branches, Branches, Branches, Branches, Branches]:
    """First branches of both lungs: x, y, angle, length, radius."""
    patient = body.patient
    hila = np.array([body.hilum(side) for side in SIDES])
    count = len(_SIDE)
    fan = np.tile(_FAN, 2) + rng.normal(0, 0.09, count)
    upper = np.clip((math.pi / 2 - fan) / 0.6, -1, 1)
    room = np.where(upper < 0, (patient.dome - hila[:, 1].repeat(len(_FAN))) / 0.5, 1.0)
    length = np.tile(_LENGTH, 2) * room * rng.normal(1, 0.12, count)
    swell = 1 + patient.redistribution * np.where(upper > 0, 0.9, 0.25) * np.abs(upper)
    radius = np.tile(_RADIUS, 2) * patient.vessels * swell
    x = hila[:, 0].repeat(len(_FAN)) + rng.normal(0, 0.015, count)
    y = hila[:, 1].repeat(len(_FAN)) + np.tile(np.linspace(-0.08, 0.12, len(_FAN)), 2)
    return x, y, _SIDE * fan - math.pi / 2, length, radius


def pulmonary_vessels(body: Body, rng: np.random.Generator) -> Field:
    """Optical thickness of vessels and hila, as if all of the lung were aerated."""
    x, y, angle, length, radius = _stems(body, rng)
    generations: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for _ in range(_LEVELS):
        xs, ys, angle = _grow(rng, x, y, angle, length)
        generations.append((xs, ys, radius))
        split, share = rng.uniform(0.35, 0.95, len(x)), rng.uniform(0.3, 0.7, len(x))
        x, y = xs[:, -1].repeat(2), ys[:, -1].repeat(2)
        turn = np.stack([-split * (1 - share), split * share], axis=1).ravel()
        angle = angle.repeat(2) + turn
        length = length.repeat(2) * rng.uniform(0.6, 0.95, len(x))
        radius = radius.repeat(2) * rng.uniform(0.55, 0.82, len(x))
    canvas = Canvas(body.grid)
    # Thick vessels last, so that thin ones do not cut them.
    for xs, ys, radii in reversed(generations):
        canvas.strokes(xs, ys, width=2 * radii, grey=255 * np.minimum(radii / 0.014, 1))
    out = 0.32 * canvas.read()
    for side in SIDES:
        _add_hilum(out, body, side, rng)
    return out


def _add_hilum(out: Field, body: Body, side: int, rng: np.random.Generator) -> None:
    """The root of a lung: overlapping vessels and nodes, densest at the mediastinum."""
    hx, hy = body.hilum(side)
    x0 = hx - SIGN[side] * 0.02
    box = body.grid.window(x0 - 0.2, x0 + 0.2, hy - 0.28, hy + 0.32)
    strength = float(rng.uniform(0.22, 0.4)) * body.patient.vessels
    u = (body.grid.x[box] - x0) * (1 / 0.055)
    v = (body.grid.y[box] - hy - 0.02) * (1 / 0.1)
    out[box] += strength * np.exp(-0.5 * (u * u + v * v))


def _airway_bore(axis: Float[np.ndarray, " T"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tables over y: distance of the tube from the midline, its half width, how clear it shows.

    Below the carina the two main bronchi leave the midline at about 40 degrees.
    """
    carina = CARINA
    apart = np.maximum(axis - carina, 0) * 0.85
    width = 0.031 - 0.006 * smoothstep((axis - carina) / 0.1)
    shown = smoothstep((axis + 1.15) / 0.2) * (1 - smoothstep((axis + 0.22) / 0.1))
    return apart, width, shown


def airway(body: Body) -> Field:
    """Air in trachea and main bronchi, a lucency over the spine."""
    out = np.zeros_like(body.grid.x)
    box = body.grid.window(-0.3, 0.3, -1.2, 0.0)
    view = body.grid.crop(box)
    apart, width, shown = _airway_bore(view.axis)
    off = np.abs(view.x - view.by_y(body.contours.midline) - 0.01 * body.patient.rotation)
    tube = view.ramp(view.by_y(width) - np.abs(off - view.by_y(apart)), 0.016)
    out[box] = 0.11 * tube * view.by_y(shown)
    return out
