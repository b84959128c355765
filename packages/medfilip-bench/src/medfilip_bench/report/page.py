"""Records → what the templates print; and printing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medfilip_bench.compare import Comparison
from medfilip_bench.protocols import PROTOCOL_WORDS
from medfilip_bench.report.comparison import Compared, compared
from medfilip_bench.report.detail import detail, facts
from medfilip_bench.report.drawings import Drawing
from medfilip_bench.report.figures import figures
from medfilip_bench.report.naming import DATASETS, FAMILIES, dataset_id
from medfilip_bench.report.origins import (
    CLINICAL,
    cost_table,
    data_table,
    notices,
    provenance,
    skipped,
    warnings,
)
from medfilip_bench.report.paper import paper_tables
from medfilip_bench.report.published import PublishedTable, load_published, printed
from medfilip_bench.report.status import models_table, status_table
from medfilip_bench.report.summary import summary
from medfilip_bench.report.table import Cell, Line, Table, tag_of, words
from medfilip_bench.results import Family, RunRecord

ORDER: tuple[Family, ...] = tuple(FAMILIES)


@dataclass(frozen=True)
class Section:
    """One record as a report shows it.

    Attributes:
        record: The record.
        anchor: Its place in the page.
        tag: ``PHANTOM`` or ``REAL IMAGES``.
        headline: Its first figure, in words.
        data: What was scored, in words.
        facts: Headline figures that the table has no column for.
        drawings: Its figures.
        measured: Its table.
        references: Published tables that stand beside its classes.
    """

    record: RunRecord
    anchor: str
    tag: str
    headline: str
    data: str
    facts: tuple[tuple[str, Cell], ...]
    drawings: tuple[Drawing, ...]
    measured: Table
    references: tuple[Table, ...]


@dataclass(frozen=True)
class Chapter:
    """The sections of one family."""

    anchor: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Page:
    """All that the templates print.

    Attributes:
        trained: Names of the models, with what each was trained on.
        notices: What a reader must know first.
        failures: Tasks that failed, each in a line.
        warnings: What may make figures wrong.
        skipped: Images that could not be read.
        passed_over: Tasks that model or data set cannot have.
        summary: Headline figures.
        overviews: The tables laid out as the paper's.
        comparison: Two models on the same images; None where none was made.
        chapters: The records, family by family.
        protocols: Threshold protocols in words.
        models: Which models were run, and which of the paper's.
        provenance: The facts behind the figures.
        origins: Data sets and results.
        clinical: What the software is not for.
    """

    trained: tuple[tuple[str, str], ...]
    notices: tuple[str, ...]
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    skipped: tuple[str, ...]
    passed_over: tuple[str, ...]
    summary: Table
    overviews: tuple[Table, ...]
    comparison: Compared | None
    chapters: tuple[Chapter, ...]
    protocols: Mapping[str, str]
    models: tuple[Table, ...]
    provenance: tuple[tuple[str, str], ...]
    origins: tuple[Table, ...]
    clinical: str = CLINICAL


def make_page(
    records: Sequence[RunRecord],
    failures: Sequence[str] = (),
    *,
    passed_over: Sequence[str] = (),
    comparison: Comparison | None = None,
) -> Page:
    """Put records in order and turn them into what the templates print.

    Args:
        records: Of any models and tasks.
        failures: Tasks that failed, each in a line.
        passed_over: Tasks that model or data set cannot have, each in a line.
        comparison: Two of the models on the same images.
    """
    ordered = in_order(records)
    return Page(
        trained=tuple({r.model.name: r.model.trained_on for r in ordered}.items()),
        notices=notices(ordered),
        failures=tuple(failures),
        warnings=warnings(ordered),
        skipped=skipped(ordered),
        passed_over=tuple(passed_over),
        summary=summary(ordered),
        overviews=paper_tables(ordered),
        comparison=None if comparison is None else compared(comparison),
        chapters=tuple(
            Chapter(f"family-{family}", FAMILIES[family], tuple(map(_section, own)))
            for family in ORDER
            if (own := [r for r in ordered if r.family == family])
        ),
        protocols=PROTOCOL_WORDS,
        models=(models_table(ordered), status_table(ordered)),
        provenance=provenance(ordered),
        origins=(data_table(ordered), cost_table(ordered)),
    )


def in_order(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return records by family, phantoms first, then by data set as the paper, then by model."""
    known = list(dict.fromkeys([*DATASETS, *map(dataset_id, records)]))
    return sorted(
        records,
        key=lambda r: (
            ORDER.index(r.family),
            not r.phantom,
            known.index(dataset_id(r)),
            r.model.name,
        ),
    )


def _section(record: RunRecord) -> Section:
    unit = "reports" if record.family == "extraction" else "images"
    what = f"{record.data.n:,} {unit} of {record.data.patients:,} patients"
    name = record.task.removesuffix("-phantom") if record.phantom else record.task
    return Section(
        record=record,
        anchor=f"{record.task}-{record.model.name}",
        tag=tag_of(record.phantom),
        headline=_headline(record),
        data=f"{record.data.name}: {what}; {record.data.split}",
        facts=facts(record),
        drawings=figures(record),
        measured=detail(record),
        references=tuple(reference(t) for t in load_published().references(name)),
    )


def _headline(record: RunRecord) -> str:
    """Return the first headline figure as words."""
    line = next((line for line in summary([record]).lines if line.cells), None)
    if line is None:
        return ""
    return f"{line.name} {words(line.cells[0].text, line.cells[0].small)}"


def reference(table: PublishedTable) -> Table:
    """Return a published table, as fractions, marked as other people's figures."""
    source = load_published().sources[table.source].name
    note = f" {table.note}" if table.note else ""
    return Table(
        id=table.source,
        caption=f"Published (other data): {table.title}. Source: {source}.{note}",
        columns=("method", *table.columns),
        lines=tuple(
            Line(row.name, tuple(Cell(printed(table, v)) for v in row.values), "published")
            for row in table.rows
        ),
        published=True,
    )
