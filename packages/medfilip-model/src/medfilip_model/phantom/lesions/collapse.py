"""Lost volume: plate-like atelectasis."""

import numpy as np

from medfilip_model.phantom.body import Body
from medfilip_model.phantom.grid import smoothstep
from medfilip_model.phantom.lesions.patch import Patch, fill, half, look, spot
from medfilip_model.phantom.planned import Planned


def draw_atelectasis(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Plate-like horizontal bands above a dome that the lost volume has lifted."""
    patches: list[Patch] = []
    strength = item.strength
    for side in item.sides:
        count = 1 + int(rng.random() < 0.35 + 0.5 * strength) + int(strength > 0.66)
        anchor, floor = spot(body, side, float(rng.uniform(0.4, 0.6)), 1.0)
        top = floor - 0.09 * count - 0.16
        view = look(body, half(body, side, top, body.patient.dome + 0.3), side)
        share = np.zeros_like(view.x)
        for band in range(count):
            x = anchor + float(rng.normal(0, 0.08))
            y = floor - 0.06 - 0.09 * band + float(rng.normal(0, 0.018))
            slope, bow = float(rng.normal(0, 0.16)), float(rng.uniform(-0.2, 0.9))
            length = float(rng.uniform(0.15, 0.26)) * (0.9 + 0.35 * strength)
            half_height = float(rng.uniform(0.013, 0.019)) + 0.012 * strength
            off = view.y - y - slope * (view.x - x) - bow * (view.x - x) ** 2
            along = smoothstep((length - np.abs(view.x - x)) / (0.8 * length))
            plate = np.exp(-((off / max(half_height, 0.6 * body.grid.pixel)) ** 4)) * along
            plate = plate * min(1.0, 2 * half_height / body.grid.pixel)
            share = np.maximum(share, plate)
        # Crowded, underventilated lung around the plates.
        crowd = 0.16 * strength * smoothstep((view.y - top) / 0.2)
        patches.append(
            fill(view, np.clip((0.70 + 0.22 * strength) * share + crowd, 0, 0.9), faint=0.4)
        )
    return patches
