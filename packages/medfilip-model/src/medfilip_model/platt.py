"""Scores to probabilities by a logistic curve (Platt 1999); pure."""

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit, log_expit, logit

# Fewer of either kind say too little: a curve through them would be an accident.
FEWEST = 5
# Newton's method on two or three numbers and a convex loss ends after some ten steps.
_STEPS = 100
_DONE = 1e-9
_RIDGE = 1e-9
# A deviation up to it is rounding.
_CONSTANT = 1e-12


class Curve(BaseModel):
    """The probability ``1 / (1 + exp(-(slope * score + beside * other + offset)))``.

    Attributes:
        slope: Of the log-odds, never below 0: a score that ranks the wrong way round is taken to
            say nothing, and then the probability is the share of positives.
        beside: Slope of the other score, never above 0.
        offset: Log-odds where all scores are 0.
        positives: Positives that it was fitted to.
        negatives: Negatives.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    slope: float = Field(ge=0)
    beside: float = Field(0.0, le=0)
    offset: float
    positives: int = Field(ge=1)
    negatives: int = Field(ge=1)

    def probability(
        self, scores: Float[np.ndarray, " N"], other: Float[np.ndarray, " N"] | None = None
    ) -> Float[np.ndarray, " N"]:
        """The chance that an image of each score is positive, among images like those of the fit.

        Args:
            scores: On the scale of the fit.
            other: The other score, where the curve was fitted with one.

        Returns:
            Values in [0, 1].
        """
        return expit(self._log_odds(scores, other))

    def evidence(
        self, scores: Float[np.ndarray, " N"], other: Float[np.ndarray, " N"] | None = None
    ) -> Float[np.ndarray, " N"]:
        """What the score adds to the log-odds of the base rate: above 0 speaks for, below against.

        It is the logarithm of the likelihood ratio: unlike the probability it does not depend on
        how common positives were among the images of the fit.

        Args:
            scores: On the scale of the fit.
            other: As in `probability`.

        Returns:
            Natural logarithms.
        """
        return self._log_odds(scores, other) - _base(self.positives, self.negatives)

    def _log_odds(
        self, scores: Float[np.ndarray, " N"], other: Float[np.ndarray, " N"] | None
    ) -> Float[np.ndarray, " N"]:
        added = 0.0 if other is None else self.beside * other.astype(np.float64)
        return self.slope * scores.astype(np.float64) + added + self.offset


def fit_curve(
    scores: Float[np.ndarray, " N"],
    labels: Float[np.ndarray, " N"],
    other: Float[np.ndarray, " N"] | None = None,
    *,
    fewest: int = FEWEST,
) -> Curve | None:
    """Fit a curve by maximum likelihood with Platt's targets.

    The targets are (P + 1) / (P + 2) and 1 / (Q + 2) for P positives and Q negatives instead of 1
    and 0, so that classes that a score tells apart without a fault get no infinite slope.

    Args:
        scores: Any finite scores, higher for positives.
        labels: 1 positive, 0 negative, NaN not known and left out.
        other: A score that can only speak against, such as that of the text of an image without
            findings; left out where it would speak for, or would turn the first score round.
        fewest: Positives and negatives that are needed.

    Returns:
        The curve, or None with fewer of either.
    """
    known = ~np.isnan(labels)
    positive = labels[known] == 1
    count = int(positive.sum())
    rest = len(positive) - count
    if min(count, rest) < max(fewest, 1):
        return None
    goals = np.where(positive, *_goals(count, rest))
    alone = scores[known].astype(np.float64)[:, None]
    tables = [alone]
    if other is not None:
        tables.insert(0, np.append(alone, other[known].astype(np.float64)[:, None], axis=1))
    for table in tables:
        (slope, *beside), offset = _fit(table, goals)
        if slope > 0 and all(weight <= 0 for weight in beside):
            break
    else:
        slope, beside, offset = 0.0, [], _base(count, rest)
    return Curve(slope=slope, beside=sum(beside), offset=offset, positives=count, negatives=rest)


def calibration_error(
    probabilities: Float[np.ndarray, " N"], labels: Float[np.ndarray, " N"], *, bins: int = 10
) -> float | None:
    """Expected calibration error: the mean distance of stated probabilities from observed shares.

    Args:
        probabilities: In [0, 1].
        labels: 1, 0, or NaN: left out.
        bins: Equally wide bins of the probability (Naeini et al. 2015); each weighs as many images
            as it holds.

    Returns:
        A value in [0, 1]; None without a known label.
    """
    known = ~np.isnan(labels)
    stated, truth = probabilities[known], labels[known]
    if not len(truth):
        return None
    place = np.minimum((stated * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, weights=stated - truth, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))


def _goals(positives: int, negatives: int) -> tuple[float, float]:
    return (positives + 1) / (positives + 2), 1 / (negatives + 2)


def _base(positives: int, negatives: int) -> float:
    """Log-odds of the mean target: what a curve says that says nothing else."""
    high, low = _goals(positives, negatives)
    return float(logit((positives * high + negatives * low) / (positives + negatives)))


def _fit(
    table: Float[np.ndarray, "N F"], goals: Float[np.ndarray, " N"]
) -> tuple[list[float], float]:
    """Slopes and offset of the columns; a column that is constant has slope 0."""
    # On standardised scores, so that one step size suits cosines and logits alike.
    mean, deviation = table.mean(axis=0), table.std(axis=0)
    fixed = deviation <= _CONSTANT
    deviation[fixed] = 1.0
    rows = np.where(fixed, 0.0, (table - mean) / deviation)
    weights = _newton(np.append(rows, np.ones((len(rows), 1)), axis=1), goals)
    slopes = np.where(fixed, 0.0, weights[:-1] / deviation)
    return slopes.tolist(), float(weights[-1] - slopes @ mean)


def _newton(rows: Float[np.ndarray, "N F"], goals: Float[np.ndarray, " N"]) -> np.ndarray:
    """Weights of least cross-entropy, by Newton's method with halved steps."""

    def loss(at: np.ndarray) -> float:
        z = rows @ at
        return float(-(goals * log_expit(z) + (1 - goals) * log_expit(-z)).sum())

    found = np.zeros(rows.shape[1])
    value = loss(found)
    for _ in range(_STEPS):
        p = expit(rows @ found)
        hessian = (rows * (p * (1 - p))[:, None]).T @ rows + _RIDGE * np.eye(len(found))
        step = np.linalg.solve(hessian, rows.T @ (p - goals))
        while loss(found - step) > value and np.abs(step).max() > _DONE:
            step /= 2
        after = loss(found - step)
        if value - after <= _DONE:
            break
        found, value = found - step, after
    return found
