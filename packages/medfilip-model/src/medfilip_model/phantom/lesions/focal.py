"""Small round things: nodule and calcified granuloma."""

import numpy as np

from medfilip_model.phantom.body import Body
from medfilip_model.phantom.lesions.patch import Patch, around, look, spot
from medfilip_model.phantom.planned import Planned

_DOWN = {"upper": (0.22, 0.38), "mid": (0.45, 0.6), "lower": (0.7, 0.88)}


def _ball(
    body: Body, item: Planned, radius: float, density: float, rng: np.random.Generator
) -> list[Patch]:
    """A sphere inside the lung, its border sharp."""
    side = item.sides[0]
    low, high = _DOWN[item.finding.region or "mid"]
    x, y = spot(
        body,
        side,
        float(rng.uniform(0.15, 0.9)),
        float(rng.uniform(low, high)),
        margin=radius + 0.015,
    )
    pixel = body.grid.pixel
    view = look(body, around(body, x, y, radius + 2 * pixel, radius + 2 * pixel), side)
    lean = float(rng.uniform(0.85, 1.18))
    u, v = (view.x - x) * lean, (view.y - y) / lean
    distance = np.sqrt(u * u + v * v)
    chord = np.sqrt(np.clip(1 - (distance / radius) ** 2, 0.12, 1))
    edge = view.grid.ramp(radius - distance, 0.006)
    # Below a pixel's width the sphere covers only part of the pixel.
    share = min(1.0, (2 * radius / pixel) ** 2)
    mask = edge >= 0.5 * float(edge.max())
    return [Patch(view.window, mask, extra=density * share * chord * edge)]


def draw_nodule(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A round, well-defined density of 9-30 mm (a patient unit is about 19 cm).

    It is drawn denser than a ball of tissue of that size: at 96 pixels it would be lost.
    """
    millimetres = 9 + 21 * item.strength
    radius = millimetres / 2 / 190
    density = 0.92 + 2.2 * radius + float(rng.uniform(-0.08, 0.12))
    return _ball(body, item, radius, density, rng)


def draw_granuloma(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A calcified dot of 3-5 mm, much denser than its size."""
    return _ball(body, item, float(rng.uniform(0.009, 0.014)), float(rng.uniform(1.5, 2.0)), rng)
