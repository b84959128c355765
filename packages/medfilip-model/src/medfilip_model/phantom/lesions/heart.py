"""A large heart."""

import numpy as np

from medfilip_model.phantom.body import Body
from medfilip_model.phantom.lesions.patch import Patch
from medfilip_model.phantom.planned import Planned


def draw_large_heart(body: Body, item: Planned, rng: np.random.Generator) -> list[Patch]:
    """The silhouette above the diaphragm; its size is in the patient already (see `deform`)."""
    grid = body.grid
    inside = (body.heart.radius(grid) < 1) & (grid.y < grid.by_x(body.contours.base))
    return [Patch((slice(0, grid.size), slice(0, grid.size)), inside)]
