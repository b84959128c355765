"""Things on or in the body that are no disease: pacemaker, central line; and skin folds."""

import math

import numpy as np

from medfilip_model.phantom.anatomy import LEFT, SIGN
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.grid import Field
from medfilip_model.phantom.lesions.patch import Patch
from medfilip_model.phantom.planned import Planned


def _curve(points: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """A smooth path through control points (Catmull-Rom)."""
    p = np.array([points[0], *points, points[-1]])
    t = np.linspace(0, 1, 9)[:, None]
    pieces: list[np.ndarray] = []
    for i in range(len(points) - 1):
        a, b, c, d = p[i : i + 4]
        pieces.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    path = np.concatenate(pieces)
    return path[:, 0], path[:, 1]


def _pocket(body: Body, sign: float, rng: np.random.Generator) -> tuple[float, float]:
    """Where a box under the skin of the upper chest lies."""
    x = sign * (0.72 * body.patient.half_width + float(rng.uniform(-0.05, 0.05)))
    return x, body.patient.clavicle + float(rng.uniform(0.14, 0.22))


def _patch(canvas: Canvas, body: Body) -> list[Patch]:
    shape = canvas.read()
    whole = (slice(0, body.grid.size), slice(0, body.grid.size))
    return [Patch(whole, shape > 0.3 * float(shape.max()), extra=1.1 * shape)]


def draw_central_line(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A tube by way of the subclavian vein to the superior vena cava, from a port or bare."""
    patient, canvas = body.patient, Canvas(body.grid)
    sign = SIGN[item.sides[0]]
    collar = patient.clavicle
    if item.port:
        x, y = _pocket(body, sign, rng)
        start = [(x, y), (sign * 0.42, collar + 0.02)]
    else:
        entry = collar - float(rng.uniform(0.0, 0.06))
        start = [(sign * 0.75, entry - 0.02), (sign * 0.45, entry + 0.05)]
    cava = patient.shift_mediastinum - 0.6 * patient.pedicle
    end = [(cava, collar + 0.16), (cava - 0.01, -0.12)]
    canvas.stroke(*_curve(start + end), width=0.016, grey=170)
    if item.port:
        canvas.disc(*start[0], 0.055, grey=150)
        canvas.disc(*start[0], 0.028, grey=230)
    return _patch(canvas, body)


def draw_pacemaker(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A metal box with a lead that ends in the heart."""
    patient, canvas = body.patient, Canvas(body.grid)
    sign = SIGN[item.sides[0]]
    x, y = _pocket(body, sign, rng)
    cava = patient.shift_mediastinum - 0.5 * patient.pedicle
    lead = [
        (x - sign * 0.04, y),
        (sign * 0.4, patient.clavicle + 0.02),
        (cava, patient.clavicle + 0.2),
        (cava - 0.02, 0.0),
        (patient.shift_mediastinum + 0.15, patient.dome - 0.08),
    ]
    canvas.stroke(*_curve(lead), width=0.012, grey=220)
    size = float(rng.uniform(0.065, 0.09))
    canvas.disc(x, y, size, grey=235, squareness=float(rng.uniform(0.55, 0.9)))
    return _patch(canvas, body)


def skin_fold(body: Body, rng: np.random.Generator) -> Field:
    """A fold of skin: an edge that fades to one side, and no line; no finding."""
    grid = body.grid
    sign = SIGN[LEFT] if rng.random() < 0.5 else -SIGN[LEFT]
    angle = float(rng.normal(0.0, 0.22))
    place = sign * float(rng.uniform(0.42, 0.68))
    off = sign * (grid.x - place - math.tan(angle) * (grid.y - 0.1))
    along = np.exp(-(((grid.y - float(rng.uniform(-0.1, 0.4))) / 0.45) ** 4))
    return (
        float(rng.uniform(0.06, 0.15))
        * along
        * grid.ramp(-off, 0.012)
        * np.exp(np.minimum(off, 0) * (1 / 0.09))
    )
