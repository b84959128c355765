"""Thickened pleura: a cap at the apex or a rind along the chest wall."""

from dataclasses import replace

import numpy as np

from medfilip_model.phantom.anatomy import dome_y
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.grid import Table, smoothstep
from medfilip_model.phantom.lesions.patch import Patch, fill, half, look
from medfilip_model.phantom.planned import Planned


def _cap(body: Body, axis: Table, strength: float) -> Table:
    """Thickness over y of a crescent that ends below the apex."""
    depth = 0.24 + 0.16 * strength
    fall = 1 - smoothstep((axis - body.patient.apex) / depth)
    return (0.10 + 0.14 * strength) * fall


def _rind(body: Body, axis: Table, strength: float, angle: float) -> Table:
    """Thickness over y of a rim from the mid zone down, or from the apex if severe."""
    top = -0.15 - 0.75 * max(strength - 0.55, 0) / 0.45
    start = smoothstep((axis - top) / 0.25)
    # Thickest above the costophrenic angle, which it fills.
    low = 1 + 0.8 * smoothstep((axis - angle + 0.35) / 0.3)
    return (0.042 + 0.075 * strength) * start * low


def draw_thickening(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """An even white band along the pleura with a sharp inner edge, no meniscus."""
    patches: list[Patch] = []
    patient, axis = body.patient, body.grid.axis
    for side in item.sides:
        strength = item.strength
        if len(item.sides) == 2:
            strength = float(np.clip(strength + rng.uniform(-0.08, 0.08), 0, 1))
        angle = dome_y(patient, side) + patient.sulcus
        wave = 1 + 0.14 * np.sin(axis * float(rng.uniform(6, 12)) + float(rng.uniform(0, 6.3)))
        wave += 0.06 * np.sin(axis * float(rng.uniform(18, 28)) + float(rng.uniform(0, 6.3)))
        if item.finding.region == "apex":
            thick, low = _cap(body, axis, strength), patient.apex + 0.45
        else:
            thick, low = _rind(body, axis, strength, angle), angle + 0.2
        view = look(body, half(body, side, patient.apex - 0.05, low), side)
        band = view.grid.by_y(thick * wave)
        inside = view.grid.ramp(band - np.maximum(view.beyond, 0), 0.01) * (band > 0.004)
        patch = fill(view, (0.80 + 0.18 * strength) * inside, faint=0.3)
        # Scar is denser than what it replaces, the more so where it calcifies.
        scar = (0.20 + 0.16 * strength) * inside * view.field
        patches.append(replace(patch, extra=scar))
    return patches
