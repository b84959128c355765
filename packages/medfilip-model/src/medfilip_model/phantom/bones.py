"""The skeleton: ribs, spine, clavicles, scapulae and humeral heads, as added attenuation."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medfilip_model.phantom.anatomy import SIDES, SIGN
from medfilip_model.phantom.body import Body, wall_rim
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.grid import Field, Table, smoothstep

_RIBS = 11
_FRONT_RIBS = 7
"""Ribs whose front ends are seen; below them cartilage joins the costal arch."""
_SAMPLES = 64


def _rib_table(rng: np.random.Generator, blur: float) -> Table:
    """Cross-section of the ribs over the continuous rib number, from two ribs above the first."""
    rho = np.arange(-2 * _SAMPLES, (_RIBS + 2) * _SAMPLES) / _SAMPLES
    number = np.round(rho).astype(int)
    rib = np.clip(number, 0, _RIBS - 1)
    weight = rng.normal(1.0, 0.12, _RIBS).clip(0.6, 1.4)[rib]
    half = rng.normal(0.19, 0.015, _RIBS).clip(0.14, 0.24)[rib]
    off = rho - number - rng.normal(0, 0.03, _RIBS)[rib]
    band = np.clip((half - np.abs(off)) / max(blur, 0.06) + 0.5, 0, 1)
    # Cortex shows brighter along the borders, the lower one most.
    cortex = np.exp(-(((np.abs(off) - half + 0.04) / 0.05) ** 2)) * (1 + 0.25 * (off > 0))
    return (weight * band * (0.62 + 0.5 * cortex) * (number == rib)).astype(np.float32)


def _bend(reach: Float[np.ndarray, "*S"]) -> Float[np.ndarray, "*S"]:
    """How far a rib has come back from the chest wall, 1 at the spine."""
    return np.sqrt(np.maximum(1.02 - reach * reach, 0) + 0.004)


def rib_number(body: Body, window: tuple[slice, slice]) -> Field:
    """The continuous number of the rib behind each pixel: whole on a rib's centre line."""
    patient = body.patient
    reach = np.minimum(body.reach[window], 1.08)
    fall = patient.rib_fall * (_bend(reach) - 0.25 * reach)
    return (body.grid.y[window] - patient.rib_start + fall) * (1 / patient.rib_step)


def rib_point(body: Body, side: int, number: int, reach: float) -> tuple[float, float]:
    """A point on the centre line of a rib behind: its number from 0, share of the way to the wall.

    Returns:
        (x, y) in patient units.
    """
    patient = body.patient
    bend = float(_bend(np.array([reach]))[0])
    y = patient.rib_start + number * patient.rib_step - patient.rib_fall * (bend - 0.25 * reach)
    wall = float(np.interp(y, body.grid.axis, body.contours.outer[side]))
    return SIGN[side] * reach * wall, y


@dataclass(frozen=True, eq=False)
class Breaks:
    """What fractures do to the ribs that run behind, by pixel.

    Attributes:
        bent: Displacement downwards, in patient units.
        broken: Share of the bone that is missing.
    """

    bent: Field
    broken: Field


def _ribs(body: Body, rng: np.random.Generator, breaks: Breaks | None) -> Field:
    """Every rib at once: its number is a smooth function of the pixel, its shape a table of that.

    A rib leaves the spine, falls to the chest wall, where it is met edge-on, and returns steeper
    in front.
    """
    grid, patient = body.grid, body.patient
    table = _rib_table(rng, grid.pixel / patient.rib_step)
    reach = np.minimum(body.reach, 1.08)
    bend = _bend(reach)
    shown = np.clip((1.07 - body.reach) * 12, 0, 1)
    lengths = _SAMPLES / patient.rib_step
    base = (grid.y - patient.rib_start) * lengths + (2 * _SAMPLES + 0.5)
    fall = patient.rib_fall * lengths
    behind = base + fall * (bend - 0.25 * reach)
    if breaks is not None:
        behind = behind - breaks.bent * lengths
    before = (base - 1.25 * fall * bend).astype(np.intp)
    back = np.take(table, behind.astype(np.intp), mode="clip")
    if breaks is not None:
        back = back * (1 - breaks.broken)
    front = np.take(table[: (_FRONT_RIBS + 2) * _SAMPLES + 1], before, mode="clip")
    edge_on = np.minimum(0.6 / (bend + 0.35), 1.1)
    cartilage = np.clip((body.reach - 0.42) * 6, 0, 1)
    return shown * edge_on * (0.32 * back + 0.18 * front * cartilage)


def _spine(body: Body, rng: np.random.Generator) -> Field:
    grid, patient = body.grid, body.patient
    axis = grid.axis
    step = 0.105
    phase = axis / step + float(rng.random())
    disc = 0.5 + 0.5 * np.cos(2 * math.pi * phase)
    down = (0.75 + 0.2 * (1 - disc**6)) * (1 + 0.15 * smoothstep(axis / 0.8))
    half = 0.062 + 0.02 * smoothstep((axis + 0.8) / 1.4)
    curve = 0.012 * rng.normal() * np.sin(axis * 2.2 + rng.uniform(0, 6))
    out = np.zeros_like(grid.x)
    box = grid.window(-0.16, 0.16, -1.9, 1.9)
    view = grid.crop(box)
    off = np.abs(view.x - view.by_y(curve)) - view.by_y(half)
    column = view.ramp(-off, 0.035)
    spinous = np.exp(-((view.x - 0.03 * patient.rotation) ** 2) * (1 / (2 * 0.014**2)))
    down_field = view.by_y(down)
    out[box] = 0.2 * column * down_field + 0.08 * spinous * view.by_y(disc)
    return out


def _clavicles(body: Body, rng: np.random.Generator) -> Field:
    """S-shaped bands from the manubrium outwards; rotation parts their medial ends unevenly."""
    grid, patient = body.grid, body.patient
    out = np.zeros_like(grid.x)
    box = grid.window(-1.2, 1.2, patient.clavicle - 0.3, patient.clavicle + 0.12)
    view = grid.crop(box)
    rise = float(rng.normal(0.17, 0.045))
    span = np.abs(grid.axis)
    t = np.clip((span - 0.07) / 0.75, 0, 1.5)
    line = patient.clavicle - rise * smoothstep(t) - 0.02 * np.sin(2 * math.pi * np.minimum(t, 1.2))
    half = 0.029 + 0.008 * np.cos(3 * t) + 0.01 * np.exp(-((t / 0.12) ** 2))
    start = 0.085 + 0.04 * patient.rotation * np.sign(grid.axis)
    seen = smoothstep((span - start) / 0.03) * (span < 0.98)
    weight = seen * (1 - 0.4 * smoothstep((t - 0.6) / 0.6))
    off = view.by_x(half) - np.abs(view.y - view.by_x(line))
    band = view.ramp(off, 0.012)
    cortex = np.exp(-((off - 0.006) ** 2) * (1 / (2 * 0.006**2)))
    out[box] = (0.36 * band + 0.2 * cortex) * view.by_x(weight)
    return out


def _shoulders(body: Body, rng: np.random.Generator) -> Field:
    """Scapulae with their medial border lateral to the lungs, and the humeral heads."""
    grid, patient = body.grid, body.patient
    canvas = Canvas(grid, fine=False)
    pull = float(rng.uniform(0.0, 0.14))
    top = patient.clavicle
    for side in SIDES:
        sign = SIGN[side]
        x = sign * (patient.half_width + pull + np.array([-0.12, -0.04, 0.06, 0.24, 0.26, 0.12, 0]))
        y = top + np.array([0.0, 0.32, 0.56, 0.2, 0.02, -0.08, -0.06])
        canvas.polygon(x, y, grey=45)
        canvas.stroke(x[:3], y[:3], width=0.012, grey=85)
        canvas.stroke(x[2:5], y[2:5], width=0.024, grey=75)
        canvas.stroke(x[[0, 4]] + sign * 0.02, y[[0, 4]] + 0.02, width=0.024, grey=100)
        centre = sign * (patient.half_width + pull + 0.36)
        canvas.disc(centre, top + 0.05, 0.115, grey=120)
        shaft = centre + sign * np.array([-0.06, 0.09, 0.2, 0.07])
        canvas.polygon(shaft, top + np.array([0.08, 0.06, 1.2, 1.2]), grey=100)
    return 0.55 * canvas.read()


def skeleton(body: Body, rng: np.random.Generator, breaks: Breaks | None = None) -> Field:
    """Optical thickness of all bones."""
    bones = _ribs(body, rng, breaks) + 0.2 * wall_rim(body) * body.grid.ramp(
        body.beyond + 0.06, 0.04
    )
    bones += _spine(body, rng) + _clavicles(body, rng) + _shoulders(body, rng)
    # Bones end where the body does.
    return bones * (body.patient.bone * np.minimum(4 * body.tissue, 1))
