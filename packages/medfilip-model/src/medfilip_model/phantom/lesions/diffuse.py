"""Findings of both lungs: oedema and COVID-19."""

import numpy as np

from medfilip_model.phantom.anatomy import SIDES, SIGN
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.grid import noise, smoothstep
from medfilip_model.phantom.lesions.interstitial import kerley
from medfilip_model.phantom.lesions.patch import Patch, blob, fill, half, look, spot
from medfilip_model.phantom.planned import Planned


def draw_edema(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Perihilar haze in the shape of bat wings, indistinct vessels, Kerley B lines.

    The wider upper-zone vessels come from the patient (see `deform`).
    """
    strength = item.strength
    patches: list[Patch] = []
    coarse, fine = noise(rng, 18, body.grid.size), noise(rng, 44, body.grid.size)
    lines = kerley(body, strength, rng)
    for side in SIDES:
        hx, hy = body.hilum(side)
        view = look(body, half(body, side, body.patient.apex, body.patient.dome + 0.35), side)
        x = hx + SIGN[side] * (0.08 + 0.04 * strength)
        wing = blob(view, x, hy + 0.10, 0.15 + 0.09 * strength, 0.22 + 0.10 * strength)
        spared = 1 - 0.75 * smoothstep((view.reach - 0.66) / 0.3)
        base = smoothstep((view.y - hy) / 0.5) * max(strength - 0.25, 0) * 0.28
        cloud = np.clip(1 + 0.2 * coarse[view.window] + 0.16 * fine[view.window], 0, 2)
        share = np.clip(((0.24 + 0.48 * strength) * wing * spared + base) * cloud, 0, 0.9)
        patch = fill(view, share, faint=0.4)
        extra = (0.07 + 0.07 * strength) * lines[view.window] * view.field
        patches.append(Patch(view.window, patch.mask, filled=patch.filled, extra=extra))
    return patches


def draw_covid(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Hazy ground-glass areas with blurred borders, peripheral and low, in both lungs.

    Several separate areas, longer along the chest wall than deep, which merge where it is severe.
    """
    strength = item.strength
    patches: list[Patch] = []
    cloud, mesh = noise(rng, 14, body.grid.size), noise(rng, 30, body.grid.size)
    for side in SIDES:
        view = look(body, half(body, side, -0.45, body.patient.dome + 0.3), side)
        clear = np.ones_like(view.x)
        for _ in range(2 + int(2.5 * strength) + int(rng.integers(2))):
            down = float(rng.triangular(0.35, 0.8, 1.0))
            x, y = spot(body, side, float(rng.uniform(0.66, 0.95)), down)
            size = float(rng.uniform(0.10, 0.15)) * (0.85 + 0.45 * strength)
            peak = float(rng.uniform(0.30, 0.44)) * (0.75 + 0.5 * strength)
            clear *= 1 - peak * blob(view, x, y, 0.8 * size, 1.25 * size)
        texture = 1 + 0.2 * cloud[view.window] + 0.12 * mesh[view.window]
        share = (1 - clear) * np.clip(texture, 0, 2)
        patches.append(fill(view, np.clip(share, 0, 0.85), faint=0.35))
    return patches
