"""Fluid and air between lung and chest wall: effusion and pneumothorax."""

import numpy as np

from medfilip_model.phantom.anatomy import dome_y, outer_wall
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.grid import smoothstep
from medfilip_model.phantom.lesions.patch import Patch, fill, half, look
from medfilip_model.phantom.planned import Planned


def draw_effusion(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Homogeneous density from the costophrenic angle up, its upper border a meniscus.

    The border is concave and climbs along the chest wall. A trace only blunts the angle; a large
    effusion hides the lower half of the lung and pushes the mediastinum away (see `deform`).
    """
    patient = body.patient
    patches: list[Patch] = []
    for side in item.sides:
        strength = item.strength
        if len(item.sides) == 2:
            strength = float(np.clip(strength + rng.uniform(-0.1, 0.1), 0.02, 1))
        angle = dome_y(patient, side) + patient.sulcus
        level = angle - 0.05 - 0.12 * min(strength / 0.25, 1) - 0.66 * max(strength - 0.25, 0)
        climb = float(rng.uniform(0.10, 0.18)) * (0.7 + 0.8 * strength)
        top = level - climb - 0.3
        view = look(body, half(body, side, top, angle + 0.3), side)
        to_wall = np.maximum(view.beyond, 0)
        meniscus = level - climb * np.exp(-to_wall * (1 / (0.07 + 0.07 * strength)))
        below = view.y - meniscus
        fluid = np.clip(below * (1 / 0.045) + 0.5, 0, 1)
        # Fluid that layers behind the lung thins out upwards.
        veil = 0.30 * min(strength * 1.6, 1) * np.exp(np.minimum(below, 0) * (1 / 0.10))
        patches.append(fill(view, np.maximum(0.97 * fluid, veil), faint=0.5))
    return patches


def draw_pneumothorax(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A lucent rim without vessels beyond a fine white pleural line, widest at the apex.

    A large one leaves the lung collapsed towards the hilum, denser than before.
    """
    side, strength = item.sides[0], item.strength
    patient, grid = body.patient, body.grid
    axis = grid.axis
    wide = 0.065 + 0.12 * min(strength * 1.5, 1)
    fall = 0.12 + 0.14 * min(strength * 1.5, 1) + float(rng.uniform(-0.01, 0.02))
    end = patient.apex + 0.35 + 1.5 * strength
    inset = wide * (1 - smoothstep((axis - end + 0.2) / 0.35))
    line = outer_wall(patient, axis, inset=inset, drop=fall)
    collapse = float(smoothstep(np.array([(strength - 0.55) / 0.45]))[0])
    hx, hy = body.hilum(side)
    ball = 1 - ((axis - hy - 0.12) / (0.52 - 0.06 * collapse)) ** 2
    stump = abs(hx) + 0.20 * np.sqrt(np.maximum(ball, 0)) - 3 * np.maximum(-ball, 0)
    line = (1 - collapse) * line + collapse * np.minimum(line, stump)
    slope = np.gradient(line, axis)
    normal = 1 / np.sqrt(1 + np.minimum(slope * slope, 900))
    view = look(body, half(body, side, patient.apex - 0.05, dome_y(patient, side) + 0.35), side)
    gap = (np.abs(view.x) - view.grid.by_y(line)) * view.grid.by_y(normal)
    inside = view.field
    free = view.grid.ramp(gap, 0.01) * inside
    pleura = np.exp(-((gap / max(0.006, 0.45 * grid.pixel)) ** 2)) * (inside > 0.5)
    pleura = pleura * (view.beyond > 0.02) * min(1.0, 0.012 / grid.pixel + 0.25)
    shrunk = (0.08 + 0.42 * collapse) * (1 - free)
    patch = Patch(
        view.window,
        free >= 0.5 * float(free.max()),
        filled=np.where(inside > 0, shrunk, 0.0),
        extra=0.42 * pleura,
        free=free,
    )
    return [patch]
