"""Masks: mean Dice with its interval, over all images and over positives and negatives apart."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medfilip_bench.metrics.measure import Measure
from medfilip_bench.metrics.segmentation import Overlaps
from medfilip_bench.results import Estimate
from medfilip_bench.scoring.drawn import Drawn
from medfilip_bench.scoring.naming import Resampling
from medfilip_bench.stats import (
    Weights,
    patient_groups,
    ratio,
    replicate,
    weighted_mean,
)


@dataclass(frozen=True)
class MaskScores:
    """What the answers on a set of masks are worth.

    Attributes:
        metrics: ``dice`` and ``iou`` (means over images), ``dice_positive`` and ``dice_negative``
            (over those with and without the finding), ``dice_pooled`` (all pixels together).
        drawn: Metric -> bootstrap replicates, [R, 1]: for `seed_table` and paired differences.
    """

    metrics: dict[str, Estimate]
    drawn: dict[str, Drawn]


def score_masks(
    counts: Overlaps, patients: Sequence[Hashable], resampling: Resampling
) -> MaskScores:
    """Average Dice and IoU over images, with patient-level intervals.

    Args:
        counts: Pixel counts of N images.
        patients: Whose each image is.
        resampling: Bootstrap settings.
    """
    dice = counts.dice()
    columns = {
        "dice": dice,
        "dice_positive": np.where(counts.positive, dice, np.nan),
        "dice_negative": np.where(counts.positive, np.nan, dice),
        "iou": counts.iou(),
    }
    table = np.stack(list(columns.values()), axis=1)
    pixels = np.stack([2 * counts.both, counts.said + counts.true], axis=1).astype(np.float64)

    def statistic(weights: Weights) -> dict[str, Float[np.ndarray, "R _"]]:
        sums = weights @ pixels
        return {"means": weighted_mean(table, weights), "pooled": ratio(sums[:, :1], sums[:, 1:])}

    groups = patient_groups(patients)
    made = replicate(statistic, groups, n_replicates=resampling.replicates, seed=resampling.seed)
    drawn = {
        name: Drawn(made["means"][:, [k]], (np.unique(groups[np.isfinite(values)]).size,))
        for k, (name, values) in enumerate(columns.items())
    }
    drawn["dice_pooled"] = Drawn(made["pooled"], drawn["dice_positive"].patients)
    reasons = {"dice_positive": "no positives", "dice_negative": "no negatives"}
    points = {
        name: _mean(values, reasons.get(name, "no images")) for name, values in columns.items()
    }
    points["dice_pooled"] = counts.pooled_dice()
    metrics = {name: Estimate.of(p, drawn[name].interval()) for name, p in points.items()}
    return MaskScores(metrics, drawn)


def _mean(values: Float[np.ndarray, " N"], reason: str) -> Measure:
    known = values[np.isfinite(values)]
    return Measure(float(known.mean())) if known.size else Measure.undefined(reason)
