"""Differences of any metric between two models on the same patients, by paired bootstrap."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import binomtest
from scipy.stats import t as student_t

from medfilip_bench.metrics.measure import Measure
from medfilip_bench.stats.intervals import LEVEL, Patients, interval


@dataclass(frozen=True)
class Difference:
    """First minus second, or the reason why there is none.

    Attributes:
        value: The difference.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Two-sided.
        reason: Why the difference, or its interval and p, are null.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    reason: str | None = None


def paired(
    first: Measure,
    second: Measure,
    drawn_first: Float[np.ndarray, " R"],
    drawn_second: Float[np.ndarray, " R"],
    patients: Patients = None,
) -> Difference:
    """Compare a metric of two models by bootstrap replicates with the same draws of patients.

    Interval and p are both Student's t with the standard error of the replicates' differences, so
    that they never contradict each other. The share of replicates beyond zero would not do for p:
    it cannot fall below one in R, and a correction for many tests would then hide every difference.

    Args:
        first: The metric of the first model.
        second: Of the second.
        drawn_first: Its replicates, [R].
        drawn_second: Likewise.
        patients: How many patients the metric rests on; see `interval`.
    """
    if first.value is None or second.value is None:
        return Difference(None, reason=first.reason or second.reason)
    value = first.value - second.value
    drawn = drawn_first - drawn_second
    unmade = interval(drawn, patients).reason
    if unmade:
        return Difference(value, reason=unmade)
    # As in `widening`: the bootstrap's variance is (n - 1) / n of the sample's.
    freedom, wider = np.inf, 1.0
    if patients is not None:
        freedom, wider = float(patients - 1), float(np.sqrt(patients / (patients - 1)))
    error = float(drawn[np.isfinite(drawn)].std(ddof=1)) * wider
    reach = float(student_t.ppf((1 + LEVEL) / 2, freedom)) * error
    return Difference(value, value - reach, value + reach, _p(value, error, freedom))


def _p(value: float, error: float, freedom: float) -> float:
    """Return the two-sided p; without any error a difference is certain, and equality too."""
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return float(2 * student_t.sf(abs(value) / error, freedom))


def mcnemar(first: Bool[np.ndarray, " N"], second: Bool[np.ndarray, " N"]) -> float:
    """Return the exact two-sided p of McNemar's test: are both models right equally often?

    It takes images to be independent: with several images a patient use `paired`.

    Args:
        first: Where the first model is right, [N].
        second: Where the second is.
    """
    only_first = int(np.count_nonzero(first & ~second))
    only_second = int(np.count_nonzero(second & ~first))
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)
