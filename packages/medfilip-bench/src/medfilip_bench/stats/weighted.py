"""Weighted forms of the metrics: many bootstrap replicates at once.

A replicate is a vector of weights, how often each image was drawn. Axes: R replicates, N images,
C classes, B bins. NaN marks a replicate in which a metric is undefined.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

Weights = Float[np.ndarray, "R N"]


def ratio(top: np.ndarray, bottom: np.ndarray) -> Float[np.ndarray, "..."]:
    """Divide elementwise in float64; NaN where the denominator is zero."""
    out = np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan)
    return np.divide(top, bottom, out=out, where=bottom != 0, dtype=np.float64)


def weighted_auc_ap(
    labels: Bool[np.ndarray, " N"], scores: Float[np.ndarray, " N"], weights: Weights
) -> tuple[Float[np.ndarray, " R"], Float[np.ndarray, " R"]]:
    """Return ROC AUC and average precision of every replicate, [R] each.

    Equal to scikit-learn's with ``sample_weight``; NaN where a replicate has one class only.
    Both are sums over the positives, so one cumulative sum over all images is enough.

    Args:
        labels: Truth, [N].
        scores: Higher means more likely, finite, [N].
        weights: How often each image was drawn, [R, N].
    """
    if not labels.any():
        nothing = np.full(weights.shape[0], np.nan)
        return nothing, nothing
    order = np.argsort(-scores, kind="stable")
    truth, ordered = labels[order], scores[order]
    drawn = np.take(weights, order, axis=1)
    # Runs of equal scores that hold positives; of the others nothing but their weight counts.
    new = np.r_[True, ordered[1:] != ordered[:-1]]
    places, run = np.flatnonzero(truth), np.cumsum(new)[truth] - 1
    first = np.flatnonzero(np.r_[True, run[1:] != run[:-1]])
    bounds = np.r_[np.flatnonzero(new), new.size]
    starts, ends = bounds[run[first]], bounds[run[first] + 1]
    positive = np.take(drawn, places, axis=1)
    if first.size < places.size:
        positive = np.add.reduceat(positive, first, axis=1)
    # Counts, and so exact in 32 bits: weight above each run, and to its end.
    taken = np.zeros((drawn.shape[0], drawn.shape[1] + 1), dtype=drawn.dtype)
    np.cumsum(drawn, axis=1, out=taken[:, 1:])
    before, after = (np.take(taken, at, axis=1) for at in (starts, ends))
    found = np.cumsum(positive, axis=1)
    n_positive = found[:, -1].astype(np.float64)
    n_negative = taken[:, -1] - n_positive
    # A pair is lost when the negative is above the positive, half lost in a tie.
    negatives = before + after - 2 * found + positive
    lost = np.einsum("rk,rk->r", positive, negatives, dtype=np.float64, casting="safe") / 2
    # A run that no replicate image fills has no precision; its positives weigh nothing.
    precision = np.divide(found, np.maximum(after, 1), dtype=np.float64)
    average = ratio(np.einsum("rk,rk->r", positive, precision), n_positive)
    area = 1.0 - ratio(lost, n_positive * n_negative)
    return area, np.where(n_negative > 0, average, np.nan)


@dataclass(frozen=True)
class WeightedCounts:
    """Counts of every replicate and class, [R, C] each.

    Attributes:
        n: Images whose truth is known.
        true: Positives among them.
        said: Positive decisions among them.
        tp: Positive decisions that are right.
    """

    n: Float[np.ndarray, "R C"]
    true: Float[np.ndarray, "R C"]
    said: Float[np.ndarray, "R C"]
    tp: Float[np.ndarray, "R C"]

    def f1(self) -> Float[np.ndarray, "R C"]:
        """F1; NaN without positives."""
        return np.where(self.true > 0, ratio(2 * self.tp, self.true + self.said), np.nan)

    def acc(self) -> Float[np.ndarray, "R C"]:
        """Share of right decisions."""
        return ratio(self.n - self.true - self.said + 2 * self.tp, self.n)

    def mcc(self) -> Float[np.ndarray, "R C"]:
        """Matthews' correlation; NaN where truth or decisions hold one value only."""
        n, true, said, tp = self.n, self.true, self.said, self.tp
        tn = n - true - said + tp
        scale = np.sqrt(said) * np.sqrt(true) * np.sqrt(n - true) * np.sqrt(n - said)
        return ratio(tp * tn - (said - tp) * (true - tp), scale)


def weighted_counts(
    labels: Bool[np.ndarray, "N C"],
    predictions: Bool[np.ndarray, "N C"],
    known: Bool[np.ndarray, "N C"],
    weights: Weights,
) -> WeightedCounts:
    """Count fixed decisions on every replicate.

    Args:
        labels: Truth, [N, C].
        predictions: Decisions, [N, C].
        known: Where the truth is known; the rest counts for nothing, [N, C].
        weights: How often each image was drawn, [R, N].
    """
    return WeightedCounts(
        n=_total(weights, known),
        true=_total(weights, labels & known),
        said=_total(weights, predictions & known),
        tp=_total(weights, labels & predictions & known),
    )


def _total(weights: Weights, mask: Bool[np.ndarray, "N C"]) -> Float[np.ndarray, "R C"]:
    """Return how often the marked images were drawn: an exact count, as float64."""
    return (weights @ mask.astype(np.float32)).astype(np.float64)


def weighted_single_label(
    labels: Int[np.ndarray, " N"],
    predictions: Int[np.ndarray, " N"],
    n_classes: int,
    weights: Weights,
) -> dict[str, Float[np.ndarray, "R _"]]:
    """Return F1, precision and recall of each class, and accuracy, for every replicate.

    Args:
        labels: True class, [N].
        predictions: Predicted class, [N].
        n_classes: Number of classes C.
        weights: How often each image was drawn, [R, N].
    """
    classes = np.arange(n_classes)
    truth, said = labels[:, None] == classes, predictions[:, None] == classes
    hits, n_true, n_said = (_total(weights, mask) for mask in (truth & said, truth, said))
    return {
        "f1": np.where(n_true > 0, ratio(2 * hits, n_true + n_said), np.nan),
        "precision": ratio(hits, n_said),
        "recall": ratio(hits, n_true),
        "acc": ratio(hits.sum(axis=1, keepdims=True), n_true.sum(axis=1, keepdims=True)),
    }


def weighted_mean(values: Float[np.ndarray, "N C"], weights: Weights) -> Float[np.ndarray, "R _"]:
    """Return the weighted mean of per-item values for every replicate, [R, C].

    Args:
        values: NaN where an item has none; it then counts for nothing, [N, C].
        weights: How often each item was drawn, [R, N].
    """
    known = np.isfinite(values)
    return ratio(weights @ np.where(known, values, 0.0), _total(weights, known))


def weighted_gaps(
    labels: Bool[np.ndarray, " N"],
    probabilities: Float[np.ndarray, " N"],
    bins: Int[np.ndarray, " N"],
    n_bins: int,
    weights: Weights,
) -> Float[np.ndarray, "R B"]:
    """Return share of the images × (said − seen) of each bin, for every replicate, bins held fixed.

    Their absolute values add up to the expected calibration error.

    Args:
        labels: Truth, [N].
        probabilities: In [0, 1], [N].
        bins: Bin of each image, [N].
        n_bins: How many bins there are, B.
        weights: How often each image was drawn, [R, N].
    """
    member = bins[:, None] == np.arange(n_bins)
    gaps = weights @ (member * (probabilities - labels)[:, None])
    return ratio(gaps, weights.sum(axis=1, keepdims=True, dtype=np.float64))
