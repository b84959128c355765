"""Calibration of binary probabilities: expected calibration error, Brier score, reliability.

Axes: N images, B bins.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from medfilip_bench.metrics.classification import unusable
from medfilip_bench.metrics.measure import Measure

Labels = Bool[np.ndarray, " N"]
Probabilities = Float[np.ndarray, " N"]
Binning = Literal["mass", "width"]
BINS = 10


@dataclass(frozen=True)
class Reliability:
    """The bins that hold images, in the order of what was said.

    Attributes:
        said: Mean probability said, [B].
        seen: Share of positives seen, [B].
        n: Images, [B].
    """

    said: Float[np.ndarray, " B"]
    seen: Float[np.ndarray, " B"]
    n: Int[np.ndarray, " B"]


def not_probabilities(probabilities: Probabilities) -> str | None:
    """Return why numbers are no probabilities, or None if they are."""
    if wrong := unusable(probabilities):
        return wrong
    outside = int(np.count_nonzero((probabilities < 0) | (probabilities > 1)))
    return f"{outside} of {probabilities.size} are no probabilities" if outside else None


def bins_of(
    probabilities: Probabilities, how: Binning = "mass", bins: int = BINS
) -> Int[np.ndarray, " N"]:
    """Return the bin of each image, [N].

    Args:
        probabilities: In [0, 1], [N].
        how: ``mass`` puts as many images in each bin, equal probabilities always in the same one;
            ``width`` cuts [0, 1] into equal parts (Naeini et al. 2015), where the images of a rare
            class nearly all fall into the first.
        bins: How many bins, B.
    """
    if how == "width":
        return np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    below = np.asarray(rankdata(probabilities, method="min")).astype(np.int64) - 1
    return below * bins // max(probabilities.size, 1)


def reliability(
    labels: Labels, probabilities: Probabilities, how: Binning = "mass", bins: int = BINS
) -> Reliability:
    """Return what was said and what was seen in each bin; empty where there are no probabilities.

    Args:
        labels: Truth, [N].
        probabilities: In [0, 1], [N].
        how: How the bins are cut.
        bins: How many.
    """
    if not_probabilities(probabilities):
        labels, probabilities = labels[:0], probabilities[:0]
    place = bins_of(probabilities, how, bins)
    n = np.bincount(place, minlength=bins)
    said = np.bincount(place, weights=probabilities, minlength=bins)
    seen = np.bincount(place, weights=labels, minlength=bins)
    full = n > 0
    return Reliability(said=said[full] / n[full], seen=seen[full] / n[full], n=n[full])


def calibration_error(
    labels: Labels, probabilities: Probabilities, how: Binning = "mass", bins: int = BINS
) -> Measure:
    """Expected calibration error: mean distance of what is said from what is seen, over images.

    A finite sample strays from its probabilities by chance, so that even a perfect forecast has an
    error above 0: about 0.8 standard errors of a bin's share of positives.

    Args:
        labels: Truth, [N].
        probabilities: In [0, 1], [N].
        how: How the bins are cut.
        bins: How many.
    """
    reason = "no images" if not labels.size else not_probabilities(probabilities)
    if reason:
        return Measure.undefined(reason)
    found = reliability(labels, probabilities, how, bins)
    return Measure(float(np.abs(found.said - found.seen) @ found.n / labels.size))


def brier(labels: Labels, probabilities: Probabilities) -> Measure:
    """Brier score: mean squared distance of probability and truth; 0 is best.

    Args:
        labels: Truth, [N].
        probabilities: In [0, 1], [N].
    """
    reason = "no images" if not labels.size else not_probabilities(probabilities)
    if reason:
        return Measure.undefined(reason)
    return Measure(float(np.mean((probabilities - labels) ** 2)))
