"""What an operation left: sternal wires and surgical clips."""

import math

import numpy as np

from medfilip_model.phantom.anatomy import SIGN
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.lesions.metal import metal
from medfilip_model.phantom.lesions.patch import Patch
from medfilip_model.phantom.planned import Planned


def draw_sternotomy(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Five to seven wire loops in a column over the sternum."""
    patient, canvas = body.patient, Canvas(body.grid)
    count = int(rng.integers(5, 8))
    turn = np.linspace(0, 2 * math.pi, 16)
    # The sternum lies in front: a turned patient carries it further than the spine.
    middle = 0.07 * patient.rotation
    for y in np.linspace(patient.clavicle + 0.1, patient.dome - 0.12, count):
        rx, ry = float(rng.uniform(0.02, 0.03)), float(rng.uniform(0.014, 0.022))
        x = middle + float(rng.normal(0, 0.006))
        canvas.stroke(x + rx * np.cos(turn), y + ry * np.sin(turn), width=0.009, grey=235)
        canvas.disc(x + 0.4 * rx, y + ry, 0.008, grey=255)
    return metal(canvas, body)


def draw_surgical_clips(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A cluster of short bright strokes in one axilla."""
    patient, canvas = body.patient, Canvas(body.grid)
    sign = SIGN[item.sides[0]]
    x0 = sign * (patient.half_width - float(rng.uniform(-0.04, 0.06)))
    y0 = patient.clavicle + float(rng.uniform(0.34, 0.5))
    for _ in range(int(rng.integers(4, 9))):
        x, y = x0 + float(rng.normal(0, 0.035)), y0 + float(rng.normal(0, 0.06))
        angle, half = float(rng.uniform(0, math.pi)), float(rng.uniform(0.012, 0.02))
        ends = np.array([-half, half])
        canvas.stroke(x + ends * math.cos(angle), y + ends * math.sin(angle), width=0.01, grey=255)
    return metal(canvas, body)
