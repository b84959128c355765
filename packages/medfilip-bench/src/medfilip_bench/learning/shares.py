"""Scores of several initialisations at several shares of the labels → rows, curves, headlines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from medfilip_bench.metrics.classification import NO_CLASS
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.protocols import Scored
from medfilip_bench.results import Estimate, Row
from medfilip_bench.scoring import ClassName, Resampling, SeedScores, SeedTable, across_seeds
from medfilip_bench.series import Curve, CurvePoint

# What curves over the share are drawn of.
CURVES = ("auc", "f1@paper", "f1@held-out", "dice@paper", "dice@held-out")


@dataclass(frozen=True)
class Place:
    """One initialisation at one share of the labels."""

    of: str
    share: float


@dataclass(frozen=True)
class Learned:
    """Scores after training, once a seed.

    Attributes:
        test: Of the judged images, [S, N, C]; NaN in classes that could not be learnt.
        valid: Of the validation images, [S, V, C].
        reasons: Why a class could not be learnt, for one seed at least; None where it could.
    """

    test: Float[np.ndarray, "S N C"]
    valid: Float[np.ndarray, "S V C"]
    reasons: tuple[str | None, ...]

    @classmethod
    def of(
        cls,
        test: Sequence[Float[np.ndarray, "N C"]],
        valid: Sequence[Float[np.ndarray, "V C"]],
        reasons: Sequence[Sequence[str | None]],
    ) -> "Learned":
        """Join the seeds; a class that one seed's labels cannot teach has no score in any.

        Means over the seeds are thus over the same classes.
        """
        first = tuple(
            next((reason for reason in column if reason), None)
            for column in zip(*reasons, strict=True)
        )
        closed = [reason is not None for reason in first]
        judged, other = np.stack(test), np.stack(valid)
        judged[:, :, closed], other[:, :, closed] = np.nan, np.nan
        return cls(judged, other, first)


@dataclass(frozen=True)
class Scores:
    """Learned things as tables.

    Attributes:
        tables: Place -> mean over classes and seeds.
        classes: Place -> a row a class.
        runs: Place -> all that `across_seeds` gives.
    """

    tables: Mapping[Place, SeedTable]
    classes: Mapping[Place, tuple[Row, ...]]
    runs: Mapping[Place, SeedScores]


def score_shares(
    names: Sequence[ClassName],
    test: Scored,
    valid: Scored | None,
    learned: Mapping[Place, Learned],
    resampling: Resampling,
) -> Scores:
    """Score every initialisation at every share, on the same images and draws of patients.

    Args:
        names: Names, one a class.
        test: What is judged; its scores are not looked at.
        valid: Where held-out thresholds come from, likewise.
        learned: What was trained.
        resampling: Bootstrap settings.
    """
    runs = {
        place: across_seeds(
            names,
            [replace(test, scores=scores) for scores in found.test],
            None if valid is None else [replace(valid, scores=scores) for scores in found.valid],
            resampling,
        )
        for place, found in learned.items()
    }
    return Scores(
        tables={p: _macro(run.macro, learned[p].reasons) for p, run in runs.items()},
        classes={
            p: tuple(
                _class(row, p, reason)
                for row, reason in zip(run.rows, learned[p].reasons, strict=True)
            )
            for p, run in runs.items()
        },
        runs=runs,
    )


def share_rows(
    tables: Mapping[Place, SeedTable], seeds: Mapping[Place, int], n: int, positives: int | None
) -> tuple[Row, ...]:
    """Return a row for each initialisation and share.

    Args:
        tables: Place -> figures.
        seeds: Place -> trainings behind them.
        n: Images that are judged.
        positives: Positives among them, where there is one class only.
    """
    return tuple(
        Row(
            id=f"{place.of}@{place.share}",
            name=place.of,
            kind="share",
            positives=positives,
            n=n,
            metrics=table.metrics,
            of=place.of,
            share=place.share,
            seeds=seeds[place],
            spread=table.spread,
        )
        for place, table in tables.items()
    )


def curves(tables: Mapping[Place, SeedTable]) -> dict[str, tuple[Curve, ...]]:
    """Return lines over the share of labels, one an initialisation, for each metric of `CURVES`."""
    found: dict[str, tuple[Curve, ...]] = {}
    for metric in CURVES:
        lines = [
            Curve(name=of, points=points)
            for of in dict.fromkeys(place.of for place in tables)
            if (points := tuple(_points(tables, of, metric)))
        ]
        if lines:
            found[metric] = tuple(lines)
    return found


def _points(tables: Mapping[Place, SeedTable], of: str, metric: str) -> Iterable[CurvePoint]:
    for place in sorted((p for p in tables if p.of == of), key=lambda p: p.share):
        estimate = tables[place].metrics.get(metric)
        if estimate is not None and estimate.value is not None:
            yield CurvePoint(x=place.share, y=estimate.value, low=estimate.low, high=estimate.high)


def headlines(
    tables: Mapping[Place, SeedTable], of: str, metrics: Sequence[str]
) -> dict[str, Estimate]:
    """Return one initialisation's figures as ``auc@0.01``.

    Args:
        tables: Place -> figures.
        of: Whose.
        metrics: Which.
    """
    return {
        f"{metric}@{place.share}": table.metrics[metric]
        for place, table in tables.items()
        if place.of == of
        for metric in metrics
    }


def with_gains(
    tables: Mapping[Place, SeedTable], own: str, other: str, metric: str
) -> dict[Place, SeedTable]:
    """Add to one initialisation's figures by how much they exceed another's: ``auc_gain``.

    Args:
        tables: Place -> figures.
        own: Whose figures get it.
        other: What they are held against, at the same share.
        metric: Which figure.
    """
    found: dict[Place, SeedTable] = {}
    for place, table in tables.items():
        against = tables.get(replace(place, of=other))
        if place.of == own and against is not None:
            gain = {f"{metric}_gain": gained(table, against, metric)}
            table = replace(table, metrics=table.metrics | gain)
        found[place] = table
    return found


def gained(own: SeedTable, other: SeedTable, metric: str) -> Estimate:
    """Return by how much one initialisation is better than another, in pairs.

    Both were judged on the same images, and their replicates drew the same patients.

    Args:
        own: What should be better.
        other: What it is held against.
        metric: Which figure.
    """
    mine, theirs = own.metrics[metric], other.metrics[metric]
    if mine.value is None or theirs.value is None:
        return Estimate(value=None, reason=mine.reason or theirs.reason)
    drawn, against = own.drawn[metric], other.drawn[metric]
    apart = replace(drawn, values=drawn.values - against.values)
    return Estimate.of(Measure(mine.value - theirs.value), apart.interval())


def _macro(table: SeedTable, reasons: Sequence[str | None]) -> SeedTable:
    """Say why nothing could be learnt, where no class could."""
    said = "; ".join(dict.fromkeys(reason for reason in reasons if reason))
    if not all(reasons):
        return table
    return replace(table, metrics={m: Estimate(value=None, reason=said) for m in table.metrics})


def _class(row: Row, place: Place, reason: str | None) -> Row:
    changes: dict[str, object] = {
        "of": place.of,
        "share": place.share,
        "id": f"{row.id}@{place.share}",
    }
    if reason is not None:
        metrics = {
            metric: Estimate(value=None, reason=reason) if _unlearnt(estimate) else estimate
            for metric, estimate in row.metrics.items()
        }
        changes["metrics"] = metrics
    return row.model_copy(update=changes)


def _unlearnt(estimate: Estimate) -> bool:
    return estimate.value is None and NO_CLASS in (estimate.reason or "")
