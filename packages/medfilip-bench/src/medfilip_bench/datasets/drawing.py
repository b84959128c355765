"""Phantoms with masks and boxes: drawn in one pass, kept on disk, then memory-mapped."""

import json
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Bool, UInt8
from medfilip_model.data.pixels import cache_root
from medfilip_model.phantom import GENERATOR_VERSION, Phantom, PhantomConfig, generate_many
from medfilip_model.phantom.anatomy import LEFT, RIGHT, trace_contours
from medfilip_model.phantom.cache import to_bytes
from medfilip_model.phantom.grid import make_grid
from medfilip_model.phantom.patient import Patient
from scipy import ndimage

from medfilip_bench.datasets.labelled import INSIDE, OUTSIDE, Box
from medfilip_bench.errors import DataError
from medfilip_bench.files import hash_of

LUNGS = "lungs"
# Bit by bit, what the masks on disk show: the lung fields, or the pixels of a category.
LAYERS = (LUNGS, "pneumothorax")
# The second part is raised when masks or boxes of the same phantoms come out otherwise.
VERSION = f"{GENERATOR_VERSION}.1"
# Starting processes costs more than drawing a few hundred phantoms.
_WORTH_PROCESSES = 400
# A speck of a mask gets no box of its own.
_SPECK = 0.1


@dataclass(frozen=True)
class Recipe:
    """A run of phantoms under one config.

    Attributes:
        config: How they are drawn.
        first: The first index.
        count: How many.
    """

    config: PhantomConfig
    first: int
    count: int

    @property
    def indices(self) -> range:
        """The indices that are drawn."""
        return range(self.first, self.first + self.count)


@dataclass(frozen=True)
class Drawn:
    """Phantoms as they lie on disk.

    Attributes:
        images: Grey values, memory-mapped.
        layers: Bit k is set where `LAYERS` k shows, memory-mapped.
        boxes: Boxes of each phantom, by the category that was drawn.
    """

    images: UInt8[np.ndarray, "N H W"]
    layers: UInt8[np.ndarray, "N H W"]
    boxes: tuple[tuple[Box, ...], ...]

    def mask(self, layer: str, row: int) -> UInt8[np.ndarray, "H W"]:
        """Return where one layer shows, as `OUTSIDE` and `INSIDE`."""
        shown = (self.layers[row] >> LAYERS.index(layer)) & 1
        return np.where(shown, INSIDE, OUTSIDE).astype(np.uint8)


def key_of(recipes: Sequence[Recipe]) -> str:
    """Return a hash of everything that decides the phantoms of some recipes."""
    told = [[r.config.model_dump(mode="json"), r.first, r.count] for r in recipes]
    return hash_of([VERSION, told])


def draw(recipes: Sequence[Recipe], *, workers: int, progress: Callable[[int], None]) -> Drawn:
    """Draw phantoms, or map those that an earlier call has drawn.

    Args:
        recipes: What to draw, of one size.
        workers: Processes; they change nothing but the time.
        progress: Called with the number of phantoms just drawn.

    Returns:
        The phantoms, recipe by recipe.

    Raises:
        DataError: If the files of an earlier call are damaged.
    """
    folder = cache_root() / "bench-phantoms" / key_of(recipes)[:32]
    if not (folder / "boxes.json").is_file():
        _draw_into(folder, recipes, workers, progress)
    try:
        told = json.loads((folder / "boxes.json").read_text(encoding="utf-8"))
        return Drawn(
            images=np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False),
            layers=np.load(folder / "layers.npy", mmap_mode="r", allow_pickle=False),
            boxes=tuple(tuple(Box(*box) for box in boxes) for boxes in told),
        )
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise DataError(
            f"cached phantoms {str(folder)!r} are damaged; delete the folder"
        ) from error


def _draw_into(
    folder: Path, recipes: Sequence[Recipe], workers: int, progress: Callable[[int], None]
) -> None:
    """Write images, layers and, last, boxes to a new folder and rename it into place."""
    partial = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    partial.mkdir(parents=True)
    try:
        size = recipes[0].config.size
        shape = (sum(recipe.count for recipe in recipes), size, size)
        images, layers = (
            np.lib.format.open_memmap(partial / name, mode="w+", dtype=np.uint8, shape=shape)
            for name in ("images.npy", "layers.npy")
        )
        boxes: list[list[tuple[str, float, float, float, float]]] = []
        for recipe in recipes:
            many = workers if recipe.count >= _WORTH_PROCESSES else 1
            for phantom in generate_many(recipe.config, recipe.indices, workers=many):
                row = len(boxes)
                images[row] = to_bytes(phantom.image)
                layers[row] = _layers(phantom)
                boxes.append(
                    [
                        (finding.category, *place)
                        for number, finding in enumerate(phantom.findings)
                        for place in boxes_of(phantom.masks[number])
                    ]
                )
                progress(1)
        images.flush()
        layers.flush()
        del images, layers
        (partial / "boxes.json").write_text(json.dumps(boxes), encoding="utf-8")
        try:
            partial.replace(folder)
        except OSError:  # another process was first: its content is the same
            if not (folder / "boxes.json").is_file():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _layers(phantom: Phantom) -> UInt8[np.ndarray, "H W"]:
    size = len(phantom.image)
    found = lungs_of(phantom.patient, size).astype(np.uint8) << LAYERS.index(LUNGS)
    for number, finding in enumerate(phantom.findings):
        if finding.category in LAYERS:
            bit = LAYERS.index(finding.category)
            found |= phantom.masks[number].astype(np.uint8) << bit
    return found


def lungs_of(patient: Patient, size: int) -> Bool[np.ndarray, "H W"]:
    """Rasterise the lung fields as a film shows them: above the domes, beside heart and spine.

    Args:
        patient: The anatomy, the findings' effects on it included.
        size: Side in pixels.
    """
    grid = make_grid(size, scale=patient.scale, shift=patient.shift, tilt=patient.tilt)
    lines = trace_contours(patient, grid)
    across = grid.x - grid.by_y(lines.midline)
    edge = np.where(across > 0, grid.by_y(lines.inner[LEFT]), grid.by_y(lines.inner[RIGHT]))
    return (
        (np.abs(grid.x) < grid.by_y(lines.outer[RIGHT]))
        & (np.abs(across) > edge)
        & (grid.y < grid.by_x(lines.base))
        & (lines.heart.radius(grid) > 1)
    )


def boxes_of(mask: Bool[np.ndarray, "H W"]) -> list[tuple[float, float, float, float]]:
    """Return the boxes around the parts of a mask, as annotators draw one around each shadow.

    Args:
        mask: Where a finding shows; parts under a tenth of it get no box.

    Returns:
        x, y, width and height of each as fractions of the side, in a fixed order.
    """
    # Without an output array given, `label` returns the labels and their number.
    labelled = ndimage.label(mask, structure=np.ones((3, 3)))
    parts = cast("tuple[np.ndarray, int]", labelled)[0]
    least = _SPECK * mask.sum()
    size = len(mask)
    return [
        (
            columns.start / size,
            rows.start / size,
            (columns.stop - columns.start) / size,
            (rows.stop - rows.start) / size,
        )
        for number, (rows, columns) in enumerate(ndimage.find_objects(parts), start=1)
        if (parts[rows, columns] == number).sum() >= least
    ]
