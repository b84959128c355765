"""Linear heads on frozen features: one logistic regression a class, its strength by validation."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from medfilip_bench.learning.draw import unlearnable
from medfilip_bench.metrics.classification import auc

# Inverse strengths of the penalty that are tried, strongest first; 1 where validation cannot say.
STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
UNTOLD = 1.0
_ITERATIONS = 100


@dataclass(frozen=True)
class Heads:
    """Linear heads, one a class.

    Attributes:
        weights: For features as they come, standardisation included, [C, D].
        bias: [C].
        strengths: Inverse penalty of each head; NaN where there is none, [C].
        reasons: Why a class has no head; None where it has.
    """

    weights: Float[np.ndarray, "C D"]
    bias: Float[np.ndarray, " C"]
    strengths: Float[np.ndarray, " C"]
    reasons: tuple[str | None, ...]

    def __call__(self, features: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N C"]:
        """Return logits; NaN in the column of a class without a head.

        Args:
            features: Features of the same encoder.
        """
        return features.astype(np.float64) @ self.weights.T + self.bias


def fit_heads(
    features: Float[np.ndarray, "N D"],
    labels: Float[np.ndarray, "N C"],
    valid_features: Float[np.ndarray, "V D"],
    valid_labels: Float[np.ndarray, "V C"],
    strengths: Sequence[float] = STRENGTHS,
) -> Heads:
    """Fit a logistic regression for each class on standardised features.

    The penalty of a class is weakened step by step as long as the AUC on the validation split does
    not fall; the best is taken, among equals the strongest.

    Args:
        features: Of the training images.
        labels: Theirs; 1 present, 0 absent, NaN not known.
        valid_features: Of the validation images; none of them is trained on.
        valid_labels: Theirs.
        strengths: Inverse strengths to try.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    scale = features.std(axis=0, dtype=np.float64)
    # A feature that does not vary says nothing: it stays at zero.
    scale[scale < 1e-12] = np.inf
    train, valid = (
        ((part - mean) / scale).astype(np.float32) for part in (features, valid_features)
    )
    axes = _axes(train)
    train, valid = train @ axes.T, valid @ axes.T
    reasons = unlearnable(labels)
    weights = np.full((labels.shape[1], len(axes)), np.nan)
    bias, chosen = np.full(labels.shape[1], np.nan), np.full(labels.shape[1], np.nan)
    for c, reason in enumerate(reasons):
        if reason is None:
            known, judged = ~np.isnan(labels[:, c]), ~np.isnan(valid_labels[:, c])
            weights[c], bias[c], chosen[c] = _one(
                train[known],
                labels[known, c] == 1,
                valid[judged],
                valid_labels[judged, c] == 1,
                strengths,
            )
    # Axes and standardisation become part of the head.
    weights = weights @ axes / scale
    return Heads(weights, bias - weights @ mean, chosen, reasons)


def _axes(features: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "r D"]:
    """Return orthonormal axes that span the training features.

    The best weights under a squared penalty lie in that span, so that ten images need ten numbers
    and not two thousand.
    """
    if len(features) >= features.shape[1]:
        return np.eye(features.shape[1], dtype=features.dtype)
    axes: Float[np.ndarray, "r D"] = np.linalg.svd(features, full_matrices=False)[2]
    return axes


def _one(
    train: Float[np.ndarray, "N D"],
    labels: np.ndarray,
    valid: Float[np.ndarray, "V D"],
    truth: np.ndarray,
    strengths: Sequence[float],
) -> tuple[Float[np.ndarray, " D"], float, float]:
    """Return weights, bias and strength of one class's head."""
    told = bool(truth.any() and not truth.all())
    model = LogisticRegression(max_iter=_ITERATIONS, warm_start=True)
    best: tuple[float, np.ndarray, float, float] | None = None
    for strength in strengths if told else (UNTOLD,):
        model.set_params(C=strength)
        with warnings.catch_warnings():
            # Validation judges the head as it is when the iterations are spent.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(train, labels)
        score = auc(truth, model.decision_function(valid)).value or 0.0 if told else 0.0
        if best is not None and score < best[0]:
            # Past the top: the weakest penalties take the longest and seldom come back.
            break
        if best is None or score > best[0]:
            best = score, *_line(model), strength
    assert best is not None
    return best[1], best[2], best[3]


def _line(model: LogisticRegression) -> tuple[Float[np.ndarray, " D"], float]:
    """Return a copy of a fitted model's weights, and its bias."""
    weights, bias = np.asarray(model.coef_, dtype=np.float64), np.asarray(model.intercept_)
    return weights[0].copy(), float(bias[0])
