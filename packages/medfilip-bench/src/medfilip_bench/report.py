"""Records → report.md and a self-contained report.html: no script, font or picture from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from medfilip_bench.figures import Drawing, figures
from medfilip_bench.files import write_atomic
from medfilip_bench.protocols import PROTOCOL_WORDS
from medfilip_bench.published import load_published
from medfilip_bench.results import RunRecord, Skipped
from medfilip_bench.summary import PUBLISHED_COLUMN, summary
from medfilip_bench.tables import Cell, Line, Table, measured, reference, words

ORDER = ("extraction", "zero_shot_single", "zero_shot_multi", "unseen", "retrieval", "folder")
OVERALL: Mapping[str, str] = {
    "extraction": "all categories",
    "zero_shot_single": "all classes",
    "zero_shot_multi": "macro over classes",
    "folder": "macro over classes",
}
CLINICAL = "Research software: not for clinical use."


@dataclass(frozen=True)
class Section:
    """One record as a report shows it."""

    record: RunRecord
    anchor: str
    data: str
    drawings: tuple[Drawing, ...]
    measured: Table
    references: tuple[Table, ...]


@dataclass(frozen=True)
class Page:
    """All that the templates print."""

    sections: tuple[Section, ...]
    summary: Table
    notices: tuple[str, ...]
    protocols: Mapping[str, str]
    provenance: tuple[tuple[str, str], ...]
    failures: tuple[str, ...]
    published_column: str = PUBLISHED_COLUMN
    clinical: str = CLINICAL


@dataclass(frozen=True)
class Written:
    """Where a report was written."""

    html: Path
    markdown: Path


def write_report(
    records: Sequence[RunRecord], folder: Path, failures: Sequence[str] = ()
) -> Written:
    """Write report.html and report.md.

    Args:
        records: At least one record.
        folder: Where to.
        failures: Tasks that failed, each in a line; shown on top.
    """
    page = make_page(records, failures)
    out = Written(html=folder / "report.html", markdown=folder / "report.md")
    write_atomic(out.html, render(page, "report.html.j2"))
    write_atomic(out.markdown, render(page, "report.md.j2"))
    return out


def make_page(records: Sequence[RunRecord], failures: Sequence[str] = ()) -> Page:
    """Put records in order and turn them into what the templates print."""
    place = {task: number for number, task in enumerate(ORDER)}
    ordered = sorted(records, key=lambda r: (place.get(r.task, len(place)), r.model.name))
    return Page(
        sections=tuple(_section(record) for record in ordered),
        summary=summary(ordered),
        notices=_notices(ordered),
        protocols=PROTOCOL_WORDS,
        provenance=_provenance(ordered),
        failures=tuple(failures),
    )


def render(page: Page, template: str) -> str:
    """Render one of the two templates; pure."""
    environment = Environment(
        loader=PackageLoader("medfilip_bench"),
        autoescape=template.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters["pipes"] = pipes
    return environment.get_template(template).render(page=page)


def pipes(cell: Cell | Line | str) -> str:
    """Return a cell or a line's name as Markdown table text."""
    match cell:
        case Line():
            text = words(cell.name, cell.small)
        case Cell():
            text = words(cell.text, cell.small)
        case _:
            text = cell
    return text.replace("|", "\\|")


def _section(record: RunRecord) -> Section:
    kind = "" if record.phantom else " (real images)"
    unit = "reports" if record.task == "extraction" else "images"
    what = f"{record.data.n:,} {unit} of {record.data.patients:,} patients"
    return Section(
        record=record,
        anchor=f"{record.task}-{record.model.name}",
        data=f"{record.data.name}{kind}: {what}; {record.data.split}",
        drawings=figures(record),
        measured=measured(record, OVERALL.get(record.task, "")),
        references=tuple(reference(t) for t in load_published().references(record.task)),
    )


def _notices(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return what a reader must know before the first figure."""
    out = [CLINICAL]
    if any(record.phantom for record in records):
        out.append(
            "Results marked PHANTOM were measured on procedural phantom images. They show that "
            "the pipeline works; they say nothing about patients and must not be compared with "
            "published figures as if the data were the same."
        )
    if any(not record.phantom for record in records):
        trained = {record.model.trained_on for record in records if not record.phantom}
        out.append(f"On real images, the model was trained on {' / '.join(sorted(trained))}.")
    out += [_skipped(r.title, r.data.skipped) for r in records if r.data.skipped]
    return tuple(out)


def _skipped(title: str, skipped: Sequence[Skipped]) -> str:
    named = ", ".join(f"{entry.file} ({entry.reason})" for entry in skipped[:5])
    more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return f"{title}: {len(skipped)} images could not be read and are left out: {named}{more}."


def _provenance(records: Sequence[RunRecord]) -> tuple[tuple[str, str], ...]:
    """Return the facts behind the figures, those that all tasks share only once."""
    if not records:
        return ()
    first = records[0].provenance
    models = {r.model.spec: r.model for r in records}
    data = {r.data.sha256: r.data for r in records}
    return (
        *((f"model {m.spec}", f"weights {m.sha256}; {m.trained_on}") for m in models.values()),
        *((f"data {d.name}", f"{d.n:,} scored, hash {d.sha256}") for d in data.values()),
        ("command", " / ".join(dict.fromkeys(r.provenance.command for r in records))),
        ("written", max(r.provenance.created for r in records)),
        ("seconds", ", ".join(f"{r.task} {r.provenance.duration_s:.1f}" for r in records)),
        ("seed", ", ".join(sorted({str(r.provenance.seed) for r in records}))),
        ("bootstrap replicates", str(first.replicates)),
        ("versions", ", ".join(f"{name} {v}" for name, v in first.versions.items())),
        ("machine", ", ".join(f"{name} {v}" for name, v in first.machine.items())),
    )
