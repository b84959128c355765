"""The pixel grid of one patient: normalised coordinates, tables by x or y, noise fields.

The image spans [-1, 1] in both directions, y downwards. Patient coordinates are the same plane
after shift, scale and tilt, so one patient looks alike at every size; the patient's right is at
x < 0, the left of the image.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

_REACH = 1.9
"""Tables cover [-_REACH, _REACH] in patient units; the film's corners lie inside."""

Field = Float[np.ndarray, "H W"]
Mask = Bool[np.ndarray, "H W"]
Table = Float[np.ndarray, " T"]


@dataclass(frozen=True, eq=False)
class Grid:
    """Patient coordinates of every pixel.

    Attributes:
        size: Height and width in pixels.
        pixel: Width of a pixel in patient units.
        axis: The abscissae of the tables that `by_x` and `by_y` look up.
        x: Patient x of each pixel, positive towards the patient's left.
        y: Patient y of each pixel, positive towards the feet.
    """

    size: int
    pixel: float
    axis: Table
    x: Field
    y: Field
    ix: Int[np.ndarray, "H W"]
    iy: Int[np.ndarray, "H W"]
    affine: tuple[float, float, float, float]

    def by_x(self, table: Table) -> Field:
        """Value at each pixel of a curve tabulated over x."""
        return np.take(table.astype(np.float32, copy=False), self.ix, mode="clip")

    def by_y(self, table: Table) -> Field:
        """Value at each pixel of a curve tabulated over y."""
        return np.take(table.astype(np.float32, copy=False), self.iy, mode="clip")

    def ramp(self, distance: Field, width: float) -> Field:
        """0 outside, 1 inside, linear over ``width`` (never under one pixel) about distance 0."""
        return np.clip(distance * (1 / max(width, self.pixel)) + 0.5, 0, 1)

    def to_film(
        self, x: Float[np.ndarray, "..."], y: Float[np.ndarray, "..."]
    ) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
        """Film coordinates in [-1, 1] of points given in patient coordinates."""
        a, b, tx, ty = self.affine
        norm = a * a + b * b
        u, v = x - tx, y - ty
        return (a * u + b * v) / norm, (a * v - b * u) / norm

    def window(self, x0: float, x1: float, y0: float, y1: float) -> tuple[slice, slice]:
        """Rows and columns of the smallest box that holds the patient's rectangle."""
        cols, rows = self.to_film(np.array([x0, x0, x1, x1]), np.array([y0, y1, y0, y1]))
        return self._span(rows), self._span(cols)

    def _span(self, film: Float[np.ndarray, " 4"]) -> slice:
        edges = (film + 1) * (self.size / 2)
        low = min(max(math.floor(edges.min()), 0), self.size - 1)
        return slice(low, max(min(math.ceil(edges.max()), self.size), low + 1))

    def crop(self, box: tuple[slice, slice]) -> "Grid":
        """The same grid, seen through a window."""
        return Grid(
            self.size,
            self.pixel,
            self.axis,
            self.x[box],
            self.y[box],
            self.ix[box],
            self.iy[box],
            self.affine,
        )


@functools.cache
def film_axis(size: int) -> Float[np.ndarray, " S"]:
    """Centres of ``size`` pixels over [-1, 1]."""
    return ((np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1).astype(np.float32)


@functools.cache
def table_axis(size: int) -> Table:
    """Abscissae of the curve tables, fine enough that a look-up is not seen."""
    count = 2048 if size <= 256 else 8192
    return np.linspace(-_REACH, _REACH, count, dtype=np.float32)


def make_grid(size: int, *, scale: float, shift: tuple[float, float], tilt: float) -> Grid:
    """Grid of a patient who is magnified by ``scale``, shifted and tilted (radians)."""
    film = film_axis(size)
    a, b = math.cos(tilt) / scale, math.sin(tilt) / scale
    tx = -(a * shift[0] - b * shift[1])
    ty = -(b * shift[0] + a * shift[1])
    x = (a * film + tx)[None, :] - (b * film)[:, None]
    y = (b * film + ty)[None, :] + (a * film)[:, None]
    axis = table_axis(size)
    step = (len(axis) - 1) / (2 * _REACH)
    offset = _REACH * step + 0.5
    return Grid(
        size=size,
        pixel=2 / (size * scale),
        axis=axis,
        x=x,
        y=y,
        ix=(x * step + offset).astype(np.intp),
        iy=(y * step + offset).astype(np.intp),
        affine=(a, b, tx, ty),
    )


@functools.cache
def _upsampler(cells: int, size: int) -> Float[np.ndarray, "S cells"]:
    """Cubic B-spline interpolation from a coarse lattice to ``size`` pixels, unit variance."""
    position = (film_axis(size) + 1) / 2 * (cells - 1)
    distance = np.abs(position[:, None] - np.arange(cells)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    weight = np.where(distance < 1, near, far)
    return (weight / np.sqrt(np.mean(np.sum(weight**2, axis=1)))).astype(np.float32)


def noise(rng: np.random.Generator, cells: int, size: int) -> Field:
    """Smooth Gaussian noise of unit variance with ``cells`` cells across the film.

    The lattice does not depend on ``size``: the same generator gives the same clouds at any size.
    """
    lattice = rng.standard_normal((cells, cells), dtype=np.float32)
    up = _upsampler(cells, size)
    return up @ lattice @ up.T


def smoothstep(t: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Cubic step: 0 below 0, 1 above 1."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)
