"""Retrieval metrics: precision, hit rate and recall at K kept apart, and reciprocal rank.

Axes: Q queries, G gallery items. The paper's "P@K" grows with K, as a hit rate does and a
precision seldom; here each name means one thing:
``p@K`` = relevant among the first K / K, ``hit@K`` = any relevant among the first K,
``recall@K`` = relevant among the first K / all relevant.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from medfilip_bench.metrics.measure import Measure


@dataclass(frozen=True)
class RetrievalScores:
    """Per-query values, for means and intervals.

    Attributes:
        values: Metric name -> its value for each query that has a relevant item, [Q'].
        kept: Index of those queries among all, [Q'].
        dropped: Queries without a relevant item; no metric is defined for them.
    """

    values: dict[str, Float[np.ndarray, " q"]]
    kept: Int[np.ndarray, " q"]
    dropped: int

    def mean(self, name: str) -> Measure:
        """Return the mean of a metric over the queries for which it is defined."""
        values = self.values[name]
        if not values.size:
            return Measure.undefined("no query has a relevant item")
        return Measure(float(values.mean()))


def ranked(
    scores: Float[np.ndarray, "Q G"], relevant: Bool[np.ndarray, "Q G"]
) -> Bool[np.ndarray, "Q G"]:
    """Return relevance in the order of falling score.

    Among equal scores the relevant items come last, so that a constant model earns nothing by
    the order of the gallery.

    Args:
        scores: Similarity of each query with each item, [Q, G].
        relevant: Whether the item answers the query, [Q, G].
    """
    order = np.lexsort((relevant, -scores), axis=1)
    return np.take_along_axis(relevant, order, axis=1)


def retrieval(
    scores: Float[np.ndarray, "Q G"],
    relevant: Bool[np.ndarray, "Q G"],
    ks: Sequence[int] = (1, 3, 10),
) -> RetrievalScores:
    """Score a similarity matrix as a retrieval system.

    Args:
        scores: Similarity of each query with each item, [Q, G]; finite.
        relevant: Whether the item answers the query, [Q, G].
        ks: Cut-offs K ≥ 1.

    Raises:
        ValueError: If a score is not finite or a K is not positive.
    """
    if not np.isfinite(scores).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(scores))} scores are not finite")
    if any(k < 1 for k in ks):
        raise ValueError(f"K must be at least 1, got {tuple(ks)!r}")
    answerable = relevant.any(axis=1)
    hits = ranked(scores[answerable], relevant[answerable])
    total = hits.sum(axis=1)
    found = hits.cumsum(axis=1)
    values: dict[str, Float[np.ndarray, " q"]] = {}
    for k in ks:
        # A gallery smaller than K leaves the rest of the K places empty: still divided by K.
        within = found[:, min(k, hits.shape[1]) - 1] if hits.size else total
        values[f"p@{k}"] = within / k
        values[f"hit@{k}"] = (within > 0).astype(np.float64)
        values[f"recall@{k}"] = np.divide(within, total)
    first = hits.argmax(axis=1) if hits.size else total
    values["mrr"] = 1.0 / (first + 1)
    return RetrievalScores(
        values=values,
        kept=np.flatnonzero(answerable),
        dropped=int(np.count_nonzero(~answerable)),
    )
