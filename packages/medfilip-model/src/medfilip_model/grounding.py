"""How well a heatmap points at what it should: pure functions of a heatmap and a mask or boxes.

A heatmap is any [H, W] of finite numbers, higher where the model looks. A box is x, y, width,
height in pixels, as the tables of NIH and RSNA have it. A measure that is not defined is None with
the reason, never NaN.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

Number = int | float
Box = tuple[Number, Number, Number, Number]

_EMPTY = "the mask is empty"
# Maxima that differ by rounding alone are equal: this share of the map's range.
_EQUAL = 1e-6


class Measure(NamedTuple):
    """A value in [0, 1], or the reason why there is none."""

    value: float | None
    reason: str | None = None


def upsample(maps: Float[Tensor, "*B h w"], size: int | tuple[int, int]) -> Float[Tensor, "*B H W"]:
    """Scale maps to the image's size, bilinearly.

    Values stay within those of the map, so the maximum stays where it was; an attention map
    does not sum to 1 any more.

    Args:
        maps: Any number of maps.
        size: Of the image: height and width, or the side of a square.

    Returns:
        Maps of that size.
    """
    height, width = (size, size) if isinstance(size, int) else size
    flat = maps.reshape(-1, 1, *maps.shape[-2:])
    wide = functional.interpolate(flat, (height, width), mode="bilinear", align_corners=False)
    return wide.reshape(*maps.shape[:-2], height, width)


def boxes_mask(boxes: Sequence[Box], size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
    """The pixels whose centre lies in at least one of the boxes.

    Args:
        boxes: In pixels of the image; what lies outside is cut off.
        size: Height and width of the image.
    """
    rows, columns = np.arange(size[0])[:, None] + 0.5, np.arange(size[1]) + 0.5
    mask = np.zeros(size, dtype=bool)
    for x, y, width, height in boxes:
        mask |= (rows > y) & (rows < y + height) & (columns > x) & (columns < x + width)
    return mask


def pointing_game(
    heatmap: Float[np.ndarray, "H W"], mask: Bool[np.ndarray, "H W"], *, tolerance: float = 0.0
) -> Measure:
    """Whether the highest point lies in the mask: 1 or 0 (Zhang et al. 2018).

    Of several equal maxima (to a millionth of the range), the share that hits: what drawing one of
    them would come to. A constant map so scores the share of the image that the mask covers.
    MedKLIP's evaluation counts a hit if any of them does, by which a constant map is perfect.

    Args:
        heatmap: Any finite numbers.
        mask: Where the finding is.
        tolerance: Distance in pixels up to which a point beside the mask hits too (the original
            game: 15); 0: none.

    Returns:
        The hit; None where the mask is empty.
    """
    if not mask.any():
        return Measure(None, _EMPTY)
    if tolerance > 0:
        from scipy.ndimage import distance_transform_edt

        mask = np.asarray(distance_transform_edt(~mask)) <= tolerance
    return Measure(float(mask[thresholded(heatmap, 1 - _EQUAL)].mean()))


def thresholded(heatmap: Float[np.ndarray, "H W"], level: float) -> Bool[np.ndarray, "H W"]:
    """The pixels at or above a share of the way from the lowest value to the highest.

    A constant map has no lower part: all of it is taken.

    Args:
        heatmap: Any finite numbers.
        level: In [0, 1]: 0 takes all, 1 the maxima alone.
    """
    low, high = float(heatmap.min()), float(heatmap.max())
    return heatmap >= low + level * (high - low)


def mask_iou(
    heatmap: Float[np.ndarray, "H W"], mask: Bool[np.ndarray, "H W"], level: float = 0.5
) -> Measure:
    """Intersection over union of the thresholded map and the mask.

    Args:
        heatmap: Any finite numbers.
        mask: Where the finding is.
        level: Of `thresholded`; chosen on other images than those that are scored.

    Returns:
        The IoU; None where the mask is empty.
    """
    if not mask.any():
        return Measure(None, _EMPTY)
    found = thresholded(heatmap, level)
    return Measure(float((found & mask).sum() / (found | mask).sum()))


def found_box(heatmap: Float[np.ndarray, "H W"], level: float = 0.5) -> Box:
    """The bounding box of the connected part of the thresholded map that holds its maximum.

    Of several equal maxima the first counts, row by row. Pixels that touch at a corner hang
    together.
    """
    from scipy.ndimage import label

    found, peak = thresholded(heatmap, level), np.unravel_index(heatmap.argmax(), heatmap.shape)
    parts = np.empty(heatmap.shape, dtype=np.int32)
    label(found, structure=np.ones((3, 3)), output=parts)
    rows, columns = np.nonzero(parts == parts[peak])
    x, y = int(columns.min()), int(rows.min())
    return (x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y)


def box_iou(heatmap: Float[np.ndarray, "H W"], boxes: Sequence[Box], level: float = 0.5) -> Measure:
    """Intersection over union of `found_box` and the box that fits it best.

    Args:
        heatmap: Any finite numbers.
        boxes: Of the finding, in pixels of the heatmap.
        level: Of `thresholded`.

    Returns:
        The IoU; None without a box that has an area.
    """
    solid = [box for box in boxes if box[2] > 0 and box[3] > 0]
    if not solid:
        return Measure(None, "there is no box with an area")
    found = found_box(heatmap, level)
    return Measure(max(_overlap(found, box) for box in solid))


def energy_inside(heatmap: Float[np.ndarray, "H W"], mask: Bool[np.ndarray, "H W"]) -> Measure:
    """The share of the map's sum that lies in the mask; values below 0 count as 0.

    Args:
        heatmap: Any finite numbers, such as attention.
        mask: Where the finding is.

    Returns:
        The share; None where the mask is empty or no value is above 0.
    """
    if not mask.any():
        return Measure(None, _EMPTY)
    energy = heatmap.clip(min=0).astype(np.float64)
    total = float(energy.sum())
    if total <= 0:
        return Measure(None, "the heatmap has no value above 0")
    return Measure(float(energy[mask].sum()) / total)


def _overlap(a: Box, b: Box) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)
