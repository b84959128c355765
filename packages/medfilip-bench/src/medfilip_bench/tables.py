"""Run records → tables of words: one shape that HTML, Markdown and the terminal all print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medfilip_bench.protocols import PROTOCOLS
from medfilip_bench.published import PublishedTable, load_published
from medfilip_bench.results import Estimate, Row, RunRecord

METRIC_WORDS: Mapping[str, str] = {
    "auc": "AUC",
    "ap": "AP",
    "f1": "F1",
    "acc": "ACC",
    "mcc": "MCC",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "mrr": "MRR",
    "p": "P",
    "auc_gain": "AUC gain",
}


@dataclass(frozen=True)
class Cell:
    """One cell: its main text, and a smaller line: an interval, or why there is none."""

    text: str
    small: str = ""
    why: bool = False


@dataclass(frozen=True)
class Line:
    """One line of a table.

    Attributes:
        name: First column.
        cells: The rest.
        kind: ``overall``, ``class`` … or ``baseline``; sets the type.
        small: A smaller line under the name.
    """

    name: str
    cells: tuple[Cell, ...]
    kind: str = "class"
    small: str = ""


@dataclass(frozen=True)
class Table:
    """A table of words.

    Attributes:
        caption: What it shows.
        published: Whether its figures are other people's.
        groups: Heading over several columns -> how many; empty when there is none.
        columns: Column headings, the first column's included.
        lines: The body.
    """

    caption: str
    published: bool
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    groups: tuple[tuple[str, int], ...] = ()


def words(text: str, small: str) -> str:
    """Join a text with its smaller line for where there is one type size."""
    return f"{text} ({small})" if small else text


def number(value: float) -> str:
    """Write a figure with three decimals and a true minus sign."""
    # Adding zero turns a rounded −0 into 0.
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def cell(estimate: Estimate | None) -> Cell:
    """Write an estimate with its interval, or say why it is null."""
    if estimate is None:
        return Cell("")
    if estimate.value is None:
        return Cell("—", estimate.reason or "", why=True)
    if estimate.low is None or estimate.high is None:
        return Cell(number(estimate.value), estimate.reason or "", why=bool(estimate.reason))
    dash = " – " if estimate.low < 0 else "–"
    return Cell(number(estimate.value), f"{number(estimate.low)}{dash}{number(estimate.high)}")


def metric_words(metric: str) -> str:
    """Return a metric's heading: ``recall@3`` stays, ``f1@paper`` becomes F1 under its group."""
    base, _, suffix = metric.partition("@")
    words = METRIC_WORDS.get(base, base.replace("_", " "))
    return words if suffix in (*PROTOCOLS, "") else f"{words}@{suffix}"


def measured(record: RunRecord, overall: str) -> Table:
    """Return the table of everything measured in a record, baselines below.

    Args:
        record: One task's result.
        overall: Name of the line of headline figures; empty for none.
    """
    rows = record.rows
    body = [row for row in rows if row.kind != "baseline"]
    metrics = _columns(record.metrics if overall else {}, rows)
    positives = any(row.positives is not None for row in body)
    thresholds = any(row.thresholds for row in body)
    columns = ("", *(("positives / n",) if positives else ("n",)))
    head = [("", len(columns))]
    for metric in metrics:
        group = metric.partition("@")[2]
        group = f"{group} threshold" if group in PROTOCOLS else ""
        if head[-1][0] == group:
            head[-1] = (group, head[-1][1] + 1)
        else:
            head.append((group, 1))
    if thresholds:
        head.append(("threshold used", len(PROTOCOLS)))
    lines = [_overall(record, overall, metrics, thresholds)] if overall else []
    lines += [_line(row, metrics, thresholds) for row in body]
    lines += [_line(row, metrics, thresholds) for row in rows if row.kind == "baseline"]
    return Table(
        caption="Measured here, with 95 % intervals",
        published=False,
        columns=(
            *columns,
            *(metric_words(m) for m in metrics),
            *(PROTOCOLS if thresholds else ()),
        ),
        lines=tuple(lines),
        groups=tuple(head) if len(head) > 1 else (),
    )


def _columns(headline: Mapping[str, Estimate], rows: Sequence[Row]) -> list[str]:
    """Return the metrics that only the headline has, then every metric of the rows."""
    body = [row for row in rows if row.kind != "baseline"]
    names = dict.fromkeys(metric for row in body for metric in row.metrics)
    return list(dict.fromkeys(m for m in headline if m not in names) | names)


def _overall(record: RunRecord, name: str, metrics: Sequence[str], thresholds: bool) -> Line:
    cells = [cell(record.metrics.get(metric)) for metric in metrics]
    blank = [Cell("")] * (len(PROTOCOLS) if thresholds else 0)
    return Line(name, (Cell(f"{record.data.n:,}"), *cells, *blank), "overall")


def _line(row: Row, metrics: Sequence[str], thresholds: bool) -> Line:
    count = f"{row.n:,}" if row.positives is None else f"{row.positives:,} / {row.n:,}"
    cuts = [cell(row.thresholds.get(p)) for p in (PROTOCOLS if thresholds else ())]
    cells = [cell(row.metrics.get(metric)) for metric in metrics]
    return Line(row.name, (Cell(count), *cells, *cuts), row.kind)


def reference(table: PublishedTable) -> Table:
    """Return a published table, as fractions, marked as other people's figures."""
    source = load_published().sources[table.source].name
    note = f" {table.note}" if table.note else ""
    return Table(
        caption=f"Published (other data): {table.title}. Source: {source}.{note}",
        published=True,
        columns=("method", *table.columns),
        lines=tuple(
            Line(row.name, tuple(Cell(f"{table.fraction(v):.4f}") for v in row.values), "published")
            for row in table.rows
        ),
    )
