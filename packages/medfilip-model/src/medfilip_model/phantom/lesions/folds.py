"""Folds of skin: an edge in the film that is no finding."""

import math

import numpy as np

from medfilip_model.phantom.anatomy import LEFT, SIGN
from medfilip_model.phantom.body import Body
from medfilip_model.phantom.grid import Field


def skin_fold(body: Body, rng: np.random.Generator) -> Field:
    """A fold of skin: an edge that fades to one side, and no line; no finding."""
    grid = body.grid
    sign = SIGN[LEFT] if rng.random() < 0.5 else -SIGN[LEFT]
    angle = float(rng.normal(0.0, 0.22))
    place = sign * float(rng.uniform(0.42, 0.68))
    off = sign * (grid.x - place - math.tan(angle) * (grid.y - 0.1))
    along = np.exp(-(((grid.y - float(rng.uniform(-0.1, 0.4))) / 0.45) ** 4))
    return (
        float(rng.uniform(0.06, 0.15))
        * along
        * grid.ramp(-off, 0.012)
        * np.exp(np.minimum(off, 0) * (1 / 0.09))
    )
