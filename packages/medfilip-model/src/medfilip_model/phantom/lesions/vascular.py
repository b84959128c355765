"""Vascular congestion: full hila and upper-zone vessels, before any fluid leaves them."""

import math

import numpy as np

from medfilip_model.phantom.anatomy import SIDES, SIGN
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.grid import Field
from medfilip_model.phantom.lesions.interstitial import kerley
from medfilip_model.phantom.lesions.patch import Patch, blob, half, look
from medfilip_model.phantom.planned import Planned


def _cuffs(body: Body, strength: float, rng: np.random.Generator) -> Field:
    """Bronchi met end on near the hila, their walls thick."""
    canvas = Canvas(body.grid)
    turn = np.linspace(0, 2 * math.pi, 14)
    for side in SIDES:
        hx, hy = body.hilum(side)
        for _ in range(1 + int(2.5 * strength)):
            x = hx + SIGN[side] * float(rng.uniform(0.05, 0.13))
            y = hy + float(rng.uniform(-0.2, 0.06))
            canvas.stroke(x + 0.017 * np.cos(turn), y + 0.017 * np.sin(turn), width=0.010, grey=150)
    return canvas.read()


def draw_congestion(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Hila blurred and full, cuffed bronchi, the first septal lines if severe; no haze beyond.

    The wide upper-zone vessels come from the patient (see `deform`).
    """
    strength = item.strength
    lines = 0.30 * _cuffs(body, strength, rng)
    if strength > 0.75:
        lines += 0.07 * kerley(body, 0.2, rng)
    patches: list[Patch] = []
    for side in SIDES:
        hx, hy = body.hilum(side)
        view = look(body, half(body, side, body.patient.apex, body.patient.dome + 0.35), side)
        full = blob(view, hx + SIGN[side] * 0.01, hy, 0.085, 0.14, 1.2)
        wide, high = 0.11 + 0.04 * strength, 0.17 + 0.06 * strength
        fan = blob(view, hx + SIGN[side] * 0.07, hy - 0.10, wide, high, 2.0)
        patches.append(
            Patch(
                view.window,
                (fan > 0.5) & (view.field > 0.5),
                filled=(0.22 + 0.26 * strength) * full,
                extra=lines[view.window] * view.field,
            )
        )
    return patches
