"""Binary classes that are judged: point estimates, replicates, and what they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medfilip_bench.metrics.calibration import BINS, bins_of, brier, calibration_error
from medfilip_bench.metrics.classification import (
    NO_CLASS,
    auc,
    average_precision,
    count,
    decisions,
    one_sided,
    unusable,
)
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.protocols import PROTOCOLS, Calibrated, Decisions, Protocol, Scored
from medfilip_bench.stats import (
    Weights,
    resting_on,
    weighted_auc_ap,
    weighted_counts,
    weighted_gaps,
    weighted_mean,
)


@dataclass(frozen=True)
class Judged:
    """What is judged, and what was made of it.

    Attributes:
        test: Labels and scores.
        decided: Decisions of each protocol.
        said: Probabilities.
    """

    test: Scored
    decided: Mapping[Protocol, Decisions]
    said: Calibrated

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return self.test.scores.shape[1]

    def bins(self) -> tuple[Int[np.ndarray, " _"], ...]:
        """Return the bin of each image of a class's known ones, for the calibration error."""
        said = np.nan_to_num(self.said.values)
        return tuple(bins_of(said[self.test.known[:, c], c]) for c in range(self.n_classes))


def points(judged: Judged, index: int) -> dict[str, Measure]:
    """Return the point estimates of one class.

    Args:
        judged: What is judged.
        index: Column of the class.
    """
    labels, scores = judged.test.column(index)
    known = judged.test.known[:, index]
    out = {"auc": auc(labels, scores), "ap": average_precision(labels, scores)}
    for protocol in PROTOCOLS:
        made = judged.decided[protocol]
        measures = decisions(count(labels, made.predictions[known, index]))
        if made.thresholds[index].value is None:
            unset = Measure.undefined(f"no threshold: {made.thresholds[index].reason}")
            measures = dict.fromkeys(measures, unset)
        out |= {f"{name}@{protocol}": measure for name, measure in measures.items()}
    reason, said = judged.said.reasons[index], judged.said.values[known, index]
    for name, metric in (("ece", calibration_error), ("brier", brier)):
        out[name] = Measure.undefined(reason) if reason else metric(labels, said)
    if unusable(scores) == NO_CLASS:
        return dict.fromkeys(out, Measure.undefined(NO_CLASS))
    return out


def replicates(
    judged: Judged, bins: tuple[Int[np.ndarray, " _"], ...], weights: Weights
) -> dict[str, Float[np.ndarray, "R _"]]:
    """Return every metric's value on each replicate, [R, C] each, and ``gaps``, [R, C × B].

    Args:
        judged: What is judged.
        bins: Its bins.
        weights: How often each image was drawn, [R, N].
    """
    test = judged.test
    area = np.full((weights.shape[0], judged.n_classes), np.nan)
    average = area.copy()
    gaps = np.full((*area.shape, BINS), np.nan)
    # Once, not in every product with probabilities.
    double = weights.astype(np.float64)
    for c in range(judged.n_classes):
        known = test.known[:, c]
        labels, scores = test.column(c)
        whole = bool(known.all())
        drawn = weights if whole else weights[:, known]
        if one_sided(labels) is None and unusable(scores) is None:
            area[:, c], average[:, c] = weighted_auc_ap(labels, scores, drawn)
        if judged.said.reasons[c] is None:
            said = judged.said.values[known, c]
            gaps[:, c] = weighted_gaps(
                labels, said, bins[c], BINS, double if whole else double[:, known]
            )
    squares = (judged.said.values - test.labels) ** 2
    out = {
        "auc": area,
        "ap": average,
        "ece": np.abs(gaps).sum(axis=2),
        "brier": weighted_mean(squares, double),
        "gaps": gaps.reshape(len(gaps), -1),
    }
    for protocol in PROTOCOLS:
        made = judged.decided[protocol]
        counts = weighted_counts(test.truth, made.predictions, test.known, weights)
        out |= {
            f"f1@{protocol}": counts.f1(),
            f"acc@{protocol}": counts.acc(),
            f"mcc@{protocol}": counts.mcc(),
        }
    return out


def gaps_of(judged: Judged, bins: tuple[Int[np.ndarray, " _"], ...]) -> Float[np.ndarray, "C B"]:
    """Return share of the images × (said − seen) of each class and bin; NaN without probabilities.

    Args:
        judged: What is judged.
        bins: Its bins.
    """
    everyone = np.ones((1, len(judged.test.labels)), dtype=np.float32)
    return replicates(judged, bins, everyone)["gaps"].reshape(judged.n_classes, BINS)


def rests(test: Scored) -> dict[str, tuple[int, ...]]:
    """Return how many patients each class rests on: ``acc`` on all of them, ``any`` else on few.

    Args:
        test: What is judged.
    """
    known = [np.unique(test.groups[column]).size for column in test.known.T]
    return {"acc": tuple(known), "any": resting_on(test.truth, test.known, test.groups)}
