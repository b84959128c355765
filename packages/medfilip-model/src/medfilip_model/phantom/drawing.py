"""A supersampled canvas for lines and polygons given in patient coordinates."""

import math

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

from medfilip_model.phantom.grid import Field, Grid

Points = Float[np.ndarray, " P"]


class Canvas:
    """Draws in patient coordinates; grey 255 reads back as 1.

    Small films are drawn at twice their pixels. A stroke thinner than a canvas pixel is drawn one
    pixel wide and fainter, so that a line looks alike at every size.
    """

    def __init__(self, grid: Grid, *, fine: bool = True) -> None:
        """Start empty; ``fine`` off is for large soft shapes, which need no supersampling."""
        self._grid = grid
        self._factor = 2 if fine and grid.size <= 512 else 1
        side = grid.size * self._factor
        self._image = Image.new("L", (side, side))
        self._pen = ImageDraw.Draw(self._image)
        self._unit = 1 / grid.pixel * self._factor
        self._centre = side / 2

    def _pixels(
        self, x: Float[np.ndarray, "*B P"], y: Float[np.ndarray, "*B P"]
    ) -> Float[np.ndarray, "*B P2"]:
        """Canvas coordinates x0, y0, x1, y1, … along the last axis."""
        a, b, tx, ty = self._grid.affine
        step = self._centre / (a * a + b * b)
        flat = np.empty((*np.shape(x), 2))
        flat[..., 0] = (a * (x - tx) + b * (y - ty)) * step + self._centre
        flat[..., 1] = (a * (y - ty) - b * (x - tx)) * step + self._centre
        return flat.reshape(*flat.shape[:-2], -1)

    def stroke(self, x: Points, y: Points, *, width: float, grey: int) -> None:
        """One polyline of a width in patient units."""
        pixels = width * self._unit
        self._pen.line(
            self._pixels(x, y).tolist(),
            fill=int(grey * min(pixels, 1.0)),
            width=max(1, round(pixels)),
        )

    def strokes(
        self,
        x: Float[np.ndarray, "B P"],
        y: Float[np.ndarray, "B P"],
        *,
        width: Float[np.ndarray, " B"],
        grey: Float[np.ndarray, " B"],
    ) -> None:
        """Many polylines, later ones on top."""
        pixels = width * self._unit
        fills = (grey * np.minimum(pixels, 1)).astype(int).tolist()
        widths = np.maximum(pixels.round(), 1).astype(int).tolist()
        line = self._pen.line
        for path, fill, wide in zip(self._pixels(x, y).tolist(), fills, widths, strict=True):
            line(path, fill=fill, width=wide)

    def polygon(self, x: Points, y: Points, *, grey: int) -> None:
        """A filled polygon."""
        self._pen.polygon(self._pixels(x, y).tolist(), fill=grey)

    def disc(
        self, x: float, y: float, radius: float, *, grey: int, squareness: float = 1.0
    ) -> None:
        """A filled disc; a squareness below 1 squares it off."""
        turn = np.linspace(0, 2 * math.pi, 28)
        c, s = np.cos(turn), np.sin(turn)
        self.polygon(
            x + radius * np.sign(c) * np.abs(c) ** squareness,
            y + radius * np.sign(s) * np.abs(s) ** squareness,
            grey=grey,
        )

    def read(self) -> Field:
        """The drawing at film size, 0 to 1."""
        image = self._image.reduce(self._factor) if self._factor > 1 else self._image
        return np.asarray(image, dtype=np.float32) * np.float32(1 / 255)
