"""Area under the ROC curve from ranks; pure."""

import numpy as np
from jaxtyping import Float


def rank_auc(scores: Float[np.ndarray, " N"], labels: Float[np.ndarray, " N"]) -> float | None:
    """The chance that a positive scores above a negative, ties counting half (Mann-Whitney).

    Args:
        scores: Any real scores.
        labels: 1 positive, 0 negative, NaN not known and left out.

    Returns:
        A value in [0, 1], or None without both a positive and a negative.
    """
    known = ~np.isnan(labels)
    scores, positive = scores[known], labels[known] == 1
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # The mean rank of a run of ties, ranks counted from 1.
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]
    above = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))
