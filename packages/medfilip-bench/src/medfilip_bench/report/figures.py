"""Run record → its figures: those of its family, then whatever its series hold."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from medfilip_bench.report.drawings import Drawing, left_out, series_drawings
from medfilip_bench.report.flat import baseline_name
from medfilip_bench.report.naming import dataset_words, metric_words
from medfilip_bench.report.plots.bars import Bar, bars
from medfilip_bench.report.plots.curves import step_lines
from medfilip_bench.results import Family, Row, RowKind, RunRecord
from medfilip_bench.series import Curve, CurvePoint

_MOST_BARS = 32


def figures(record: RunRecord) -> tuple[Drawing, ...]:
    """Draw a record.

    Args:
        record: One task's result.
    """
    draw = _DRAW.get(record.family)
    return (*(draw(record) if draw else ()), *series_drawings(record))


def _zero_shot(record: RunRecord) -> Iterable[Drawing]:
    if record.series.confusion:
        yield from _ranked(record, "class", "f1", "F1 of each class")
    else:
        yield from _ranked(record, "class", "auc", "AUC of each class", chance=0.5)


def _extraction(record: RunRecord) -> Iterable[Drawing]:
    yield from _ranked(record, "class", "f1", "Presence F1 of each category")


def _unseen(record: RunRecord) -> Iterable[Drawing]:
    metrics = {"AUC": "auc", "F1 (held-out)": "f1@held-out", "ACC (held-out)": "acc@held-out"}
    yield from _grouped(
        record.of_kind("variant"),
        metrics,
        "COVID-19 against everything else, by what the model was asked; the dashed line is an AUC "
        "of chance.",
        chance=0.5,
    )


def _retrieval(record: RunRecord) -> Iterable[Drawing]:
    rows = [*record.of_kind("direction"), *record.of_kind("baseline")]
    groups = [baseline_name(row)[1] if row.kind == "baseline" else row.name for row in rows]
    legend = list(dict.fromkeys(groups))
    ks = [name.partition("@")[2] for name in rows[0].metrics if name.startswith("hit@")]
    for metric, words in (("hit", "hit@K"), ("p", "P@K")):
        items = [
            bar
            for direction in record.of_kind("direction")
            for k in ks
            for row, group in zip(rows, groups, strict=True)
            if direction.id in (row.id, baseline_name(row)[0])
            for bar in [_bar(row, f"{metric}@{k}", legend.index(group))]
            if bar is not None
            for bar in [Bar(f"{direction.name}, K = {k}", bar.value, bar.low, bar.high, bar.group)]
        ]
        yield Drawing(bars(items, words, groups=legend), f"{words} with 95 % intervals.")


def _grounding(record: RunRecord) -> Iterable[Drawing]:
    rows = [*record.of_kind("class"), *record.of_kind("baseline")]
    yield from _grouped(
        rows,
        {"pointing game": "pointing", "box IoU": "box_iou"},
        "Grounding of each class with 95 % intervals; trivial baselines below.",
    )


def _ablation(record: RunRecord) -> Iterable[Drawing]:
    rows = record.of_kind("step")
    steps = list(dict.fromkeys(row.name for row in rows))
    for metric in ("acc", "f1", "auc"):
        curves = [
            Curve(name=dataset_words(dataset or "all"), points=tuple(points))
            for dataset in dict.fromkeys(row.of for row in rows)
            if (points := list(_steps([r for r in rows if r.of == dataset], steps, metric)))
        ]
        if curves:
            yield Drawing(
                step_lines(steps, curves, metric_words(metric)),
                f"{metric_words(metric)} of each step of the ablation, with 95 % intervals"
                f"{'' if metric == 'auc' else '; paper threshold where one is chosen'}.",
            )


def _steps(rows: Sequence[Row], steps: Sequence[str], metric: str) -> Iterable[CurvePoint]:
    for row in rows:
        names = (f"{metric}@paper", metric, "macro_f1" if metric == "f1" else metric)
        found = next((row.metrics[name] for name in names if name in row.metrics), None)
        if found is not None and found.value is not None:
            place = steps.index(row.name)
            yield CurvePoint(x=place, y=found.value, low=found.low, high=found.high)


def _case_study(record: RunRecord) -> Iterable[Drawing]:
    rows = record.of_kind("variant")
    kinds = list(dict.fromkeys(row.name for row in rows))
    for metric, words, chance in (
        ("similarity", "Mean similarity of a class's own images with the text", None),
        ("auc", "How well the text tells the class's images from all others (AUC)", 0.5),
    ):
        items = [
            Bar(row.of or "all", bar.value, bar.low, bar.high, bar.group)
            for row in rows
            for bar in [_bar(row, metric, kinds.index(row.name))]
            if bar is not None
        ]
        if items:
            yield Drawing(
                bars(items, metric_words(metric), groups=kinds, chance=chance),
                f"{words}, by the kind of text, with 95 % intervals.",
            )


def _prompts(record: RunRecord) -> Iterable[Drawing]:
    yield from _ranked(record, "variant", "auc", "Macro AUC by the wording", chance=0.5)


def _subgroups(record: RunRecord) -> Iterable[Drawing]:
    yield from _by_owner(
        record.of_kind("subgroup"),
        "Macro AUC of each subgroup with 95 % intervals; the dashed line is chance.",
    )


def _report_consistency(record: RunRecord) -> Iterable[Drawing]:
    yield from _by_owner(
        record.rows,
        "AUC of true reports against those with each mistake, by who doubts them, with 95 % "
        "intervals; the dashed line is chance.",
    )


def _by_owner(rows: Sequence[Row], words: str) -> Iterable[Drawing]:
    owners = list(dict.fromkeys(row.of or "" for row in rows))
    drawn = [_bar(row, "auc", owners.index(row.of or "")) for row in rows]
    items = [bar for bar in drawn if bar is not None]
    if items:
        yield Drawing(bars(items, "AUC", chance=0.5, groups=owners), words)


def _ranked(
    record: RunRecord, kind: RowKind, metric: str, words: str, *, chance: float | None = None
) -> Iterable[Drawing]:
    """Draw a metric of the rows where it is defined, best first."""
    drawn = [_bar(row, metric, 0) for row in record.of_kind(kind)]
    items = sorted((bar for bar in drawn if bar is not None), key=lambda bar: -bar.value)
    if len(items) > 1:
        more = left_out(len(items), _MOST_BARS)
        dashed = "; the dashed line is chance" if chance is not None else ""
        svg = bars(items[:_MOST_BARS], metric_words(metric), chance=chance)
        yield Drawing(svg, f"{words} with 95 % intervals{dashed}.{more}")


def _grouped(
    rows: Sequence[Row], metrics: Mapping[str, str], caption: str, *, chance: float | None = None
) -> Iterable[Drawing]:
    """Draw several metrics of the same rows side by side, a colour a metric."""
    items = [
        bar
        for row in rows[:_MOST_BARS]
        for group, metric in enumerate(metrics.values())
        for bar in [_bar(row, metric, group)]
        if bar is not None
    ]
    if items:
        more = left_out(len(rows), _MOST_BARS)
        svg = bars(items, "value", chance=chance, groups=list(metrics))
        yield Drawing(svg, f"{caption}{more}")


def _bar(row: Row, metric: str, group: int) -> Bar | None:
    estimate = row.metrics.get(metric)
    if estimate is None or estimate.value is None:
        return None
    return Bar(row.name, estimate.value, estimate.low, estimate.high, group)


_DRAW: Mapping[Family, Callable[[RunRecord], Iterable[Drawing]]] = {
    "zero_shot": _zero_shot,
    "unseen": _unseen,
    "retrieval": _retrieval,
    "extraction": _extraction,
    "grounding": _grounding,
    "ablation": _ablation,
    "case_study": _case_study,
    "prompts": _prompts,
    "subgroups": _subgroups,
    "report_consistency": _report_consistency,
}
