"""A mass: a solid round or irregular density of more than three centimetres."""

import math

import numpy as np

from medfilip_model.phantom.body import TISSUE, Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.grid import Field
from medfilip_model.phantom.lesions.patch import Patch, View, around, fill, look, spot
from medfilip_model.phantom.planned import Planned

_DOWN = {"upper": (0.24, 0.4), "mid": (0.45, 0.6), "lower": (0.68, 0.84)}
_UNIT_MM = 190
_SPIKES = 0.45
"""Share of the masses whose border is spiculated; the others are lobulated."""


def draw_mass(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A dense homogeneous round opacity of 3.6-10 cm that hides the vessels behind it."""
    side, strength = item.sides[0], item.strength
    radius = (36 + 62 * strength) / 2 / _UNIT_MM
    low, high = _DOWN[item.finding.region or "mid"]
    x, y = spot(
        body,
        side,
        float(rng.uniform(0.2, 0.85)),
        float(rng.uniform(low, high)),
        margin=0.7 * radius,
    )
    view = look(body, around(body, x, y, 1.9 * radius, 1.9 * radius), side)
    u, v = view.x - x, view.y - y
    spiculated = bool(rng.random() < _SPIKES)
    outline = radius * _lobes(np.arctan2(v, u), rng, 0.05 if spiculated else 0.09)
    share = np.sqrt(u * u + v * v) / outline
    inside = view.grid.ramp((1 - share) * radius, 0.012)
    # Optical thickness of a solid ball, flatter than a sphere, as a share of the air that is there.
    depth = (0.72 + 1.6 * radius + float(rng.uniform(-0.06, 0.06))) * np.sqrt(
        np.clip(1.1 - share * share, 0.3, 1)
    )
    filled = np.clip(depth / (TISSUE * np.maximum(view.air, 0.05)), 0, 0.97) * inside
    if spiculated:
        spikes = _spicules(body, view, x, y, radius, rng)
        filled = np.maximum(filled, spikes * np.clip(2.2 - 1.2 * share, 0, 1) * (share > 0.9))
    return [fill(view, filled)]


def _lobes(angle: Field, rng: np.random.Generator, depth: float) -> Field:
    """Radius of the border over the angle, about 1."""
    outline = np.ones_like(angle)
    for waves in (2, 3, 4, 5):
        bulge = depth * 2.5 / waves * float(rng.normal())
        outline += bulge * np.cos(waves * angle + float(rng.uniform(0, 6.3)))
    return np.clip(outline, 0.65, 1.4)


def _spicules(
    body: Body, view: View, x: float, y: float, radius: float, rng: np.random.Generator
) -> Field:
    """Strands that radiate into the lung around."""
    canvas = Canvas(body.grid)
    for angle in rng.uniform(0, 2 * math.pi, 26):
        turn = np.array([0.0, 0.0, float(rng.normal(0, 0.04))]) + angle
        steps = radius * np.array([0.8, 1.1, float(rng.uniform(1.25, 1.65))])
        canvas.stroke(
            x + steps * np.cos(turn),
            y + steps * np.sin(turn),
            width=float(rng.uniform(0.006, 0.012)),
            grey=int(rng.integers(60, 160)),
        )
    return canvas.read()[view.window]
