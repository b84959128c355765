"""Intervals of AUC by bootstrap over patients; pure.

A replicate draws patients with replacement, and every image of a drawn patient counts as often as
the patient was drawn: images of one patient are not independent. So a replicate is a vector of
weights. Legend: R replicates, N images, S repetitions of a measurement (seeds).
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Estimate(NamedTuple):
    """A value with its 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


def patient_weights(
    patients: Sequence[Hashable], replicates: int, rng: np.random.Generator
) -> Int[np.ndarray, "R N"]:
    """How often each image counts in each replicate.

    Args:
        patients: Whose each of the N images is.
        replicates: R.
        rng: Source of the draws.
    """
    numbers: dict[Hashable, int] = {}
    owner = np.array([numbers.setdefault(p, len(numbers)) for p in patients], dtype=np.int64)
    count = len(numbers)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=replicates)
    return drawn[:, owner]


def weighted_auc(
    scores: Float[np.ndarray, " N"],
    positive: Bool[np.ndarray, " N"],
    weights: Int[np.ndarray, "R N"],
) -> Float[np.ndarray, " R"]:
    """AUC of each replicate, ties counting half.

    Args:
        scores: Any real scores.
        positive: Which images are positives; the others are negatives.
        weights: From `patient_weights`, or ones for the plain AUC.

    Returns:
        Values in [0, 1]; NaN where a replicate lacks positives or negatives.
    """
    return _share(*_pairs(scores, positive, weights))


def grouped_auc(
    scores: Float[np.ndarray, " N"],
    positive: Bool[np.ndarray, " N"],
    groups: Int[np.ndarray, " N"],
    weights: Int[np.ndarray, "R N"],
) -> Float[np.ndarray, " R"]:
    """AUC within groups (folds of a cross-validation), averaged over them, of each replicate.

    Scores of different models are on different scales, so only images of one group are compared. A
    group weighs as many pairs as it has: what comes out is the share of all pairs of a positive and
    a negative of one group that are ordered rightly. One without a pair in a replicate weighs
    nothing in it.

    Args:
        scores: Any real scores, comparable within a group.
        positive: Which images are positives; the others are negatives.
        groups: The group of each image.
        weights: As for `weighted_auc`.

    Returns:
        Values in [0, 1]; NaN where no group of a replicate has both positives and negatives.
    """
    wins, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for group in np.unique(groups):
        own = groups == group
        found = _pairs(scores[own], positive[own], weights[:, own])
        wins, pairs = wins + found[0], pairs + found[1]
    return _share(wins, pairs)


def _pairs(
    scores: Float[np.ndarray, " N"],
    positive: Bool[np.ndarray, " N"],
    weights: Int[np.ndarray, "R N"],
) -> tuple[Float[np.ndarray, " R"], Float[np.ndarray, " R"]]:
    """How many pairs are ordered rightly, ties counting half, and how many there are."""
    order = np.argsort(scores, kind="stable")
    ranked, truth = scores[order], positive[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    drawn = weights[:, order].astype(np.float64)
    ups = np.add.reduceat(drawn * truth, starts, axis=1)
    downs = np.add.reduceat(drawn * ~truth, starts, axis=1)
    # Negatives below each run of ties, and half of those within it.
    below = np.cumsum(downs, axis=1) - downs / 2
    pairs = ups.sum(axis=1) * downs.sum(axis=1)
    wins = (ups * below).sum(axis=1)
    return wins, pairs


def _share(
    wins: Float[np.ndarray, " R"], pairs: Float[np.ndarray, " R"]
) -> Float[np.ndarray, " R"]:
    return np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0)


def pooled(
    whole: Float[np.ndarray, " S"], replicates: Float[np.ndarray, "S R"], rng: np.random.Generator
) -> Estimate:
    """The mean over repetitions, with an interval over patients and repetitions.

    Each replicate draws the repetitions anew as well, with replacement, and averages those drawn:
    an interval over patients alone would be that of these very weights and draws of labels. With
    few repetitions the part of the interval that they cause is somewhat too narrow.

    Args:
        whole: The measurement on all images, once a repetition.
        replicates: The same on each replicate, with equal draws of patients for every repetition.
        rng: Source of the draws of repetitions.
    """
    if not np.isfinite(whole).all():
        return Estimate(None, None, None)
    count, draws = replicates.shape
    chosen = rng.integers(count, size=(count, draws))
    means = np.take_along_axis(replicates, chosen, axis=0).mean(axis=0)
    defined = means[np.isfinite(means)]
    if not len(defined):
        return Estimate(float(whole.mean()), None, None)
    low, high = np.percentile(defined, [2.5, 97.5])
    return Estimate(float(whole.mean()), float(low), float(high))
