"""Filled air spaces of one region: opacity, consolidation, pneumonia."""

import math

import numpy as np

from medfilip_model.phantom.anatomy import LEFT
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.grid import Field, noise, smoothstep
from medfilip_model.phantom.lesions.patch import Patch, View, around, blob, fill, half, look, spot
from medfilip_model.phantom.planned import Planned

_CENTRES = {
    "upper": (0.5, 0.28),
    "mid": (0.55, 0.52),
    "lower": (0.5, 0.78),
    "base": (0.5, 0.9),
    "perihilar": (0.2, 0.5),
    "peripheral": (0.86, 0.6),
    "upper_lobe": (0.5, 0.32),
    "middle_lobe": (0.3, 0.72),
    "lingula": (0.25, 0.7),
    "lower_lobe": (0.5, 0.86),
}
"""Region -> (across, down) of its middle, see `spot`."""

# Share of the opacities that are a single focus; the others are patchy.
_SINGLE = 0.55


def centre(body: Body, side: int, region: str, rng: np.random.Generator) -> tuple[float, float]:
    """A point near the middle of a region."""
    across, down = _CENTRES[region]
    across += float(rng.uniform(-0.16, 0.16)) if across > 0.24 else float(rng.uniform(-0.06, 0.1))
    return spot(body, side, across, down + float(rng.uniform(-0.06, 0.06)))


def draw_opacity(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """A hazy, ill-defined density, a single focus or several patches; vessels show through it."""
    patches: list[Patch] = []
    region = item.finding.region or "mid"
    foci = 1 if rng.random() < _SINGLE else int(rng.integers(2, 5))
    for side in item.sides:
        strength = item.strength
        view = look(body, half(body, side, body.patient.apex, body.patient.dome + 0.35), side)
        clear = np.ones_like(view.x)
        for _ in range(foci):
            x, y = _focus(body, side, region, foci, rng)
            size = (0.14 + 0.10 * strength) * (1.0 if foci == 1 else float(rng.uniform(0.5, 0.75)))
            stretch = float(rng.uniform(0.8, 1.25))
            peak = 0.38 + 0.24 * strength + float(rng.uniform(-0.04, 0.04))
            clear *= 1 - peak * blob(view, x, y, size * stretch, size / stretch)
        cloud = 1 + 0.22 * noise(rng, 14, body.grid.size)[view.window]
        patches.append(fill(view, np.clip((1 - clear) * cloud, 0, 0.9)))
    return patches


def _focus(
    body: Body, side: int, region: str, foci: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The middle of one patch of an opacity; several lie scattered about the region."""
    if region == "peripheral":
        across = float(rng.uniform(0.74, 0.98))
        return spot(body, side, across, float(rng.triangular(0.3, 0.7, 1.0)))
    x, y = centre(body, side, region, rng)
    if foci == 1:
        return x, y
    return x + float(rng.normal(0, 0.09)), y + float(rng.normal(0, 0.13))


def fissure_y(body: Body) -> float:
    """Height of the horizontal fissure at the hilum."""
    return body.hilum(0)[1] + 0.02


def _lobe(body: Body, view: View, side: int, region: str, tilt: float) -> Field:
    """1 inside a lobe: sharp where a fissure is met edge-on, soft where it is not."""
    grid, patient = view.grid, body.patient
    away = np.abs(view.x)
    minor = fissure_y(body) + tilt * (away - 0.3)
    sharp = 0.012
    if region == "upper_lobe" and side == LEFT:
        return 1 - smoothstep((view.y - 0.02) / 0.22)
    if region == "upper_lobe":
        return grid.ramp(minor - view.y, sharp)
    if region == "middle_lobe":
        lateral = smoothstep((0.86 - view.reach) / 0.3)
        return grid.ramp(view.y - minor, sharp) * lateral
    if region == "lingula":
        return smoothstep((view.y + 0.02) / 0.12) * smoothstep((0.84 - view.reach) / 0.3)
    # The lower lobe reaches up behind the others; its top is oblique, lower at the side.
    top = patient.dome - 0.34 + 0.22 * (away - 0.2)
    return smoothstep((view.y - top) / 0.10)


def _bronchograms(body: Body, side: int, x: float, y: float, rng: np.random.Generator) -> Field:
    """Branching air-filled bronchi that run from the hilum into the consolidated part."""
    grid = body.grid
    canvas = Canvas(grid)
    hx, hy = body.hilum(side)
    toward = math.atan2(y - hy, x - hx)
    reach = math.hypot(x - hx, y - hy)
    for turn in (-0.35, 0.0, 0.38):
        angle = toward + turn + float(rng.normal(0, 0.08))
        bend = np.linspace(0, float(rng.normal(0, 0.35)), 6)
        steps = np.linspace(0.03, reach + float(rng.uniform(0.02, 0.12)), 6)
        xs, ys = hx + steps * np.cos(angle + bend), hy + steps * np.sin(angle + bend)
        canvas.stroke(xs, ys, width=0.016, grey=230)
        for fork in (3, 4):
            twig = angle + bend[fork] + float(rng.choice((-1, 1))) * float(rng.uniform(0.4, 0.8))
            along = np.linspace(0, float(rng.uniform(0.06, 0.13)), 3)
            canvas.stroke(
                xs[fork] + along * np.cos(twig),
                ys[fork] + along * np.sin(twig),
                width=0.011,
                grey=200,
            )
    return canvas.read()


def draw_consolidation(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Dense, homogeneous, cut off at a fissure, with air bronchograms.

    Borders of heart or dome that it touches are lost because the air beside them is (the
    silhouette sign needs no drawing).
    """
    side, strength = item.sides[0], item.strength
    region = item.finding.region or "lower_lobe"
    x, y = centre(body, side, region, rng)
    if region == "upper_lobe" and side != LEFT:
        y = min(y, fissure_y(body) - 0.10)
    view = look(body, half(body, side, body.patient.apex, body.patient.dome + 0.35), side)
    tilt = float(rng.uniform(-0.08, 0.10))
    size = 0.19 + 0.22 * strength
    segment = blob(view, x, y, size, size * float(rng.uniform(0.75, 1.0)), 3.5)
    peak = 0.64 + 0.28 * strength
    ripple = 1 + 0.05 * noise(rng, 24, body.grid.size)[view.window]
    share = peak * ripple * _lobe(body, view, side, region, tilt) * segment
    bronchi = _bronchograms(body, side, x, y, rng)[view.window]
    return [fill(view, np.clip(share, 0, 0.95) * (1 - 0.4 * bronchi))]


def draw_pneumonia(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """Patchy, fluffy, confluent areas without a border, several in one lobe."""
    side, strength = item.sides[0], item.strength
    region = item.finding.region or "lower_lobe"
    x, y = centre(body, side, region, rng)
    spread = 0.14 + 0.12 * strength
    view = look(body, around(body, x, y, 3.0 * spread, 3.0 * spread), side)
    clouds = np.zeros_like(view.x)
    for _ in range(6 + int(6 * strength)):
        dx, dy = rng.normal(0, 0.75 * spread, 2)
        size = float(rng.uniform(0.038, 0.068)) * (0.85 + 0.5 * strength)
        clouds += float(rng.uniform(0.6, 1.1)) * blob(view, x + dx, y + dy, size, size)
    fluff = noise(rng, 30, body.grid.size)[view.window]
    curd = noise(rng, 60, body.grid.size)[view.window]
    patchy = smoothstep((clouds * (1 + 0.35 * fluff + 0.2 * curd) - 0.1) / 1.5)
    patchy = np.maximum(patchy, 0.45 * blob(view, x, y, spread, spread))
    lobe = 0.25 + 0.75 * _lobe(body, view, side, region, 0.0)
    peak = 0.58 + 0.32 * strength
    return [fill(view, np.clip(peak * patchy * lobe, 0, 0.92), faint=0.3)]
