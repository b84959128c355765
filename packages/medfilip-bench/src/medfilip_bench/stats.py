"""Patient-level bootstrap intervals, vectorised over replicates.

A replicate draws patients with replacement; every image of a drawn patient counts as often as the
patient was drawn. So a replicate is a vector of weights, and each metric has a weighted form that
takes many replicates at once. Axes: R replicates, N images, C classes, P patients.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

Weights = Float[np.ndarray, "R N"]
Statistic = Callable[[Weights], dict[str, Float[np.ndarray, "R _"]]]


@dataclass(frozen=True)
class Interval:
    """A percentile interval, or the reason why there is none."""

    low: float | None
    high: float | None
    reason: str | None = None


def patient_groups(patients: Sequence[Hashable]) -> Int[np.ndarray, " N"]:
    """Number the patients in order of first appearance, [N]."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(p, len(numbers)) for p in patients], dtype=np.int64)


def resample_weights(
    groups: Int[np.ndarray, " N"],
    n_replicates: int,
    generator: np.random.Generator,
    chunk: int = 128,
) -> Iterator[Weights]:
    """Yield the replicates' weights in chunks, so that memory stays at chunk × N.

    Args:
        groups: Patient number of each image, [N], every number in 0..P-1 used.
        n_replicates: Replicates in all.
        generator: Source of randomness.
        chunk: Most replicates a chunk.
    """
    n_patients = int(groups.max()) + 1 if groups.size else 0
    even = np.full(n_patients, 1.0 / max(n_patients, 1))
    for start in range(0, n_replicates, chunk):
        size = min(chunk, n_replicates - start)
        drawn = generator.multinomial(n_patients, even, size=size)
        yield drawn.astype(np.float32)[:, groups]


def replicate(
    statistic: Statistic,
    groups: Int[np.ndarray, " N"],
    *,
    n_replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Float[np.ndarray, "R _"]]:
    """Compute statistics on every bootstrap replicate; NaN marks an undefined replicate.

    Args:
        statistic: Weights [r, N] -> {metric: values [r, C]}.
        groups: Patient number of each image, [N].
        n_replicates: Replicates R.
        seed: Seed of the draws; the same seed gives the same draws for every metric.
    """
    generator = np.random.default_rng(seed)
    parts = [statistic(w) for w in resample_weights(groups, n_replicates, generator)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def interval(values: Float[np.ndarray, " R"], level: float = 0.95) -> Interval:
    """Return the percentile interval of the replicates that are defined.

    Args:
        values: A statistic's replicates, NaN where undefined, [R].
        level: Coverage aimed at.
    """
    defined = values[np.isfinite(values)]
    if defined.size * 2 < values.size or not defined.size:
        return Interval(
            None, None, f"undefined in {values.size - defined.size} of {values.size} replicates"
        )
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high))


def macro_replicates(values: Float[np.ndarray, "R C"]) -> Float[np.ndarray, " R"]:
    """Average each replicate over the classes defined in it; NaN where none is, [R]."""
    defined = np.isfinite(values)
    n = defined.sum(axis=1)
    total = np.where(defined, values, 0.0).sum(axis=1)
    return ratio(total, n)


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
    order = np.argsort(-scores, kind="stable")
    truth, ordered = labels[order], scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    tie = np.cumsum(np.r_[False, ordered[1:] != ordered[:-1]])[truth]
    ends = np.r_[starts[1:], ordered.size]
    drawn = np.take(weights, order, axis=1)
    # Weight of all images, and of the positives, above each place in the ranking.
    taken = _above(drawn)
    positive = drawn[:, truth]
    positives = _above(positive)
    rank = np.r_[0, np.cumsum(truth)]
    before, after = starts[tie], ends[tie]
    positives_before, positives_after = positives[:, rank[before]], positives[:, rank[after]]
    negatives_before = taken[:, before] - positives_before
    taken_after = taken[:, after]
    negatives_after = taken_after - positives_after
    n_positive = positives[:, -1]
    n_negative = taken[:, -1] - n_positive
    # A pair is lost when the negative is above the positive, half lost in a tie.
    lost = (positive * (negatives_before + negatives_after)).sum(axis=1, dtype=np.float64) / 2
    # A rank that no replicate image fills has no precision; its positives weigh nothing.
    precision = np.nan_to_num(ratio(positives_after, taken_after))
    average = ratio((positive * precision).sum(axis=1), n_positive)
    pairs = n_positive.astype(np.float64) * n_negative
    return 1.0 - ratio(lost, pairs), np.where(n_negative > 0, average, np.nan)


def _above(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R N+1"]:
    """Return the running sum with a zero before it: exact, since the weights are counts."""
    total = np.zeros((weights.shape[0], weights.shape[1] + 1), dtype=weights.dtype)
    np.cumsum(weights, axis=1, out=total[:, 1:])
    return total


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
    """Return the weighted mean of per-item values for every replicate, [R, C]."""
    return ratio(weights @ values, weights.sum(axis=1, keepdims=True))
