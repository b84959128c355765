"""Old scars that are no class: apical strands, calcified hilar nodes, a healed rib."""

import math

import numpy as np

from medfilip_model.phantom.anatomy import SIGN
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.bones import rib_point
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.lesions.metal import curve
from medfilip_model.phantom.lesions.patch import Patch, around, blob, half, look, spot
from medfilip_model.phantom.planned import Planned


def draw_scarring(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Two to four thin strands at the apex that run towards the hilum."""
    side = item.sides[0]
    canvas = Canvas(body.grid)
    hx, hy = body.hilum(side)
    for _ in range(int(rng.integers(2, 5))):
        x, y = spot(body, side, float(rng.uniform(0.2, 0.7)), float(rng.uniform(0.06, 0.14)))
        share = float(rng.uniform(0.25, 0.5))
        ex, ey = x + share * (hx - x), y + share * (hy - y)
        bow = float(rng.normal(0, 0.02))
        path = [(x, y), ((x + ex) / 2 + bow, (y + ey) / 2), (ex, ey)]
        canvas.stroke(*curve(path), width=float(rng.uniform(0.009, 0.016)), grey=230)
    view = look(body, half(body, side, body.patient.apex - 0.05, hy), side)
    strands = canvas.read()[view.window] * view.field
    return [Patch(view.window, strands > 0.3 * float(strands.max()), extra=0.34 * strands)]


def draw_calcified_nodes(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Three to five chalky lumps of a few millimetres at one hilum."""
    side = item.sides[0]
    hx, hy = body.hilum(side)
    view = look(body, around(body, hx, hy, 0.14, 0.18), side)
    lumps = np.zeros_like(view.x)
    for _ in range(int(rng.integers(3, 6))):
        x = hx + SIGN[side] * float(rng.uniform(-0.03, 0.05))
        y = hy + float(rng.normal(0.02, 0.05))
        size = float(rng.uniform(0.012, 0.022))
        lumps = np.maximum(lumps, blob(view, x, y, size, size * float(rng.uniform(0.7, 1.3)), 2.0))
    return [Patch(view.window, lumps > 0.4, extra=float(rng.uniform(0.6, 0.95)) * lumps)]


def draw_healed_fracture(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A smooth white collar of callus around a rib, no line and no step."""
    side = item.sides[0]
    x, y = rib_point(body, side, int(rng.integers(3, 9)), float(rng.uniform(0.7, 0.93)))
    length = float(rng.uniform(0.026, 0.038))
    height = 0.25 * body.patient.rib_step * float(rng.uniform(1.0, 1.25))
    window = around(body, x, y, 0.16, 0.16)
    grid = body.grid.crop(window)
    slope = math.atan(SIGN[side] * 0.9)
    u = (grid.x - x) * math.cos(slope) + (grid.y - y) * math.sin(slope)
    v = (grid.y - y) * math.cos(slope) - (grid.x - x) * math.sin(slope)
    knob = np.exp(-0.5 * ((u / length) ** 2 + (v / height) ** 2) ** 1.5)
    return [Patch(window, knob > 0.4, extra=float(rng.uniform(0.28, 0.42)) * knob)]
