"""Run record → its figures, one or two a task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from medfilip_bench.plots import Bar, bars, confusion, roc
from medfilip_bench.results import Row, RunRecord

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Drawing:
    """An inline SVG with its caption."""

    svg: str
    caption: str


def figures(record: RunRecord) -> tuple[Drawing, ...]:
    """Draw a record.

    Args:
        record: One task's result.
    """
    draw = _DRAW.get(record.task)
    return draw(record) if draw else ()


def _single(record: RunRecord) -> tuple[Drawing, ...]:
    svg = confusion(record.series.confusion, record.series.confusion_names)
    return (
        Drawing(
            svg,
            "Confusion matrix: images by true and predicted class; shade is the share of "
            "the true class.",
        ),
        Drawing(
            bars(_bars(record, "class", "f1"), "F1 of the class"),
            "F1 of each class with 95 % intervals.",
        ),
    )


def _multi(record: RunRecord) -> tuple[Drawing, ...]:
    items = _bars(record, "class", "auc")
    return (
        Drawing(
            bars(items, "AUC", chance=0.5),
            "AUC of each class with 95 % intervals; the dashed line is chance.",
        ),
        Drawing(roc(_curves(record)), "ROC curves; the legend gives each AUC."),
    )


def _unseen(record: RunRecord) -> tuple[Drawing, ...]:
    metrics = {"AUC": "auc", "F1 (held-out)": "f1@held-out", "ACC (held-out)": "acc@held-out"}
    rows = record.of_kind("variant")
    items = [
        bar
        for group, metric in enumerate(metrics.values())
        for bar in (_bar(row, metric, group) for row in rows)
        if bar is not None
    ]
    return (
        Drawing(
            bars(items, "value", chance=0.5, groups=list(metrics)),
            "COVID-19 against seen classes and normal, by what the model was asked; "
            "the dashed line is an AUC of chance.",
        ),
        Drawing(roc(_curves(record)), "ROC curves of the questions; the legend gives AUC."),
    )


def _retrieval(record: RunRecord) -> tuple[Drawing, ...]:
    rows = [*record.of_kind("direction"), *record.of_kind("baseline")]
    ks = [name.partition("@")[2] for name in rows[0].metrics if name.startswith("hit@")]
    out: list[Drawing] = []
    for metric, words in (("hit", "hit@K"), ("p", "P@K")):
        items = [
            Bar(f"{row.name}, K = {k}", bar.value, bar.low, bar.high, group)
            for k in ks
            for group, row in enumerate(rows)
            if (bar := _bar(row, f"{metric}@{k}", group)) is not None
        ]
        out.append(Drawing(bars(items, words), f"{words}, with 95 % intervals."))
    return tuple(out)


def _extraction(record: RunRecord) -> tuple[Drawing, ...]:
    items = _bars(record, "class", "f1")
    return (Drawing(bars(items, "presence F1"), "Presence F1 of each category."),)


def _bars(record: RunRecord, kind: str, metric: str) -> list[Bar]:
    """Return the bars of the rows where the metric is defined, best first."""
    drawn = [_bar(row, metric, 0) for row in record.rows if row.kind == kind]
    return sorted((bar for bar in drawn if bar is not None), key=lambda bar: -bar.value)


def _bar(row: Row, metric: str, group: int) -> Bar | None:
    estimate = row.metrics.get(metric)
    if estimate is None or estimate.value is None:
        return None
    return Bar(row.name, estimate.value, estimate.low, estimate.high, group)


def _curves(record: RunRecord) -> Mapping[str, Points]:
    """Return the ROC curves with their AUC in the name, best first."""
    named: list[tuple[float, str, Points]] = []
    for row in record.rows:
        points = record.series.roc.get(row.id)
        estimate = row.metrics.get("auc")
        if points and estimate is not None and estimate.value is not None:
            named.append((-estimate.value, f"{row.name} {estimate.value:.2f}", points))
    return {name: points for _, name, points in sorted(named)}


_DRAW: Mapping[str, Callable[[RunRecord], tuple[Drawing, ...]]] = {
    "zero_shot_single": _single,
    "zero_shot_multi": _multi,
    "folder": _multi,
    "unseen": _unseen,
    "retrieval": _retrieval,
    "extraction": _extraction,
}
