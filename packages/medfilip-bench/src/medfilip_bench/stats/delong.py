"""Two correlated AUCs of the same images: DeLong's test, by mid-ranks.

DeLong, DeLong and Clarke-Pearson (1988); Sun and Xu (2014) for the fast form. It takes images to be
independent: with several images a patient use `paired`. Axes: M positives, K negatives, N = M + K.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from medfilip_bench.metrics.classification import one_sided, unusable
from medfilip_bench.stats.intervals import LEVEL


@dataclass(frozen=True)
class DeLong:
    """The difference of two AUCs, first minus second.

    Attributes:
        first: AUC of the first scores.
        second: AUC of the second.
        difference: First minus second.
        se: Its standard error.
        z: Difference over standard error; 0 for equal scores.
        p: Two-sided.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    first: float
    second: float
    difference: float
    se: float
    z: float
    p: float
    low: float
    high: float


def delong(
    labels: Bool[np.ndarray, " N"],
    first: Float[np.ndarray, " N"],
    second: Float[np.ndarray, " N"],
) -> DeLong:
    """Test whether two AUCs on the same images differ.

    Args:
        labels: Truth, [N].
        first: Scores of the first model, finite, [N].
        second: Scores of the second.

    Raises:
        ValueError: If the AUCs are undefined, or fewer than two positives or negatives leave no
            variance to be seen.
    """
    reason = one_sided(labels) or unusable(first) or unusable(second)
    if reason:
        raise ValueError(f"the AUC is undefined: {reason}")
    fewest = min(np.count_nonzero(labels), np.count_nonzero(~labels))
    if fewest < 2:
        raise ValueError("the variance needs two positives and two negatives at least")
    areas, ups, downs = zip(
        *(_components(labels, scores) for scores in (first, second)), strict=True
    )
    n_up, n_down = ups[0].size, downs[0].size
    variance = np.var(ups[0] - ups[1], ddof=1) / n_up + np.var(downs[0] - downs[1], ddof=1) / n_down
    difference, se = areas[0] - areas[1], float(np.sqrt(variance))
    z = difference / se if se > 0 else float(np.copysign(np.inf, difference)) if difference else 0.0
    reach = float(-ndtri((1 - LEVEL) / 2)) * se
    return DeLong(
        first=areas[0],
        second=areas[1],
        difference=difference,
        se=se,
        z=z,
        p=float(2 * ndtr(-abs(z))),
        low=max(difference - reach, -1.0),
        high=min(difference + reach, 1.0),
    )


def _components(
    labels: Bool[np.ndarray, " N"], scores: Float[np.ndarray, " N"]
) -> tuple[float, Float[np.ndarray, " M"], Float[np.ndarray, " K"]]:
    """Return the AUC, and the share of the other kind that each positive and negative beats."""
    up, down = scores[labels], scores[~labels]
    everywhere = np.asarray(rankdata(scores))
    # A mid-rank among all less the mid-rank among one's own is how many of the others are beaten.
    ups = (everywhere[labels] - np.asarray(rankdata(up))) / down.size
    downs = 1 - (everywhere[~labels] - np.asarray(rankdata(down))) / up.size
    return float(ups.mean()), ups, downs
