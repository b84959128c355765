"""What a finding does to the picture, within a window of it."""

from dataclasses import dataclass

import numpy as np

from medfilip_model.phantom.anatomy import LEFT, SIGN
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.grid import Field, Grid, Mask

Window = tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class Patch:
    """The change that a finding makes inside a window.

    Attributes:
        window: Rows and columns.
        filled: Share of the lung's air that fluid or tissue replaces; below 0 air is added.
        extra: Optical thickness added in front of everything; below 0 it is gas.
        free: Share of the lung's depth that is free air (pneumothorax), without vessels.
        thinned: Share of the vessels that are gone.
        bent: How far down the ribs that run behind are displaced, in patient units.
        broken: Share of the ribs that is missing.
        mask: Where the change is seen, at the window's size.
    """

    window: Window
    mask: Mask
    filled: Field | None = None
    extra: Field | None = None
    free: Field | None = None
    thinned: Field | None = None
    bent: Field | None = None
    broken: Field | None = None


@dataclass(frozen=True, eq=False)
class View:
    """A body seen through a window: the arrays that the drawing functions use."""

    window: Window
    grid: Grid
    air: Field
    depth: Field
    field: Field
    beyond: Field
    reach: Field

    @property
    def x(self) -> Field:
        """Patient x."""
        return self.grid.x

    @property
    def y(self) -> Field:
        """Patient y."""
        return self.grid.y


def look(body: Body, window: Window, side: int) -> View:
    """The body through a window, its air kept on one side of the midline only."""
    here = body.left[window] if side == LEFT else ~body.left[window]
    return View(
        window,
        body.grid.crop(window),
        body.air[window] * here,
        body.depth[window],
        body.field[window] * here,
        body.beyond[window],
        body.reach[window],
    )


def half(body: Body, side: int, y0: float, y1: float) -> Window:
    """The window of one hemithorax between two heights."""
    middle = body.patient.shift_mediastinum + 0.035 * body.patient.rotation
    ends = (middle - 0.1 * SIGN[side], SIGN[side] * (body.patient.half_width + 0.05))
    return body.grid.window(min(ends), max(ends), y0, y1)


def around(body: Body, x: float, y: float, rx: float, ry: float) -> Window:
    """The window of a rectangle about a point."""
    return body.grid.window(x - rx, x + rx, y - ry, y + ry)


def fill(view: View, share: Field, *, faint: float = 0.35) -> Patch:
    """A patch of replaced air; its mask is where the change exceeds ``faint`` of its maximum.

    The change is measured in optical thickness, so that the mask stops where the heart or the
    diaphragm hides the finding.
    """
    seen = view.air * share
    top = float(seen.max(initial=0.0))
    return Patch(view.window, seen > max(faint * top, 0.004), filled=share * (view.air > 0))


def spot(
    body: Body, side: int, across: float, down: float, *, margin: float = 0.0
) -> tuple[float, float]:
    """A point of one lung: share of the way mediastinum-wall, share of the way apex-diaphragm.

    Args:
        body: The body.
        side: Hemithorax.
        across: 0 at mediastinum or heart, 1 at the chest wall.
        down: 0 at the apex, 1 at the diaphragm.
        margin: Distance kept from every border.
    """
    contours, axis = body.contours, body.grid.axis
    sign = SIGN[side]
    wall = body.patient.half_width
    x = sign * (0.25 + 0.6 * (wall - 0.25) * across)
    y = 0.0
    for _ in range(3):
        floor = float(np.interp(x, axis, contours.base)) - margin
        top = body.patient.apex + 0.04 + margin
        y = top + (floor - top) * down
        middle = float(np.interp(y, axis, contours.midline))
        heart = contours.heart.left if side == LEFT else contours.heart.right
        inner = sign * middle + float(np.interp(y, axis, contours.inner[side]))
        if contours.heart.top < y < contours.heart.bottom:
            inner = max(inner, sign * float(np.interp(y, axis, heart)))
        inner += margin
        outer = max(float(np.interp(y, axis, contours.outer[side])) - margin, inner + 0.02)
        x = sign * (inner + (outer - inner) * across)
    return x, y


def blob(view: View, x: float, y: float, rx: float, ry: float, power: float = 1.0) -> Field:
    """A soft ellipse, 1 in the middle, 0.6 at its radii; a higher power flattens the middle."""
    u, v = (view.x - x) * (1 / rx), (view.y - y) * (1 / ry)
    q = u * u + v * v
    return np.exp(-0.5 * (q if power == 1.0 else q**power))
