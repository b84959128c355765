"""What the figures rest on: models, data sets, versions, machine, cost; and what to beware of."""

from collections.abc import Iterable, Sequence

from medfilip_bench.report.table import Cell, Line, Table
from medfilip_bench.results import RunRecord, Skipped

CLINICAL = "Research software: not for clinical use."
PHANTOMS = (
    "Results marked PHANTOM were measured on procedural phantom images. They show that the "
    "pipeline works; they say nothing about patients and must not be compared with published "
    "figures as if the data were the same."
)
_NAMED = 5
_SHORT = 12


def notices(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return what a reader must know before the first figure."""
    out = [CLINICAL]
    if any(record.phantom for record in records):
        out.append(PHANTOMS)
    real = [record for record in records if not record.phantom]
    trained = {f"{r.model.name}: {r.model.trained_on}" for r in real}
    if trained:
        out.append(
            f"On real images, what the models were trained on — {'; '.join(sorted(trained))}."
        )
    return tuple(out)


def warnings(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return what may make figures wrong, each once with the tasks that it concerns."""
    tasks: dict[str, list[str]] = {}
    for record in records:
        for text in record.warnings:
            tasks.setdefault(text, []).append(record.task)
    return tuple(f"{text} ({_listed(dict.fromkeys(own))})" for text, own in tasks.items())


def skipped(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return a line for each set of images that could not all be read."""
    found: dict[tuple[str, tuple[Skipped, ...]], list[str]] = {}
    for record in records:
        if record.data.skipped:
            found.setdefault((record.data.name, record.data.skipped), []).append(record.task)
    return tuple(
        f"{name}: {len(files)} images could not be read and are left out: "
        f"{_listed(f'{entry.file} ({entry.reason})' for entry in files)}."
        for name, files in found
    )


def provenance(records: Sequence[RunRecord]) -> tuple[tuple[str, str], ...]:
    """Return the facts behind the figures, those that tasks share only once."""
    models = {record.model.spec: record.model for record in records}
    seconds = sum(record.provenance.duration_s for record in records)
    return (
        *((f"model {m.name}", f"{m.spec}; weights {m.sha256}") for m in models.values()),
        ("command", _distinct(r.provenance.command for r in records)),
        ("written", max((r.provenance.created for r in records), default="")),
        ("profile", _distinct(r.provenance.profile for r in records)),
        ("seed", _distinct(str(r.provenance.seed) for r in records)),
        ("bootstrap replicates", _distinct(f"{r.provenance.replicates:,}" for r in records)),
        ("measuring took", f"{seconds:,.0f} s in all, image encoding included"),
        ("versions", _distinct(_pairs(r.provenance.versions.items()) for r in records)),
        ("machine", _distinct(_pairs(r.provenance.machine.items()) for r in records)),
    )


def data_table(records: Sequence[RunRecord]) -> Table:
    """Return the data sets that were scored, with their licences and what to cite."""
    sets = {(r.data.name, r.phantom, r.data.sha256): r.data for r in records}
    lines = tuple(
        Line(
            data.name,
            (
                Cell("phantom" if data.phantom else "real"),
                Cell(f"{data.n:,}"),
                Cell(f"{data.patients:,}"),
                Cell(data.split),
                Cell(data.licence or "not stated"),
                Cell(data.citation or "not stated"),
                Cell(data.sha256[:_SHORT]),
            ),
        )
        for data in sets.values()
    )
    return Table(
        id="data",
        caption="Data sets that were scored",
        columns=("", "images are", "n", "patients", "split", "licence", "to cite", "hash"),
        lines=lines,
        note="A phantom twin has a data set's classes and none of its images; licence and citation "
        "are those of the data set.",
    )


def cost_table(records: Sequence[RunRecord]) -> Table:
    """Return when each result was made, from what, and how long it took."""
    lines = tuple(
        Line(
            record.task,
            (
                Cell(record.model.name),
                Cell(f"{record.provenance.duration_s:.1f}"),
                Cell(record.provenance.created.replace("T", " ")[:16]),
                Cell(record.provenance.profile),
                Cell(str(record.provenance.seed)),
                Cell(record.key[:_SHORT]),
            ),
        )
        for record in records
    )
    return Table(
        id="results",
        caption="Results",
        columns=("", "model", "seconds", "written (UTC)", "profile", "seed", "key"),
        lines=lines,
        note="The key is a hash of everything that decides a result: model, data, code, settings.",
    )


def _listed(items: Iterable[str]) -> str:
    every = list(items)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return f"{', '.join(every[:_NAMED])}{more}"


def _distinct(items: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(items))


def _pairs(items: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in items)
