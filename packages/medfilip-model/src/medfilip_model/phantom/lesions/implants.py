"""What lies under the skin with a line to the heart: pacemaker, central venous line."""

import numpy as np

from medfilip_model.phantom.anatomy import SIGN
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.lesions.metal import curve, metal
from medfilip_model.phantom.lesions.patch import Patch
from medfilip_model.phantom.planned import Planned


def _pocket(body: Body, sign: float, rng: np.random.Generator) -> tuple[float, float]:
    """Where a box under the skin of the upper chest lies."""
    x = sign * (0.72 * body.patient.half_width + float(rng.uniform(-0.05, 0.05)))
    return x, body.patient.clavicle + float(rng.uniform(0.14, 0.22))


def draw_central_line(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A tube by way of the subclavian vein to the superior vena cava, from a port or bare."""
    patient, canvas = body.patient, Canvas(body.grid)
    sign = SIGN[item.sides[0]]
    collar = patient.clavicle
    port = bool(rng.random() < 0.5)
    if port:
        x, y = _pocket(body, sign, rng)
        start = [(x, y), (sign * 0.42, collar + 0.02)]
    else:
        entry = collar - float(rng.uniform(0.0, 0.06))
        start = [(sign * 0.75, entry - 0.02), (sign * 0.45, entry + 0.05)]
    cava = patient.shift_mediastinum - 0.6 * patient.pedicle
    end = [(cava, collar + 0.16), (cava - 0.01, -0.12)]
    canvas.stroke(*curve(start + end), width=0.016, grey=170)
    if port:
        canvas.disc(*start[0], 0.055, grey=150)
        canvas.disc(*start[0], 0.028, grey=230)
    return metal(canvas, body)


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
    canvas.stroke(*curve(lead), width=0.012, grey=220)
    size = float(rng.uniform(0.065, 0.09))
    canvas.disc(x, y, size, grey=235, squareness=float(rng.uniform(0.55, 0.9)))
    return metal(canvas, body)
