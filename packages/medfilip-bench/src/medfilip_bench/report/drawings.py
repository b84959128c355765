"""What a record's series hold, drawn whatever its family."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medfilip_bench.report.naming import metric_words, split_metric
from medfilip_bench.report.plots.curves import precision_recall, reliability, roc, share_curves
from medfilip_bench.report.plots.ink import COLOURS
from medfilip_bench.report.plots.maps import confusion, embedding
from medfilip_bench.results import RunRecord
from medfilip_bench.series import Points, Spot

_MOST_LINES = len(COLOURS)
_MANY_CLASSES = 9


@dataclass(frozen=True)
class Drawing:
    """An inline SVG with its caption; a wide one takes the room of two."""

    svg: str
    caption: str
    wide: bool = False


def series_drawings(record: RunRecord) -> Iterable[Drawing]:
    """Draw every series that the record holds.

    Args:
        record: One task's result.
    """
    series = record.series
    if series.confusion:
        yield Drawing(
            confusion(series.confusion, [n.replace("_", " ") for n in series.confusion_names]),
            "Confusion matrix: images by true and predicted class; shade is the share of the true "
            "class.",
            wide=len(series.confusion) > _MANY_CLASSES,
        )
    if series.roc:
        lines, more = _lines(record, series.roc, "auc")
        yield Drawing(roc(lines), f"ROC curves; the legend gives each AUC.{more}")
    if series.pr:
        lines, more = _lines(record, series.pr, "ap")
        yield Drawing(
            precision_recall(lines),
            f"Precision over recall; the legend gives each average precision (AP).{more}",
        )
    if series.reliability:
        shown = {"all": series.reliability["all"]} if "all" in series.reliability else None
        named = {_class_name(record, key): bins for key, bins in series.reliability.items()}
        yield Drawing(
            reliability(shown or dict(list(named.items())[:_MOST_LINES])),
            "Reliability: how often a finding is there when a probability is said. On the dashed "
            "line a probability means what it says; a dot's size is its share of the images.",
        )
    for metric, curves in series.curves.items():
        words = _metric(metric)
        floor, told = _floor(record, metric)
        yield Drawing(
            share_curves(curves, words, floor=floor),
            f"{words} over the share of labels, with 95 % bands{told}.",
        )
    if series.embedding:
        yield Drawing(
            embedding([_readable(record, spot) for spot in series.embedding]),
            "Images and texts of the classes in one plane: colour is the class, shape the "
            "subclass. Distances between far groups mean little.",
            wide=True,
        )


def _readable(record: RunRecord, spot: Spot) -> Spot:
    sub = spot.sub.replace("_", " ") if spot.sub else None
    return spot.model_copy(update={"label": _class_name(record, spot.label), "sub": sub})


def left_out(n: int, most: int) -> str:
    """Say that only the best of many are drawn; nothing where all are."""
    return f" The best {most} of {n} are drawn; the table has them all." if n > most else ""


def _lines(
    record: RunRecord, series: Mapping[str, Points], metric: str
) -> tuple[Mapping[str, Points], str]:
    """Return curves with their figure in the name, best first, and what was left out."""
    named: list[tuple[float, str, Points]] = []
    for row in record.rows:
        points = series.get(row.id)
        estimate = row.metrics.get(metric)
        if points and estimate is not None and estimate.value is not None:
            named.append((-estimate.value, f"{row.name} {estimate.value:.2f}", points))
    kept = sorted(named)[:_MOST_LINES]
    return {name: points for _, name, points in kept}, left_out(len(named), _MOST_LINES)


def _floor(record: RunRecord, metric: str) -> tuple[float | None, str]:
    """Return what a metric is without skill, and the words for its dashed line."""
    name = split_metric(metric)[0]
    if name == "auc":
        return 0.5, "; the dashed line is chance"
    empty = next((row for row in record.rows if row.id == "all-empty"), None)
    found = empty.metrics.get(name) if empty and name == "dice" else None
    # Where every image shows the finding it is 0: a line there would flatten all others.
    if found is not None and found.value:
        return found.value, "; the dashed line is an answer that is always empty"
    return None, ""


def _class_name(record: RunRecord, key: str) -> str:
    return next((row.name for row in record.rows if row.id == key), key.replace("_", " "))


def _metric(metric: str) -> str:
    protocol = split_metric(metric)[1]
    return f"{metric_words(metric)} ({protocol} threshold)" if protocol else metric_words(metric)
