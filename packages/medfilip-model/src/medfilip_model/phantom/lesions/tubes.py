"""Tubes in the midline: endotracheal and enteric."""

import numpy as np

from medfilip_model.phantom.body import Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.lesions.metal import curve, metal
from medfilip_model.phantom.lesions.patch import Patch
from medfilip_model.phantom.planned import Planned
from medfilip_model.phantom.vessels import CARINA


def _midline(body: Body, y: float) -> float:
    return float(np.interp(y, body.grid.axis, body.contours.midline))


def draw_endotracheal_tube(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A wide faint tube with a bright stripe from the neck to a little above the carina."""
    canvas = Canvas(body.grid)
    # 3-6 cm above the carina; a patient unit is about 19 cm.
    end = CARINA - float(rng.uniform(0.16, 0.3))
    y = np.linspace(-1.3, end, 6)
    x = np.array([_midline(body, float(height)) for height in y])
    side = float(rng.choice((-1, 1)))
    canvas.stroke(x, y, width=0.044, grey=55)
    canvas.stroke(x + side * 0.013, y, width=0.012, grey=235)
    return metal(canvas, body)


def draw_enteric_tube(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A thin line beside the trachea, behind the heart, through the diaphragm to the stomach."""
    canvas = Canvas(body.grid)
    dome = body.patient.dome
    drift = float(rng.uniform(0.0, 0.03))
    path = [
        (_midline(body, -1.2) + 0.01, -1.3),
        (_midline(body, -0.5) + 0.03 + drift, -0.5),
        (_midline(body, 0.0) + 0.02 + drift, 0.0),
        (0.06 + drift, dome - 0.02),
        (0.15, dome + 0.16),
        (float(rng.uniform(0.24, 0.4)), dome + float(rng.uniform(0.2, 0.32))),
    ]
    canvas.stroke(*curve(path), width=0.016, grey=200)
    return metal(canvas, body)
