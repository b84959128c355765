"""The outlines of chest, lungs, diaphragm, mediastinum and heart as curves of x or y."""

import functools
from dataclasses import dataclass

import numpy as np

from medfilip_model.phantom.grid import Field, Grid, Table, smoothstep
from medfilip_model.phantom.patient import Patient

RIGHT, LEFT = 0, 1
SIDES = (RIGHT, LEFT)
SIGN = (-1.0, 1.0)
"""Sign of x on the patient's right and left."""


_LEFT_BORDER = (
    (0.0, 0.0),
    (0.22, 0.28),
    (0.45, 0.67),
    (0.66, 0.94),
    (0.80, 1.0),
    (0.92, 0.93),
    (1.1, 0.5),
)
_RIGHT_BORDER = (
    (0.0, 0.0),
    (0.15, 0.30),
    (0.32, 0.72),
    (0.55, 1.0),
    (0.72, 0.98),
    (0.9, 0.80),
    (1.1, 0.5),
)
"""Heart borders: (share of the way from pulmonary trunk to diaphragm, share of the full width)."""


@functools.cache
def _border(left: bool) -> tuple[Table, Table]:
    """A heart border as a smooth table: (t, share of the width), cubic through the knots."""
    knots = np.array(_LEFT_BORDER if left else _RIGHT_BORDER)
    x, y = knots[:, 0], knots[:, 1]
    slope = np.gradient(y, x)
    t = np.linspace(0, 1.1, 111)
    k = np.clip(np.searchsorted(x, t, side="right") - 1, 0, len(x) - 2)
    width = x[k + 1] - x[k]
    u = (t - x[k]) / width
    rise = u * u * (3 - 2 * u)
    bend = width * u * (1 - u) * ((1 - u) * slope[k] - u * slope[k + 1])
    share = y[k] * (1 - rise) + y[k + 1] * rise + bend
    return t.astype(np.float32), (share / share.max()).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Heart:
    """The cardiac silhouette between its borders, which are tabulated over y.

    Attributes:
        top: y of the pulmonary trunk, where the silhouette leaves the vascular pedicle.
        bottom: y of the lower border, below the left dome.
        right: x of the right border over y.
        left: x of the left border over y.
    """

    top: float
    bottom: float
    right: Table
    left: Table

    def radius(self, grid: Grid) -> Field:
        """Squared distance from the axis in half widths: below 1 inside, huge above and below."""
        half = np.maximum(self.left - self.right, 0.02) / 2
        inside = (grid.axis > self.top) & (grid.axis < self.bottom)
        inverse = np.where(inside, 1 / half, 200)
        u = (grid.x - grid.by_y((self.left + self.right) / 2)) * grid.by_y(inverse)
        return u * u


@dataclass(frozen=True, eq=False)
class Contours:
    """Curves of one patient, tabulated over `Grid.axis`.

    Attributes:
        outer: |x| of the inner chest wall over y, (right, left).
        inner: |x| of the mediastinal edge of the lung over y without the heart, (right, left).
        base: y of the diaphragm over x.
        trunk: Half width of the trunk over y.
        midline: x of spine and mediastinum over y.
        heart: The cardiac silhouette.
    """

    outer: tuple[Table, Table]
    inner: tuple[Table, Table]
    base: Table
    trunk: Table
    midline: Table
    heart: Heart


def dome_y(patient: Patient, side: int) -> float:
    """Height of a diaphragm dome; the right one is higher unless a finding lifts the left."""
    drop = patient.dome_drop if side == LEFT else 0.0
    return patient.dome + drop - patient.lift[side]


def _bump(y: Table, centre: float, width: float) -> Table:
    return np.exp(-0.5 * ((y - centre) / width) ** 2)


def outer_wall(
    patient: Patient, y: Table, *, inset: float | Table = 0.0, drop: float = 0.0
) -> Table:
    """|x| of the lateral lung border over y.

    Args:
        patient: The body.
        y: Where.
        inset: Narrows the lung from the side, at all heights alike or each (a pleural line).
        drop: Lowers the apex.
    """
    apex = patient.apex + drop
    t = np.clip((y - apex) / (0.45 - apex), 0, 1)
    swell = (1 - (1 - t) ** 3) ** 0.54
    taper = 0.03 * smoothstep((y - 0.45) / 0.4)
    apex_x = patient.apex_x - 0.3 * inset
    wall = apex_x + (patient.half_width - inset - apex_x) * swell - taper
    return wall - 6 * np.maximum(apex - y, 0)


def _inner_wall(patient: Patient, y: Table, side: int) -> Table:
    pedicle = patient.pedicle
    edge = np.full_like(y, 0.08) + (pedicle - 0.08) * (1 - smoothstep((y + 0.05) / 0.2))
    if side == LEFT:
        edge += patient.knob * _bump(y, -0.33, 0.075) + 0.045 * _bump(y, -0.13, 0.075)
    else:
        edge += (0.3 * patient.pedicle - 0.005) * _bump(y, -0.25, 0.16) + 0.01
    u = np.clip((patient.apex + 0.24 - y) / 0.24, 0, 1)
    edge += (patient.apex_x - edge) * (1 - np.sqrt(1 - u * u))
    return edge + 6 * np.maximum(patient.apex - y, 0)


def _diaphragm(patient: Patient, x: Table) -> Table:
    """Domes that peak at 0.45 of the half width and fall to the costophrenic angles."""
    u = np.abs(x) / patient.half_width
    lateral = np.clip((u - 0.42) / 0.58, 0, None)
    medial = np.clip((0.42 - u) / 0.42, 0, 1)
    shape = patient.sulcus * lateral**2.3 + 0.05 * medial**2
    left = smoothstep(x / 0.24 + 0.5)
    domes = dome_y(patient, RIGHT) * (1 - left) + dome_y(patient, LEFT) * left
    # A lifted dome does not carry its costophrenic angle along.
    lift = patient.lift[RIGHT] * (1 - left) + patient.lift[LEFT] * left
    return domes + shape + 0.7 * lift * lateral**2.3


def _trunk(patient: Patient, y: Table) -> Table:
    """Neck, sloping shoulders, axilla, flank."""
    fat = patient.habitus
    neck = 0.24 + 0.08 * fat
    shoulder = 1.02 + 0.14 * fat + (0.05 if patient.sex == "M" else 0)
    flank = patient.half_width + 0.085 + 0.2 * fat
    top = patient.clavicle - 0.34
    slope = smoothstep((y - top) / 0.36) ** 0.8
    upper = neck + (shoulder - neck) * slope
    flank_curve = flank + (0.05 + 0.12 * fat) * smoothstep((y - 0.35) / 0.7)
    return upper + (flank_curve - upper) * smoothstep((y + 0.5) / 0.45)


def _heart(patient: Patient, y: Table, offset: float) -> Heart:
    width = 2 * patient.ctr * patient.half_width
    bottom = patient.dome + patient.dome_drop + 0.05
    top = bottom - patient.heart_height - 0.22 * (width - 0.64)
    t = (y - top) / (bottom - top)
    start = 0.9 * patient.pedicle
    right, left = patient.heart_right * width, (1 - patient.heart_right) * width
    return Heart(
        top=top,
        bottom=bottom + 0.08,
        right=offset - start - (right - start) * np.interp(t, *_border(left=False)),
        left=offset + start + (left - start) * np.interp(t, *_border(left=True)),
    )


def trace_contours(patient: Patient, grid: Grid) -> Contours:
    """Every outline of the patient."""
    axis = grid.axis
    outer = outer_wall(patient, axis)
    turn = 0.035 * patient.rotation
    midline = (turn + patient.shift_mediastinum) * smoothstep((axis + 0.9) / 0.6)
    return Contours(
        outer=(outer, outer),
        inner=(_inner_wall(patient, axis, RIGHT), _inner_wall(patient, axis, LEFT)),
        base=_diaphragm(patient, axis),
        trunk=_trunk(patient, axis),
        midline=midline,
        heart=_heart(patient, axis, turn + patient.shift_mediastinum),
    )
