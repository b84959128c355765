"""Which models were run here; which of the paper's only through an adapter, or only in print."""

from collections.abc import Sequence

from medfilip_bench.models.status import statuses
from medfilip_bench.report.table import Cell, Line, Table
from medfilip_bench.results import RunRecord

_SHORT = 12


def models_table(records: Sequence[RunRecord]) -> Table:
    """Return a line for each model that this report has results of.

    Args:
        records: The records of the report.
    """
    tasks: dict[str, list[RunRecord]] = {}
    for record in records:
        tasks.setdefault(record.model.name, []).append(record)
    lines = tuple(
        Line(
            name,
            (
                Cell(own[0].model.spec),
                Cell(own[0].model.trained_on),
                Cell(own[0].model.sha256[:_SHORT]),
                Cell(str(len(own))),
            ),
        )
        for name, own in tasks.items()
    )
    return Table(
        id="models_here",
        caption="Models of this report",
        columns=("", "given as", "trained on", "weights' hash", "results"),
        lines=lines,
    )


def status_table(records: Sequence[RunRecord]) -> Table:
    """Return the paper's baselines with what stands behind their figures.

    Args:
        records: The records of the report; a released model among them was run.
    """
    lines = tuple(
        Line(
            line.name,
            (
                Cell(line.status),
                Cell(", ".join(line.specs) or "none"),
                Cell(line.files),
                Cell(line.note),
            ),
        )
        for line in statuses(record.model.spec for record in records)
    )
    return Table(
        id="models_published",
        caption="The papers' baselines: run here, adapter only, or published only",
        columns=("", "status", "adapter", "released files it reads", "what is different"),
        lines=lines,
        note="Published figures of all of them stand shaded in the tables; none of those was "
        "measured here.",
    )
