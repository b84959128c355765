"""Protocols: what a model is asked (prompts), and where a score becomes a yes (thresholds).

Two threshold protocols stand side by side in every table. ``paper`` takes the threshold that
maximises F1 on the test set itself, as the paper does: optimistic, since the test labels choose it.
``held-out`` takes the same threshold on a validation split and applies it to the test set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int
from medfilip_model.platt import FEWEST, fit_curve

from medfilip_bench.metrics.classification import best_f1_threshold, unusable
from medfilip_bench.metrics.measure import Measure

Protocol = Literal["paper", "held-out"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
PROTOCOL_WORDS: Mapping[str, str] = {
    "paper": "threshold that maximises F1 on the test set (optimistic: test labels choose it)",
    "held-out": "the same threshold chosen on a validation split",
}
# The prompt that the paper gives its baselines.
CATEGORY_PROMPT = "This is an X-ray image of {category}."


@dataclass(frozen=True)
class Scored:
    """Labels and scores of one split.

    Attributes:
        labels: 1 present, 0 absent, NaN not known, [N, C].
        scores: Higher means more likely, [N, C]; NaN throughout a class that the model lacks.
        groups: Patient number of each image, [N].
    """

    labels: Float[np.ndarray, "N C"]
    scores: Float[np.ndarray, "N C"]
    groups: Int[np.ndarray, " N"]

    @property
    def known(self) -> Bool[np.ndarray, "N C"]:
        """Where the truth is known."""
        return ~np.isnan(self.labels)

    @property
    def truth(self) -> Bool[np.ndarray, "N C"]:
        """Where the finding is known to be present."""
        return self.labels == 1

    def column(self, index: int) -> tuple[Bool[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Return truth and scores of one class, over the images where the truth is known."""
        known = self.known[:, index]
        return self.truth[known, index], self.scores[known, index]


@dataclass(frozen=True)
class Decisions:
    """Fixed yes/no decisions of one protocol.

    Attributes:
        thresholds: The threshold of each class, or why there is none.
        predictions: Decisions; False throughout a class without a threshold, [N, C].
    """

    thresholds: tuple[Measure, ...]
    predictions: Bool[np.ndarray, "N C"]


def decide(test: Scored, valid: Scored | None) -> dict[Protocol, Decisions]:
    """Turn scores into decisions by both protocols.

    Args:
        test: The scores that are judged.
        valid: The validation split that ``held-out`` takes its thresholds from.
    """
    n_classes = test.scores.shape[1]
    chosen: dict[Protocol, tuple[Measure, ...]] = {
        "paper": tuple(best_f1_threshold(*test.column(c)) for c in range(n_classes)),
        "held-out": tuple(_held_out(valid, c) for c in range(n_classes)),
    }
    return {name: apply(thresholds, test.scores) for name, thresholds in chosen.items()}


def apply(thresholds: Sequence[Measure], scores: Float[np.ndarray, "N C"]) -> Decisions:
    """Decide ``score >= threshold`` for each class that has a threshold."""
    cuts = np.array([np.inf if t.value is None else t.value for t in thresholds])
    return Decisions(tuple(thresholds), scores >= cuts)


@dataclass(frozen=True)
class Calibrated:
    """Scores as probabilities.

    Attributes:
        values: In [0, 1]; NaN throughout a class that has none, [N, C].
        reasons: Why a class has none, None where it has.
    """

    values: Float[np.ndarray, "N C"]
    reasons: tuple[str | None, ...]


def calibrate(test: Scored, valid: Scored | None, *, probabilities: bool = False) -> Calibrated:
    """Turn scores into probabilities, by a logistic curve fitted on the validation split.

    A cosine is no probability. What is judged then is whether a curve that was fitted on one split
    (Platt 1999) tells the truth on another.

    Args:
        test: The scores that are judged.
        valid: The validation split that curves are fitted on.
        probabilities: Whether the scores are probabilities already: then nothing is fitted.
    """
    if probabilities:
        columns = [unusable(scores) for scores in test.scores.T]
        return Calibrated(test.scores.astype(np.float64), tuple(columns))
    values = np.full(test.scores.shape, np.nan)
    reasons: list[str | None] = []
    for c in range(test.scores.shape[1]):
        reason = unusable(test.scores[:, c]) or _unfit(valid, c)
        if reason is None and valid is not None:
            curve = fit_curve(valid.scores[:, c], valid.labels[:, c])
            if curve is None:
                reason = f"validation split: fewer than {FEWEST} positives or negatives"
            else:
                values[:, c] = curve.probability(test.scores[:, c])
        reasons.append(reason)
    return Calibrated(values, tuple(reasons))


def _unfit(valid: Scored | None, index: int) -> str | None:
    """Return why no curve can be fitted to a class, or None if one can."""
    if valid is None:
        return "no validation split"
    wrong = unusable(valid.scores[:, index])
    return f"validation split: {wrong}" if wrong else None


def _held_out(valid: Scored | None, index: int) -> Measure:
    """Return a class's threshold from the validation split, or why it has none."""
    if valid is None:
        return Measure.undefined("no validation split")
    chosen = best_f1_threshold(*valid.column(index))
    return (
        Measure.undefined(f"validation split: {chosen.reason}") if chosen.value is None else chosen
    )


def category_prompt(name: str) -> str:
    """Return the prompt that the paper gives its baselines, for a class name as written."""
    return CATEGORY_PROMPT.format(category=name)
