"""Soft tissue and air: how much of each the beam meets at every pixel."""

from dataclasses import dataclass

import numpy as np

from medfilip_model.phantom.anatomy import LEFT, RIGHT, SIGN, Contours, Heart
from medfilip_model.phantom.grid import Field, Grid, Mask, noise, smoothstep
from medfilip_model.phantom.patient import Patient

TISSUE = 3.0
"""Optical thickness of one patient unit of depth of soft tissue (trunk of medium habitus)."""


@dataclass(frozen=True, eq=False)
class Body:
    """The trunk before findings are laid in.

    Attributes:
        grid: Pixels.
        patient: The body's numbers, findings' effects on them included.
        contours: The outlines.
        tissue: Thickness of soft tissue if the lungs were solid.
        air: Thickness of air in the lungs; the beam meets ``tissue - air - gas``.
        gas: Thickness of air in the stomach.
        depth: Depth of the lung along the beam, as if nothing were in front of it.
        field: 1 within the lung fields as seen (above the domes, beside mediastinum and heart).
        beyond: Distance inside the chest wall, in units of x.
        reach: |x| as a share of the distance to the chest wall: 0 midline, 1 wall.
        left: True on the patient's left.
    """

    grid: Grid
    patient: Patient
    contours: Contours
    tissue: Field
    air: Field
    gas: Field
    depth: Field
    field: Field
    beyond: Field
    reach: Field
    left: Mask

    @property
    def heart(self) -> Heart:
        """The cardiac silhouette."""
        return self.contours.heart

    def side(self, side: int) -> Mask:
        """Pixels of one hemithorax."""
        return self.left if side == LEFT else ~self.left

    def hilum(self, side: int) -> tuple[float, float]:
        """Centre of a hilum; the left one sits higher."""
        middle = self.patient.shift_mediastinum + 0.035 * self.patient.rotation
        height = -0.14 if side == LEFT else -0.09
        return middle + SIGN[side] * (self.patient.pedicle + 0.085), height


def _trunk_thickness(grid: Grid, patient: Patient, contours: Contours) -> Field:
    axis = grid.axis
    fat = patient.habitus
    deep = (0.82 + 0.36 * fat) * (
        0.62 + 0.38 * smoothstep((axis + 1.0) / 0.6) + 0.14 * smoothstep((axis - 0.2) / 0.5)
    )
    width = grid.by_y(contours.trunk)
    across = grid.x / width
    # Flatter than an ellipse: muscle and shoulder blades fill the corners.
    square = across * across
    inside = np.maximum(1 - square * square, 0)
    trunk = grid.by_y(deep) * np.sqrt(inside)
    # Arms hang beside the trunk below the axilla, with air between.
    gap = grid.by_y(patient.arms * smoothstep((axis + 0.25) / 0.5) - 0.02)
    into = np.clip((np.abs(grid.x) - width - gap) * 6, 0, 1)
    arm = np.sqrt(into) * grid.by_y((0.42 + 0.2 * fat) * smoothstep((axis + 0.4) / 0.2))
    return np.maximum(trunk, arm)


def _lungs(
    grid: Grid, patient: Patient, contours: Contours
) -> tuple[Field, Field, Field, Field, Field]:
    """Lung depth, lung field, air, distance inside the wall, share of the way to the wall."""
    middle = grid.by_y(contours.midline)
    span = np.abs(grid.x)
    outer = grid.by_y(contours.outer[RIGHT])
    slope = np.gradient(contours.outer[RIGHT], grid.axis)
    normal = grid.by_y(1 / np.sqrt(1 + np.minimum(slope * slope, 400)))
    beyond = (outer - span) * normal
    reach = span / np.maximum(outer, 0.05)
    offset = grid.x - middle
    inner = np.where(offset > 0, grid.by_y(contours.inner[LEFT]), grid.by_y(contours.inner[RIGHT]))
    wall = grid.ramp(beyond, 0.018)
    soft = grid.by_y(0.02 + 0.05 * smoothstep((-0.3 - grid.axis) / 0.3))
    beside = np.clip((np.abs(offset) - inner) / np.maximum(soft, grid.pixel) + 0.5, 0, 1)
    below = grid.by_x(contours.base) - grid.y
    above = grid.ramp(below, 0.02)
    axis = grid.axis
    tall = 0.42 + 0.58 * smoothstep((axis - patient.apex + 0.05) / 0.55)
    bulge = np.sqrt(np.maximum(1 - 0.8 * reach * reach, 0.05))
    depth = grid.by_y(0.68 * tall) * bulge
    # Lung in the posterior sulcus lies behind the domes and fades downwards.
    sulcus = 0.16 * np.clip(1 + below * 4, 0, 1)
    lung = wall * beside
    radius = contours.heart.radius(grid)
    chord = np.sqrt(np.maximum(1 - radius, 0)) * 0.5
    air = lung * (above + (1 - above) * sulcus) * np.maximum(depth - chord, 0.1 * depth)
    clear = grid.ramp(radius - 1, 0.08)
    return depth, lung * above * clear, air, beyond, reach


def build_body(grid: Grid, patient: Patient, contours: Contours, rng: np.random.Generator) -> Body:
    """Thickness of tissue and air for a patient without findings."""
    depth, field, air, beyond, reach = _lungs(grid, patient, contours)
    tissue = _trunk_thickness(grid, patient, contours)
    lumps = noise(rng, 7, grid.size)
    tissue = tissue * (1 + 0.022 * lumps)
    # Parenchyma: coarse regional differences in ventilation, fine interstitium.
    coarse, fine = noise(rng, 9, grid.size), noise(rng, 56, grid.size)
    turn = 1 + 0.05 * patient.rotation * grid.x
    air = air * (0.80 * turn) * (1 + 0.03 * coarse + 0.022 * fine)
    if patient.breast:
        tissue = tissue + _breasts(grid, patient)
    gas = _gas(grid, patient, contours, rng) if patient.gas else np.zeros_like(air)
    return Body(
        grid=grid,
        patient=patient,
        contours=contours,
        tissue=tissue,
        air=np.minimum(air, 0.93 * tissue),
        gas=gas,
        depth=depth,
        field=field,
        beyond=beyond,
        reach=reach,
        left=grid.x > grid.by_y(contours.midline),
    )


def _breasts(grid: Grid, patient: Patient) -> Field:
    """Half-discs over the lower zones with a sharp lower border."""
    size = patient.breast
    x0 = 0.40 + 0.05 * size
    y0 = 0.14 + 0.12 * size
    rx, ry = 0.27 + 0.13 * size, 0.26 + 0.16 * size
    u = (np.abs(grid.x) - x0) * (1 / rx)
    v = (grid.y - y0) * (1 / ry)
    inside = np.maximum(1 - u * u - np.where(v > 0, v * v, 0.45 * v * v), 0)
    return (0.06 + 0.2 * size) * np.sqrt(inside)


def _gas(grid: Grid, patient: Patient, contours: Contours, rng: np.random.Generator) -> Field:
    """The gastric bubble under the left dome: flat top following it, a fluid level below."""
    x0 = float(rng.uniform(0.24, 0.4))
    rx, ry = 0.07 + 0.09 * patient.gas, 0.04 + 0.06 * patient.gas
    top = float(np.interp(x0, grid.axis, contours.base))
    y0 = top + ry + 0.05
    bubble = np.zeros_like(grid.x)
    box = grid.window(x0 - rx, x0 + rx, y0 - ry, y0 + ry)
    x, y = grid.x[box], grid.y[box]
    u, v = (x - x0) * (1 / rx), (y - y0) * (1 / ry)
    bubble[box] = (
        0.34 * np.sqrt(np.maximum(1 - u * u - v * v, 0)) * grid.ramp(y0 + 0.5 * ry - y, 0.02)
    )
    return bubble


def wall_rim(body: Body) -> Field:
    """Ribs and muscles met edge-on: the bright line along the inner chest wall."""
    return np.exp(-((body.beyond + 0.012) ** 2) * (1 / (2 * 0.016**2)))
