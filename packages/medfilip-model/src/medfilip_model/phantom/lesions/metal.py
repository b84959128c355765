"""Metal and tubes: smooth paths, and a drawing on a canvas as one dense patch."""

import numpy as np

from medfilip_model.phantom.body import Body
from medfilip_model.phantom.drawing import Canvas
from medfilip_model.phantom.lesions.patch import Patch


def curve(points: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """A smooth path through control points (Catmull-Rom)."""
    p = np.array([points[0], *points, points[-1]])
    t = np.linspace(0, 1, 9)[:, None]
    pieces: list[np.ndarray] = []
    for i in range(len(points) - 1):
        a, b, c, d = p[i : i + 4]
        pieces.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    path = np.concatenate(pieces)
    return path[:, 0], path[:, 1]


def metal(canvas: Canvas, body: Body, density: float = 1.1) -> list[Patch]:
    """What was drawn, laid over everything; its mask leaves faint rims out.

    Args:
        canvas: The drawing.
        body: The body under it.
        density: Optical thickness of full grey.
    """
    shape = canvas.read()
    whole = (slice(0, body.grid.size), slice(0, body.grid.size))
    return [Patch(whole, shape > 0.3 * float(shape.max()), extra=density * shape)]
