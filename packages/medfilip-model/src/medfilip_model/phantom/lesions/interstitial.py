"""The framework of the lung: fibrosis, and the septal lines of oedema and congestion."""

import numpy as np

from medfilip_model.phantom.anatomy import SIDES, SIGN, dome_y
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.grid import Field, noise, smoothstep
from medfilip_model.phantom.lesions.patch import Patch, half, look
from medfilip_model.phantom.planned import Planned


def kerley(body: Body, strength: float, rng: np.random.Generator) -> Field:
    """Kerley B: short horizontal lines that start at the pleura of the lower zones."""
    grid = body.grid
    canvas = Canvas(grid)
    for side in SIDES:
        sign = SIGN[side]
        for step in range(4 + int(4 * strength)):
            y = body.patient.dome + 0.10 - 0.036 * step + float(rng.normal(0, 0.004))
            wall = float(np.interp(y, grid.axis, body.contours.outer[side])) - 0.012
            length = float(rng.uniform(0.05, 0.1))
            ends = sign * np.array([wall, wall - length])
            canvas.stroke(ends, y + np.array([0.0, -0.006]), width=0.007, grey=210)
    return canvas.read()


def _network(body: Body, rng: np.random.Generator) -> Field:
    """Lines around small cysts: where smooth noise crosses nought it draws a net."""
    size = body.grid.size
    coarse, fine = noise(rng, 50, size), noise(rng, 78, size)
    return np.maximum(np.exp(-((coarse / 0.26) ** 2)), 0.8 * np.exp(-((fine / 0.28) ** 2)))


def draw_fibrosis(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A coarse net at the edge and base of both lungs, honeycomb where it is far advanced.

    The small volume comes from the patient (see `deform`); lines against the heart and the domes
    make their outlines shaggy.
    """
    strength = item.strength
    net = _network(body, rng)
    patches: list[Patch] = []
    for side in SIDES:
        top, floor = body.patient.apex, dome_y(body.patient, side)
        view = look(body, half(body, side, top, body.patient.dome + 0.35), side)
        height = (floor - view.y) * (1 / (floor - top))
        low = 1 - smoothstep((height - 0.08 - 0.22 * strength) / 0.3)
        edge = smoothstep((view.reach - 0.62) / 0.3)
        up = smoothstep(np.array([(strength - 0.35) / 0.6])).item()
        share = np.maximum(low * (0.45 + 0.55 * edge), up * edge) * view.field
        extra = (0.24 + 0.26 * strength) * net[view.window] * share
        haze = (0.12 + 0.14 * strength) * share
        patches.append(
            Patch(view.window, share > 0.35 * float(share.max()), filled=haze, extra=extra)
        )
    return patches
