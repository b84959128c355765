"""Intervals from bootstrap replicates. Axes: R replicates, C classes, S seeds of a training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import ndtr, ndtri
from scipy.stats import t as student_t

from medfilip_bench.stats.weighted import ratio

LEVEL = 0.95
# How many patients a figure rests on; None: as many as you like.
Patients = int | float | None
# One patient says nothing of how patients differ.
FEWEST = 2


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, or the reason why there is none."""

    low: float | None
    high: float | None
    reason: str | None = None


def interval(values: Float[np.ndarray, " R"], patients: Patients = None) -> Interval:
    """Return the 95 % percentile interval of the replicates that are defined.

    With few patients a percentile interval is too narrow: the bootstrap's variance is (n - 1) / n
    of the sample's, and it takes normal quantiles where Student's t belongs. Told how many patients
    there are, the percentiles move outwards by just that ("expanded percentile", Hesterberg 2015).

    Args:
        values: A statistic's replicates, NaN where undefined, [R].
        patients: Patients that the statistic rests on: for a class, of those with it and those
            without it the fewer. None: as many as you like.
    """
    defined = values[np.isfinite(values)]
    if defined.size * 2 < values.size or not defined.size:
        return Interval(
            None, None, f"undefined in {values.size - defined.size} of {values.size} replicates"
        )
    wider = widening(patients)
    if wider is None:
        return Interval(None, None, "rests on a single patient")
    tail = float(ndtr(wider * ndtri((1 - LEVEL) / 2)))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high))


def widening(patients: Patients) -> float | None:
    """Return by how much a bootstrap's normal quantile must grow; None for a single patient.

    Args:
        patients: As for `interval`.
    """
    if patients is None:
        return 1.0
    if patients < FEWEST:
        return None
    tail = (1 - LEVEL) / 2
    return float(
        student_t.ppf(tail, patients - 1) / ndtri(tail) * np.sqrt(patients / (patients - 1))
    )


def resting_on(
    truth: Bool[np.ndarray, "N C"], known: Bool[np.ndarray, "N C"], groups: Int[np.ndarray, " N"]
) -> tuple[int, ...]:
    """Return how many patients each class rests on: of those with and without it the fewer.

    A patient with images of both kinds counts on both sides.

    Args:
        truth: Where the class is present, [N, C].
        known: Where that is known, [N, C].
        groups: Patient number of each image, [N].
    """
    columns = range(truth.shape[1])
    having = [np.unique(groups[truth[:, c] & known[:, c]]).size for c in columns]
    lacking = [np.unique(groups[~truth[:, c] & known[:, c]]).size for c in columns]
    return tuple(min(pair) for pair in zip(having, lacking, strict=True))


def macro_patients(
    values: Float[np.ndarray, "R C"], patients: Sequence[int | float]
) -> float | None:
    """Return how many patients a mean over classes rests on, by Welch's and Satterthwaite's rule.

    A class weighs by its part of the variance, so that one rare class among many common ones makes
    the mean as uncertain as it should and no more.

    Args:
        values: The classes' replicates, [R, C].
        patients: Patients that each class rests on, C.
    """
    variance = np.array(
        [np.var(v[np.isfinite(v)]) if np.isfinite(v).any() else 0 for v in values.T]
    )
    freedom = np.maximum(np.array(patients, dtype=np.float64) - 1, 1)
    if not variance.any():
        return None
    return 1 + float(variance.sum() ** 2 / (variance**2 / freedom).sum())


def macro_replicates(values: Float[np.ndarray, "R C"]) -> Float[np.ndarray, " R"]:
    """Average each replicate over the classes defined in it; NaN where none is, [R]."""
    defined = np.isfinite(values)
    n = defined.sum(axis=1)
    total = np.where(defined, values, 0.0).sum(axis=1)
    return ratio(total, n)


def seed_replicates(
    values: Sequence[Float[np.ndarray, " R"]], seed: int = 0
) -> Float[np.ndarray, " R"]:
    """Join the replicates of S trainings into those of their mean, over patients and trainings.

    Each replicate draws S of the S trainings as well, with replacement: an interval over patients
    alone would be that of these very weights. Drawing S of S makes the trainings' part of the
    variance (S - 1) / S of what it is; the deviation from the mean is scaled to mend that.

    Args:
        values: One training's replicates each, with the same draws of patients.
        seed: Seed of the draws of trainings.
    """
    table = np.stack(values)
    count, draws = table.shape
    mean = table.mean(axis=0)
    if count == 1:
        return mean
    chosen = np.random.default_rng(seed).integers(count, size=(count, draws))
    drawn = np.take_along_axis(table, chosen, axis=0).mean(axis=0)
    return mean + np.sqrt(count / (count - 1)) * (drawn - mean)
