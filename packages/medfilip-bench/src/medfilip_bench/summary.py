"""The headline figures of each task, measured beside published, never mixed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medfilip_bench.published import load_published
from medfilip_bench.results import Estimate, Row, RunRecord
from medfilip_bench.tables import Cell, Line, Table, cell, number


@dataclass(frozen=True)
class Headline:
    """One headline figure of a task.

    Attributes:
        words: What it is.
        metric: Name in the record.
        row: Id of the row it is read from; None for the record's own metrics.
        published: (table, row, column) of the published figure beside it; None for none.
    """

    words: str
    metric: str
    row: str | None = None
    published: tuple[str, str, str] | None = None


HEADLINES: Mapping[str, tuple[Headline, ...]] = {
    "zero_shot_single": (
        Headline("ACC", "acc", published=("zero_shot", "MedFILIP", "MIMIC-16 ACC")),
        Headline("macro F1", "macro_f1", published=("zero_shot", "MedFILIP", "MIMIC-16 F1")),
    ),
    "zero_shot_multi": (
        Headline("macro AUC", "auc"),
        Headline(
            "macro F1, paper threshold",
            "f1@paper",
            published=("zero_shot", "MedFILIP", "MIMIC-multi F1"),
        ),
        Headline("macro F1, held-out threshold", "f1@held-out"),
        Headline(
            "macro ACC, paper threshold",
            "acc@paper",
            published=("zero_shot", "MedFILIP", "MIMIC-multi ACC"),
        ),
        Headline("macro ACC, held-out threshold", "acc@held-out"),
    ),
    "unseen": (
        Headline(
            "F1 by name “Pneumonia”, paper threshold",
            "f1@paper",
            row="pneumonia",
            published=("covid", "MedFILIP", "by category F1"),
        ),
        Headline(
            "F1 by explanation, paper threshold",
            "f1@paper",
            row="explanation",
            published=("covid", "MedFILIP", "by explanation F1"),
        ),
        Headline(
            "ACC by name “Pneumonia”, paper threshold",
            "acc@paper",
            row="pneumonia",
            published=("covid", "MedFILIP", "by category ACC"),
        ),
        Headline(
            "ACC by explanation, paper threshold",
            "acc@paper",
            row="explanation",
            published=("covid", "MedFILIP", "by explanation ACC"),
        ),
        Headline("AUC by name “Pneumonia”", "auc", row="pneumonia"),
        Headline("AUC by explanation", "auc", row="explanation"),
        Headline("AUC gained by the explanation", "auc_gain"),
    ),
    "retrieval": tuple(
        Headline(
            f"{words} P@{k}",
            f"p@{k}",
            row=row,
            published=("retrieval", "MedFILIP", f"{words} P@{k}"),
        )
        for row, words in (("i2t", "image→text"), ("t2i", "text→image"))
        for k in (1, 10)
    ),
    "extraction": (Headline("presence F1, micro", "micro_f1"), Headline("macro F1", "macro_f1")),
    "folder": (
        Headline("macro AUC", "auc", published=("second_zero_shot", "MedKLIP", "ChestX-ray14 AUC")),
        Headline(
            "macro F1, paper threshold",
            "f1@paper",
            published=("zero_shot", "MedFILIP", "ChestX-ray14 F1"),
        ),
        Headline("macro F1, held-out threshold", "f1@held-out"),
    ),
}
COLUMNS = ("task", "figure", "measured here", "best trivial baseline")
PUBLISHED_COLUMN = "published (other data)"


def summary(records: Iterable[RunRecord]) -> Table:
    """Return the table of headline figures of all records.

    Args:
        records: The records, in the order of the report.
    """
    lines = tuple(
        _line(record, headline, first=number == 0)
        for record in records
        for number, headline in enumerate(HEADLINES.get(record.task, ()))
    )
    return Table(
        caption="Headline figures. Measured with 95 % patient-level bootstrap intervals; "
        "published figures come from other data and stand apart.",
        published=False,
        columns=(*COLUMNS, PUBLISHED_COLUMN),
        lines=lines,
    )


def _line(record: RunRecord, headline: Headline, *, first: bool) -> Line:
    """Return one headline; task and data are named on the first line of a record alone."""
    cells = (
        Cell(headline.words),
        cell(_estimate(record, headline)),
        _best_baseline(record, headline),
        _published(headline),
    )
    if not first:
        return Line("", cells, "again")
    kind = "phantoms" if record.phantom else "real images"
    small = f"{record.data.n:,} {kind}, model {record.model.name}"
    return Line(record.title, cells, "start", small)


def _estimate(record: RunRecord, headline: Headline) -> Estimate | None:
    if headline.row is None:
        return record.metrics.get(headline.metric)
    rows = {row.id: row for row in record.rows}
    return rows[headline.row].metrics.get(headline.metric) if headline.row in rows else None


def _best_baseline(record: RunRecord, headline: Headline) -> Cell:
    """Return the best baseline's value, named: what a figure has to beat."""
    scored: list[tuple[float, Row]] = []
    for row in record.of_kind("baseline"):
        # A baseline of one row only, such as a direction, is called "<row>:<baseline>".
        owner, _, _ = row.id.rpartition(":")
        estimate = row.metrics.get(headline.metric) if owner in ("", headline.row) else None
        if estimate is not None and estimate.value is not None:
            scored.append((estimate.value, row))
    if not scored:
        return Cell("")
    value, best = max(scored, key=lambda pair: pair[0])
    return Cell(number(value), best.name)


def _published(headline: Headline) -> Cell:
    if headline.published is None:
        return Cell("")
    table_name, row, column = headline.published
    table = load_published().tables[table_name]
    return Cell(f"{table.fraction(table.value(row, column)):.4f}", f"{row}, {column}")
