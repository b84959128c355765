"""Run record → the full table of what it measured, baselines below."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from medfilip_bench.protocols import PROTOCOLS
from medfilip_bench.report.naming import (
    FAMILIES,
    TRAINED,
    dataset_words,
    full_words,
    metric_words,
    share_words,
    split_metric,
)
from medfilip_bench.report.table import Cell, Line, LineKind, Table, cell, tag_of
from medfilip_bench.results import Estimate, Family, Row, RunRecord

OVERALL: Mapping[Family, str] = {
    "extraction": "all categories",
    "zero_shot": "all classes",
    "grounding": "all classes",
    "subgroups": "all images",
}


def detail(record: RunRecord) -> Table:
    """Return the table of everything measured in a record.

    Metrics that need no threshold come first, then those of each protocol side by side, then the
    thresholds.

    Args:
        record: One task's result.
    """
    rows = record.rows
    body = [row for row in rows if row.kind != "baseline"]
    overall = OVERALL.get(record.family, "")
    metrics = _columns(record.metrics if overall else {}, rows)
    positives = any(row.positives is not None for row in body)
    thresholds = any(row.thresholds for row in body)
    seeds = f"; {record.provenance.profile} profile" if record.family in TRAINED else ""
    lines = [_overall(record, overall, metrics, thresholds)] if overall and record.metrics else []
    floor = [row for row in rows if row.kind == "baseline"]
    if any(row.of for row in floor):
        lines += _body(rows, metrics, thresholds)
    else:
        lines += _body(body, metrics, thresholds)
        if floor and any(line.kind == "divider" for line in lines):
            lines.append(Line("trivial baselines", (), "divider"))
        lines += [_line(row, metrics, thresholds) for row in floor]
    return Table(
        id=f"{record.task}-{record.model.name}",
        caption=f"{FAMILIES[record.family]}: all that was measured, with 95 % intervals{seeds}",
        columns=(
            "",
            "positives / n" if positives else "n",
            *(metric_words(m) for m in metrics),
            *(PROTOCOLS if thresholds else ()),
        ),
        lines=tuple(lines),
        groups=_groups(metrics, thresholds),
        tag=tag_of(record.phantom),
    )


def facts(record: RunRecord) -> tuple[tuple[str, Cell], ...]:
    """Return the headline figures that the table has no column for: a gain, a spread."""
    shown = {metric for row in record.rows for metric in row.metrics}
    shown |= {f"{metric}:{row.id}" for row in record.rows for metric in row.metrics}
    if OVERALL.get(record.family):
        shown |= set(_columns(record.metrics, record.rows))
    out: list[tuple[str, Cell]] = []
    for metric, estimate in record.metrics.items():
        base, _, suffix = metric.partition("@")
        if metric not in shown and base not in shown and not _is_share(suffix):
            out.append((full_words(metric), cell(estimate)))
    return tuple(out)


def _is_share(suffix: str) -> bool:
    """Whether a metric is that of a share of the labels (``auc@0.01``), as the rows have it."""
    return suffix.rpartition("@")[2].replace(".", "", 1).isdigit()


def _columns(headline: Mapping[str, Estimate], rows: Sequence[Row]) -> list[str]:
    """Return the metrics of rows and headline: without protocol first, then by protocol."""
    body = [row for row in rows if row.kind != "baseline"]
    # What all who are compared have comes first, where the baselines are some of those.
    everyone = [row for row in rows if row.kind == "baseline" and row.of]
    own = dict.fromkeys(m for row in (*everyone, *body) for m in row.metrics)
    floor = {m for row in rows if row.kind == "baseline" for m in row.metrics}
    only = [m for m in headline if m not in own and (m in floor or not own)]
    # A bare name that stands only beside both protocols would say one of them twice.
    twice = {
        m
        for m in own
        if all(f"{m}@{p}" in r.metrics for r in body if m in r.metrics for p in PROTOCOLS)
    }
    names = [m for m in (*only, *own) if m not in twice]
    places = ("", *PROTOCOLS)
    # P@1, P@3, P@10 stand together, then hit@1 …, each metric where its first one stands.
    bases = list(dict.fromkeys(metric.partition("@")[0] for metric in names))
    return sorted(
        names,
        key=lambda m: (places.index(split_metric(m)[1]), bases.index(m.partition("@")[0])),
    )


def _groups(metrics: Sequence[str], thresholds: bool) -> tuple[tuple[str, int], ...]:
    """Return the headings over neighbouring columns of one protocol."""
    names = ["", "", *(_group(metric) for metric in metrics)]
    names += ["threshold used"] * (len(PROTOCOLS) if thresholds else 0)
    runs = tuple((name, len(list(run))) for name, run in groupby(names))
    return runs if len(runs) > 1 else ()


def _group(metric: str) -> str:
    protocol = split_metric(metric)[1]
    return f"{protocol} threshold" if protocol else ""


def _overall(record: RunRecord, name: str, metrics: Sequence[str], thresholds: bool) -> Line:
    cells = [_cell(record.metrics.get(metric)) for metric in metrics]
    blank = [Cell("")] * (len(PROTOCOLS) if thresholds else 0)
    return Line(name, (Cell(f"{record.data.n:,}"), *cells, *blank), "overall")


def _body(rows: Sequence[Row], metrics: Sequence[str], thresholds: bool) -> list[Line]:
    """Return the lines of the rows; where they belong to several things, each has its heading."""
    owners = list(dict.fromkeys(map(_owner, rows)))
    out: list[Line] = []
    for owner in owners:
        if len(owners) > 1:
            out.append(Line(owner or "all", (), "divider"))
        out += [_line(row, metrics, thresholds) for row in rows if _owner(row) == owner]
    return out


def _owner(row: Row) -> str:
    """Return the heading that a row stands under."""
    of = dataset_words(row.of) if row.of else ""
    if row.kind == "class" and row.share is not None:
        return f"{of}: classes at {share_words(row.share)} of the labels"
    return of


def _line(row: Row, metrics: Sequence[str], thresholds: bool) -> Line:
    count = f"{row.n:,}" if row.positives is None else f"{row.positives:,} / {row.n:,}"
    cuts = [_cell(row.thresholds.get(p)) for p in PROTOCOLS]
    cells = [_cell(_figure(row, metric), row.spread.get(metric)) for metric in metrics]
    kind: LineKind = "baseline" if row.kind == "baseline" else "row"
    named = row.share is None or row.kind == "class"
    name = row.name if named or row.share is None else f"{share_words(row.share)} of the labels"
    small = f"{row.seeds} seeds" if row.seeds > 1 else ""
    return Line(name, (Cell(count), *cells, *(cuts if thresholds else ())), kind, small)


def _figure(row: Row, metric: str) -> Estimate | None:
    """Return a figure; a baseline without thresholds has the same by every protocol."""
    found = row.metrics.get(metric)
    if found is None and row.kind == "baseline":
        return row.metrics.get(split_metric(metric)[0])
    return found


def _cell(estimate: Estimate | None, spread: float | None = None) -> Cell:
    """Return a figure's cell; blank where the line is of a kind that has no such figure."""
    return Cell("") if estimate is None else cell(estimate, spread)
