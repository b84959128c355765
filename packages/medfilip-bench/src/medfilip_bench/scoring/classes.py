"""Binary classes: ranking, decisions by both threshold protocols, and calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medfilip_bench.metrics.calibration import BINS, reliability
from medfilip_bench.metrics.classification import pr_points, roc_points
from medfilip_bench.metrics.measure import Measure, macro
from medfilip_bench.protocols import PROTOCOLS, Decisions, Protocol, Scored, calibrate, decide
from medfilip_bench.results import Estimate, Row, RowKind
from medfilip_bench.scoring.drawn import Drawn
from medfilip_bench.scoring.judged import Judged, gaps_of, points, replicates, rests
from medfilip_bench.scoring.naming import ClassName, Resampling
from medfilip_bench.series import Bin, Points
from medfilip_bench.stats import (
    Interval,
    calibration_interval,
    replicate,
)


@dataclass(frozen=True)
class ClassScores:
    """Everything measured on a set of binary classes.

    Attributes:
        macro: Metric -> mean over the classes where it is defined.
        rows: One row a class.
        roc: Class id -> ROC points.
        pr: Class id -> (recall, precision) points.
        reliability: Class id -> bins, of the classes that have probabilities; ``all`` -> those of
            all their images together.
        replicates: Metric -> bootstrap replicates [R, C], for paired differences.
        drawn: The same with the patients that they rest on.
        macro_drawn: Metric -> replicates of the macro figure, [R, 1].
    """

    macro: dict[str, Estimate]
    rows: tuple[Row, ...]
    roc: dict[str, Points]
    pr: dict[str, Points]
    reliability: dict[str, tuple[Bin, ...]]
    drawn: dict[str, Drawn]
    macro_drawn: dict[str, Drawn]

    @property
    def replicates(self) -> dict[str, Float[np.ndarray, "R C"]]:
        """Metric -> bootstrap replicates [R, C], for paired differences."""
        return {metric: drawn.values for metric, drawn in self.drawn.items()}


def score_classes(
    classes: Sequence[ClassName],
    test: Scored,
    valid: Scored | None,
    resampling: Resampling,
    *,
    kind: RowKind = "class",
    decided: Mapping[Protocol, Decisions] | None = None,
    probabilities: bool = False,
) -> ClassScores:
    """Score C binary classes: AUC, AP, F1, ACC and MCC by both threshold protocols, calibration.

    Metrics are ``auc``, ``ap``, ``f1@paper`` … ``mcc@held-out``, ``ece`` (expected calibration
    error, ten bins of as many images each) and ``brier``. Intervals hold the thresholds, the
    calibration and its bins fixed: they say how far the test images were luck, not the choice.

    Args:
        classes: Names, one a column of the scores.
        test: What is judged.
        valid: Where ``held-out`` thresholds and the calibration come from.
        resampling: Bootstrap settings.
        kind: What a row stands for.
        decided: Decisions to judge in place of those that `decide` makes from the scores.
        probabilities: Whether the scores are probabilities already.
    """
    judged = Judged(
        test, decided or decide(test, valid), calibrate(test, valid, probabilities=probabilities)
    )
    found = [points(judged, c) for c in range(len(classes))]
    bins = judged.bins()
    made = replicate(
        lambda weights: replicates(judged, bins, weights),
        test.groups,
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )
    gaps = made.pop("gaps").reshape(-1, len(classes), BINS)
    counts = rests(test)
    drawn = {
        metric: Drawn(values, counts["acc" if metric.startswith("acc") else "any"])
        for metric, values in made.items()
    }
    defined = {
        metric: [c for c, point in enumerate(found) if point[metric].value is not None]
        for metric in found[0]
    }
    means = {metric: drawn[metric].mean(columns) for metric, columns in defined.items()}
    averages = {metric: macro([point[metric] for point in found]) for metric in found[0]}
    # A calibration error has intervals of its own kind.
    seen = gaps_of(judged, bins)
    overall = {metric: mean.interval() for metric, mean in means.items()}
    overall["ece"] = _error(averages["ece"], seen, gaps, defined["ece"], means["ece"])
    rows: list[Row] = []
    for c, name in enumerate(classes):
        ranges = {metric: table.interval(c) for metric, table in drawn.items()}
        ranges["ece"] = _error(found[c]["ece"], seen, gaps, [c], drawn["ece"].mean([c]))
        rows.append(_row(judged, c, name, kind, found[c], ranges))
    return ClassScores(
        macro={metric: Estimate.of(mean, overall[metric]) for metric, mean in averages.items()},
        rows=tuple(rows),
        roc={name.id: roc_points(*test.column(c)) for c, name in enumerate(classes)},
        pr={name.id: pr_points(*test.column(c)) for c, name in enumerate(classes)},
        reliability=_reliability(classes, judged),
        drawn=drawn,
        macro_drawn=means,
    )


def _error(
    measure: Measure,
    seen: Float[np.ndarray, "C B"],
    gaps: Float[np.ndarray, "R C B"],
    columns: Sequence[int],
    drawn: Drawn,
) -> Interval:
    """Return the interval of the calibration error of some classes, averaged over them."""
    if measure.value is None:
        return drawn.interval()
    of = list(columns)
    parts = gaps[:, of].reshape(len(gaps), -1)
    return calibration_interval(
        measure.value, seen[of].ravel() / len(of), parts / len(of), drawn.patients[0]
    )


def _row(
    judged: Judged,
    index: int,
    name: ClassName,
    kind: RowKind,
    found: Mapping[str, Measure],
    ranges: Mapping[str, Interval],
) -> Row:
    """Return the table's line of one class."""
    return Row(
        id=name.id,
        name=name.name,
        kind=kind,
        positives=int(judged.test.truth[:, index].sum()),
        n=int(judged.test.known[:, index].sum()),
        metrics={metric: Estimate.of(m, ranges[metric]) for metric, m in found.items()},
        thresholds={
            protocol: Estimate.of(judged.decided[protocol].thresholds[index])
            for protocol in PROTOCOLS
        },
        text=name.text,
    )


def _reliability(classes: Sequence[ClassName], judged: Judged) -> dict[str, tuple[Bin, ...]]:
    """Return the reliability bins of each class that has probabilities, and of all together."""
    labels: list[np.ndarray] = []
    said: list[np.ndarray] = []
    out: dict[str, tuple[Bin, ...]] = {}
    for c, name in enumerate(classes):
        known = judged.test.known[:, c]
        if judged.said.reasons[c] is None and known.any():
            labels.append(judged.test.truth[known, c])
            said.append(judged.said.values[known, c])
            out[name.id] = _bins(labels[-1], said[-1])
    return out | {"all": _bins(np.concatenate(labels), np.concatenate(said))} if out else {}


def _bins(labels: np.ndarray, said: np.ndarray) -> tuple[Bin, ...]:
    found = reliability(labels, said)
    cells = zip(found.said.tolist(), found.seen.tolist(), found.n.tolist(), strict=True)
    return tuple(Bin(said=p, seen=share, n=n) for p, share, n in cells)
