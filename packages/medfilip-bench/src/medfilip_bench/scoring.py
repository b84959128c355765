"""Scores → table rows: every metric with its interval, by both threshold protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medfilip_bench.metrics.classification import (
    auc,
    average_precision,
    count,
    decisions,
    one_sided,
    roc_points,
    unusable,
)
from medfilip_bench.metrics.measure import Measure, macro
from medfilip_bench.protocols import PROTOCOLS, Decisions, Protocol, Scored, decide
from medfilip_bench.results import Estimate, Row, RowKind
from medfilip_bench.stats import (
    Weights,
    interval,
    macro_replicates,
    replicate,
    weighted_auc_ap,
    weighted_counts,
)


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn: replicates and seed."""

    replicates: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class ClassName:
    """A class as a table names it: its id, its name, and the prompt the model was given."""

    id: str
    name: str
    text: str | None = None


@dataclass(frozen=True)
class ClassScores:
    """Everything measured on a set of binary classes.

    Attributes:
        macro: Metric -> mean over the classes where it is defined.
        rows: One row a class.
        roc: Class id -> ROC points.
        replicates: Metric -> bootstrap replicates [R, C], for paired differences.
    """

    macro: dict[str, Estimate]
    rows: tuple[Row, ...]
    roc: dict[str, tuple[tuple[float, float], ...]]
    replicates: dict[str, Float[np.ndarray, "R C"]]


def score_classes(
    classes: Sequence[ClassName],
    test: Scored,
    valid: Scored | None,
    resampling: Resampling,
    *,
    kind: RowKind = "class",
    decided: Mapping[Protocol, Decisions] | None = None,
) -> ClassScores:
    """Score C binary classes: AUC, AP, and F1, ACC, MCC by both threshold protocols.

    Intervals hold the thresholds fixed: they say how far the test images were luck, not the choice.

    Args:
        classes: Names, one a column of the scores.
        test: What is judged.
        valid: Where ``held-out`` thresholds come from.
        resampling: Bootstrap settings.
        kind: What a row stands for.
        decided: Decisions to judge in place of those that `decide` makes from the scores.
    """
    by_protocol = decided or decide(test, valid)
    points = [_points(test, by_protocol, c) for c in range(len(classes))]
    drawn = replicate(
        lambda weights: _replicates(test, by_protocol, weights),
        test.groups,
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )
    rows = tuple(
        Row(
            id=name.id,
            name=name.name,
            kind=kind,
            positives=int(test.truth[:, c].sum()),
            n=int(test.known[:, c].sum()),
            metrics={
                metric: Estimate.of(measure, interval(drawn[metric][:, c]))
                for metric, measure in points[c].items()
            },
            thresholds={
                protocol: Estimate.of(by_protocol[protocol].thresholds[c]) for protocol in PROTOCOLS
            },
            text=name.text,
        )
        for c, name in enumerate(classes)
    )
    return ClassScores(
        macro={metric: _macro(metric, points, drawn[metric]) for metric in points[0]},
        rows=rows,
        roc={name.id: roc_points(*test.column(c)) for c, name in enumerate(classes)},
        replicates=drawn,
    )


def _points(test: Scored, decided: Mapping[Protocol, Decisions], index: int) -> dict[str, Measure]:
    """Return the point estimates of one class."""
    labels, scores = test.column(index)
    known = test.known[:, index]
    out = {"auc": auc(labels, scores), "ap": average_precision(labels, scores)}
    for protocol in PROTOCOLS:
        threshold = decided[protocol].thresholds[index]
        measures = decisions(count(labels, decided[protocol].predictions[known, index]))
        if threshold.value is None:
            unset = Measure.undefined(f"no threshold: {threshold.reason}")
            measures = dict.fromkeys(measures, unset)
        out |= {f"{name}@{protocol}": measure for name, measure in measures.items()}
    return out


def _replicates(
    test: Scored, decided: Mapping[Protocol, Decisions], weights: Weights
) -> dict[str, Float[np.ndarray, "R C"]]:
    """Return every metric's value on each replicate, [R, C] each."""
    area = np.full((weights.shape[0], test.scores.shape[1]), np.nan)
    average = area.copy()
    for c in range(test.scores.shape[1]):
        labels, scores = test.column(c)
        if one_sided(labels) is None and unusable(scores) is None:
            drawn = weights[:, test.known[:, c]]
            area[:, c], average[:, c] = weighted_auc_ap(labels, scores, drawn)
    out = {"auc": area, "ap": average}
    for protocol in PROTOCOLS:
        counts = weighted_counts(test.truth, decided[protocol].predictions, test.known, weights)
        out |= {
            f"f1@{protocol}": counts.f1(),
            f"acc@{protocol}": counts.acc(),
            f"mcc@{protocol}": counts.mcc(),
        }
    return out


def _macro(
    metric: str, points: Sequence[Mapping[str, Measure]], drawn: Float[np.ndarray, "R C"]
) -> Estimate:
    """Return the mean over the classes where a metric is defined, with its interval."""
    measures = [point[metric] for point in points]
    defined = [c for c, measure in enumerate(measures) if measure.value is not None]
    return Estimate.of(macro(measures), interval(macro_replicates(drawn[:, defined])))
