"""Contenders × columns → a table laid out as the paper's, measured lines first, published apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from medfilip_bench.report.flat import Flat, Found
from medfilip_bench.report.published import PublishedTable, load_published, printed
from medfilip_bench.report.table import NONE, Cell, Line, Table, cell, tag_of
from medfilip_bench.results import Estimate

# A single label has no F1 but the macro one.
_ALIASES = {"f1": "macro_f1"}


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        group: Heading over it and its neighbours.
        heading: Its own.
        dataset: Whose figures.
        place: Share, direction or variant; empty for the whole data set.
        metric: What is asked for; a `Reading` says under which names it is looked up.
        published: Name of the published column beside it; None for none.
    """

    group: str
    heading: str
    dataset: str
    metric: str
    place: str = ""
    published: str | None = None


@dataclass(frozen=True)
class Reading:
    """One way to read the columns; each has a line of its own.

    Attributes:
        words: What the line is called; empty where there is only one way.
        forms: Names to look a metric up by, first match first; ``{}`` stands for it.
    """

    words: str
    forms: tuple[str, ...] = ("{}",)


PROTOCOL_READINGS = (
    Reading("paper threshold", ("{}@paper", "{}")),
    Reading("held-out threshold", ("{}@held-out", "{}")),
)


def matrix(
    table: Table,
    flat: Flat,
    columns: Sequence[Column],
    readings: Sequence[Reading],
    published: Sequence[str] = (),
    *,
    phantom: bool,
) -> Table | None:
    """Fill a table's columns and lines.

    Args:
        table: Its id, caption and note.
        flat: The measured figures.
        columns: The columns.
        readings: The ways to read them; equal lines are shown once.
        published: Published tables whose rows stand below.
        phantom: Whether the figures were measured on phantoms.

    Returns:
        None where nothing was measured for any of the columns.
    """
    columns = [
        column for column in columns if column.published or _measured(flat, column, readings)
    ]
    lines = [line for who in flat.kinds for line in _lines(flat, who, columns, readings)]
    if not any(line.kind in ("model", "reference") for line in lines):
        return None
    lines = _with_best(lines)
    gaps = "· stands for a figure that was not measured." if any(map(_has_gap, lines)) else ""
    return replace(
        table,
        note=" ".join(part for part in (table.note, gaps) if part),
        columns=("", *(column.heading for column in columns)),
        groups=_groups(columns),
        lines=(*lines, *_published(columns, published)),
        tag=tag_of(phantom),
    )


def look_up(found: Found | None, reading: Reading, metric: str) -> tuple[str, Estimate] | None:
    """Return a figure and the name that it was found by."""
    if found is None:
        return None
    for base in (metric, _ALIASES.get(metric, metric)):
        for form in reading.forms:
            name = form.format(base)
            if name in found.metrics:
                return name, found.metrics[name]
    return None


def _lines(
    flat: Flat, who: str, columns: Sequence[Column], readings: Sequence[Reading]
) -> Iterable[Line]:
    """Return a contender's lines; none without figures, one where all readings agree."""
    kind = flat.kinds[who]
    read = [tuple(_cell(flat, who, column, reading) for column in columns) for reading in readings]
    if all(cells == read[0] for cells in read):
        read, readings = read[:1], (Reading(""),)
    for cells, reading in zip(read, readings, strict=True):
        if any(c != NONE for c in cells):
            yield Line(who, cells, kind, reading.words)


def _measured(flat: Flat, column: Column, readings: Sequence[Reading]) -> bool:
    return any(_cell(flat, who, column, r) != NONE for who in flat.kinds for r in readings)


def _has_gap(line: Line) -> bool:
    return NONE in line.cells


def _cell(flat: Flat, who: str, column: Column, reading: Reading) -> Cell:
    found = flat.at(who, column.dataset, column.place)
    figure = look_up(found, reading, column.metric)
    if found is None or figure is None:
        return NONE
    name, estimate = figure
    return cell(estimate, found.spread.get(name))


def _with_best(lines: Sequence[Line]) -> list[Line]:
    """Mark the highest measured figure of each column and reading, where several stand there."""
    out = list(lines)
    for words in dict.fromkeys(line.small for line in lines):
        rivals = [
            place
            for place, line in enumerate(out)
            if line.small == words and line.kind in ("model", "reference")
        ]
        for column in range(len(out[rivals[0]].cells) if rivals else 0):
            values = {i: v for i in rivals if (v := _value(out[i].cells[column].text)) is not None}
            for i in (
                i for i, v in values.items() if len(values) > 1 and v == max(values.values())
            ):
                cells = list(out[i].cells)
                cells[column] = replace(cells[column], best=True)
                out[i] = replace(out[i], cells=tuple(cells))
    return out


def _value(text: str) -> float | None:
    try:
        return float(text.replace("−", "-"))
    except ValueError:
        return None


def _groups(columns: Sequence[Column]) -> tuple[tuple[str, int], ...]:
    groups: list[tuple[str, int]] = [("", 1)]
    for column in columns:
        if groups[-1][0] == column.group:
            groups[-1] = (column.group, groups[-1][1] + 1)
        else:
            groups.append((column.group, 1))
    return tuple(groups) if any(name for name, _ in groups) else ()


def _published(columns: Sequence[Column], tables: Sequence[str]) -> Iterable[Line]:
    """Return published rows under a divider that says whose they are."""
    published = load_published()
    for name in tables:
        table = published.tables[name]
        if not any(column.published in table.columns for column in columns):
            continue
        source = published.sources[table.source].name
        note = f" {table.note}" if table.note else ""
        yield Line(f"Published, other data: {source}.{note}", (), "divider")
        for row in table.rows:
            values = dict(zip(table.columns, row.values, strict=True))
            cells = tuple(_theirs(table, values.get(column.published or "")) for column in columns)
            yield Line(row.name, cells, "published")


def _theirs(table: PublishedTable, value: float | None) -> Cell:
    return Cell("") if value is None else Cell(printed(table, value))
