"""Grounding metrics of one heatmap: pointing game, IoU of boxes, and hits at several IoUs.

The measures themselves are medfilip-model's; here they get the bench's names and reasons.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from medfilip_model.grounding import Box, box_iou, boxes_mask, pointing_game

from medfilip_bench.metrics.measure import Measure

IOUS = (0.1, 0.3, 0.5)


def grounding(
    heatmap: Float[np.ndarray, "H W"],
    boxes: Sequence[Box],
    *,
    mask: Bool[np.ndarray, "H W"] | None = None,
    level: float = 0.5,
    ious: Sequence[float] = IOUS,
) -> dict[str, Measure]:
    """Return ``pointing``, ``box_iou`` and ``hit@T`` for each IoU T, of one finding in one image.

    ``pointing`` is 1 where the highest point lies in the finding (of equal maxima the share that
    does). ``box_iou`` compares the box around the thresholded map's main part with the finding's
    box that fits it best; ``hit@T`` is 1 where that IoU is at least T.

    Args:
        heatmap: Higher where the model looks, finite, [H, W].
        boxes: x, y, width, height of the finding, in pixels of the heatmap.
        mask: Where the finding is, for the pointing game; the boxes' pixels where None, [H, W].
        level: Share of the way from the map's lowest value to its highest, for the box.
        ious: The T of the hits.

    Raises:
        ValueError: If the heatmap holds numbers that are not finite.
    """
    if not np.isfinite(heatmap).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(heatmap))} pixels are not finite")
    inside = boxes_mask(boxes, (heatmap.shape[0], heatmap.shape[1])) if mask is None else mask
    hit, overlap = pointing_game(heatmap, inside), box_iou(heatmap, boxes, level)
    found = {
        "pointing": Measure(hit.value, hit.reason),
        "box_iou": Measure(overlap.value, overlap.reason),
    }
    for t in ious:
        reached = None if overlap.value is None else float(overlap.value >= t)
        found[f"hit@{t:g}"] = Measure(reached, overlap.reason)
    return found
