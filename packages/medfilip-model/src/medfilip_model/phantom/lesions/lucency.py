"""Emphysema: lungs that have lost their framework."""

import numpy as np

from medfilip_model.phantom.anatomy import SIDES
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.grid import noise, smoothstep
from medfilip_model.phantom.lesions.patch import Patch, View, blob, half, look, spot
from medfilip_model.phantom.planned import Planned

_BULLAE = 0.62
"""Strength from which bullae show."""


def draw_emphysema(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Dark lungs with few, thin vessels, most in the upper zones; bullae if far advanced.

    Low flat domes, the wide chest and the narrow heart come from the patient (see `deform`).
    """
    strength = item.strength
    patient = body.patient
    patchy = noise(rng, 11, body.grid.size)
    patches: list[Patch] = []
    for side in SIDES:
        view = look(body, half(body, side, patient.apex - 0.05, patient.dome + 0.35), side)
        down = (view.y - patient.apex) * (1 / (patient.dome - patient.apex))
        spared = 0.85 if item.finding.region == "upper" else 0.30
        profile = 1 - spared * smoothstep((down - 0.3) / 0.45)
        profile = np.clip(profile * (1 + 0.18 * patchy[view.window]), 0, 1.3)
        more = (0.11 + 0.12 * strength) * profile
        rims = np.zeros_like(view.x)
        if strength > _BULLAE:
            more, rims = _bullae(body, view, side, more, rng)
        gained = more * view.air
        patches.append(
            Patch(
                view.window,
                (gained > 0.45 * float(gained.max())) & (view.field > 0.5),
                filled=-more,
                extra=rims * view.field,
                thinned=np.clip((0.40 + 0.5 * strength) * profile, 0, 0.95),
            )
        )
    return patches


def _bullae(
    body: Body, view: View, side: int, more: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One to three thin-walled empty spaces in the upper zone: (added air, walls)."""
    rims = np.zeros_like(more)
    for _ in range(int(rng.integers(1, 4))):
        size = float(rng.uniform(0.06, 0.12))
        x, y = spot(body, side, float(rng.uniform(0.3, 0.9)), float(rng.uniform(0.1, 0.4)))
        q = blob(view, x, y, size, size * float(rng.uniform(0.8, 1.3)), 3.0)
        more = np.maximum(more, 0.24 * q)
        rims = np.maximum(rims, 0.13 * np.exp(-(((q - 0.5) / 0.22) ** 2)))
    return more, rims
