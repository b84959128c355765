"""Means over seeds of a training, with intervals over patients and trainings, and their spread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medfilip_bench.metrics.measure import Measure
from medfilip_bench.protocols import PROTOCOLS, Scored
from medfilip_bench.results import Estimate, Row, RowKind
from medfilip_bench.scoring.classes import ClassScores, score_classes
from medfilip_bench.scoring.drawn import Drawn
from medfilip_bench.scoring.naming import ClassName, Resampling
from medfilip_bench.stats import Interval, seed_replicates


@dataclass(frozen=True)
class SeedTable:
    """Metrics of one thing that was trained with several seeds.

    Attributes:
        metrics: Metric -> mean over the seeds, with its interval.
        spread: Metric -> standard deviation over the seeds; empty for one seed.
        drawn: Metric -> replicates of the mean, [R, 1], for paired differences.
    """

    metrics: dict[str, Estimate]
    spread: dict[str, float]
    drawn: dict[str, Drawn]


@dataclass(frozen=True)
class SeedScores:
    """Everything measured on binary classes by a model that was trained with several seeds.

    Attributes:
        macro: Mean over the classes, then over the seeds.
        rows: One row a class, with `seeds` and `spread`.
        runs: Each seed by itself, for curves.
    """

    macro: SeedTable
    rows: tuple[Row, ...]
    runs: tuple[ClassScores, ...]


def seed_table(
    values: Sequence[Mapping[str, Estimate]],
    drawn: Sequence[Mapping[str, Drawn]],
    resampling: Resampling,
) -> SeedTable:
    """Average S trainings of one thing.

    The mean is undefined if it is so for any seed. The interval draws patients and trainings. With
    few trainings their part of it is known roughly only; `spread` stands beside it for that reason.
    A calibration error's interval has no replicates of its own (`stats.calibration_interval`): its
    ends are the means of the seeds' ends, over patients alone.

    Args:
        values: Metric -> estimate, of each seed.
        drawn: Metric -> bootstrap replicates [R, 1], of each seed, with the same draws of
            patients.
        resampling: Bootstrap settings.
    """
    metrics: dict[str, Estimate] = {}
    spread: dict[str, float] = {}
    joined: dict[str, Drawn] = {}
    for metric in values[0]:
        found = [table[metric] for table in values]
        tables = [table[metric] for table in drawn]
        together = seed_replicates([table.values[:, 0] for table in tables], resampling.seed)
        joined[metric] = Drawn(together[:, None], tables[0].patients)
        defined = [e.value for e in found if e.value is not None]
        if len(defined) < len(found):
            metrics[metric] = next(e for e in found if e.value is None)
            continue
        mean = Measure(float(np.mean(defined)))
        ends = _ends(found) if metric == "ece" else _within(joined[metric], tables)
        metrics[metric] = Estimate.of(mean, ends)
        if len(defined) > 1:
            spread[metric] = float(np.std(defined, ddof=1))
    return SeedTable(metrics, spread, joined)


def _within(joined: Drawn, tables: Sequence[Drawn]) -> Interval:
    """Return the interval, cut off where the metric ends: at 1, and at 0 if it is never below."""
    found = joined.interval()
    if found.low is None or found.high is None:
        return found
    floor = 0.0 if min(np.nanmin(table.values) for table in tables) >= 0 else -1.0
    return Interval(max(found.low, floor), min(found.high, 1.0))


def _ends(found: Sequence[Estimate]) -> Interval:
    """Return the means of the intervals' ends."""
    pairs = [(e.low, e.high) for e in found if e.low is not None and e.high is not None]
    if len(pairs) < len(found):
        return Interval(None, None, "a seed has no interval")
    low, high = np.mean(pairs, axis=0)
    return Interval(float(low), float(high))


def across_seeds(
    classes: Sequence[ClassName],
    test: Sequence[Scored],
    valid: Sequence[Scored] | None,
    resampling: Resampling,
    *,
    kind: RowKind = "class",
    probabilities: bool = False,
) -> SeedScores:
    """Score binary classes of S trainings: `score_classes` of each, averaged by `seed_table`.

    Each training has thresholds of its own, by both protocols.

    Args:
        classes: Names, one a column of the scores.
        test: What is judged, one a seed: the same labels and patients, other scores.
        valid: Where ``held-out`` thresholds come from, one a seed.
        resampling: Bootstrap settings; every seed gets the same draws of patients.
        kind: What a row stands for.
        probabilities: Whether the scores are probabilities already.

    Raises:
        ValueError: If there is no seed, or the seeds do not judge the same labels and patients.
    """
    _check(test, valid)
    splits: Sequence[Scored | None] = valid or [None] * len(test)
    runs = tuple(
        score_classes(classes, judged, split, resampling, kind=kind, probabilities=probabilities)
        for judged, split in zip(test, splits, strict=True)
    )
    rows: list[Row] = []
    for c in range(len(classes)):
        lines = [run.rows[c] for run in runs]
        drawn = [{name: d.mean([c]) for name, d in run.drawn.items()} for run in runs]
        table = seed_table([line.metrics for line in lines], drawn, resampling)
        cuts = {name: _mean([line.thresholds[name] for line in lines]) for name in PROTOCOLS}
        changes = {"metrics": table.metrics, "thresholds": cuts, "spread": table.spread}
        rows.append(lines[0].model_copy(update={**changes, "seeds": len(runs)}))
    macro = seed_table([r.macro for r in runs], [r.macro_drawn for r in runs], resampling)
    return SeedScores(macro, tuple(rows), runs)


def _check(test: Sequence[Scored], valid: Sequence[Scored] | None) -> None:
    if not test or (valid is not None and len(valid) != len(test)):
        raise ValueError(f"{len(test)} seeds are judged, {len(valid or ())} give thresholds")
    for other in test[1:]:
        same = np.array_equal(other.labels, test[0].labels, equal_nan=True)
        if not same or not np.array_equal(other.groups, test[0].groups):
            raise ValueError("the seeds judge other labels or patients; means need the same ones")


def _mean(thresholds: Sequence[Estimate]) -> Estimate:
    """Return the mean threshold, or why there is none."""
    values = [t.value for t in thresholds if t.value is not None]
    if len(values) < len(thresholds):
        return next(t for t in thresholds if t.value is None)
    return Estimate(value=float(np.mean(values)))
