"""The headline figures of each task, measured beside published, never mixed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from medfilip_bench.report.flat import baseline_name
from medfilip_bench.report.naming import dataset_id, dataset_words, full_words, share_words
from medfilip_bench.report.published import load_published, printed
from medfilip_bench.report.table import Cell, Line, Table, cell, number, words
from medfilip_bench.results import Estimate, Family, Row, RunRecord


@dataclass(frozen=True)
class Headline:
    """One headline figure of a task.

    Attributes:
        words: What it is.
        metric: Name in the record.
        row: Id of the row it is read from, ``{model}`` standing for the model's name; None for the
            record's own metrics.
        published: (table, row, column) of the published figure beside it, ``{}`` in the column
            standing for the data set's name; None for none. It is left out where there is none.
        share: Share of the labels, where the metric is that of a share.
    """

    words: str
    metric: str
    row: str | None = None
    published: tuple[str, str, str] | None = None
    share: float | None = None


_MULTI = (
    Headline("macro AUC", "auc", published=("second_zero_shot", "MedKLIP", "{} AUC")),
    Headline("macro F1, paper threshold", "f1@paper", published=("zero_shot", "MedFILIP", "{} F1")),
    Headline("macro F1, held-out threshold", "f1@held-out"),
)
_SINGLE = (
    Headline("ACC", "acc", published=("zero_shot", "MedFILIP", "{} ACC")),
    Headline("macro F1", "macro_f1", published=("zero_shot", "MedFILIP", "{} F1")),
)
_ENDS = (0.01, 1.0)
HEADLINES: Mapping[Family, tuple[Headline, ...]] = {
    "extraction": (Headline("presence F1, micro", "micro_f1"), Headline("macro F1", "macro_f1")),
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
        Headline("AUC by explanation", "auc", row="explanation"),
        Headline("AUC gained by the explanation", "auc_gain"),
    ),
    "probe": tuple(
        Headline(f"AUC at {share_words(share)} of the labels", f"auc@{share}", share=share)
        for share in _ENDS
    ),
    "fine_tune": tuple(
        Headline(f"AUC at {share_words(share)} of the labels", f"auc@{share}", share=share)
        for share in _ENDS
    ),
    "segmentation": (
        *(
            Headline(
                f"Dice at {share_words(share)} of the labels",
                f"dice@{share}",
                published=("segmentation", "MedFILIP", f"{share_words(share)} Dice"),
                share=share,
            )
            for share in _ENDS
        ),
        # An empty answer wins the Dice where most images are negative; here it has nothing.
        Headline("Dice on positives at 100 %", "dice_positive", row="{model}@1.0"),
    ),
    "retrieval": tuple(
        Headline(
            f"{name} hit@{k}",
            f"hit@{k}",
            row=row,
            published=("retrieval", "MedFILIP", f"{name} P@{k}"),
        )
        for row, name in (("i2t", "image→text"), ("t2i", "text→image"))
        for k in (1, 10)
    ),
    "grounding": (Headline("pointing game", "pointing"), Headline("box IoU", "box_iou")),
    "prompts": (
        Headline("macro AUC, best wording", "auc_best"),
        Headline("macro AUC, worst wording", "auc_worst"),
    ),
    "report_consistency": tuple(
        Headline(f"AUC, {words}", "auc", row=kind)
        for kind, words in (
            ("added", "a finding added"),
            ("omitted", "a finding omitted"),
            ("side", "a side swapped"),
            ("severity", "a severity changed"),
            ("negation", "a finding denied"),
        )
    ),
    "case_study": (
        Headline("AUC by template and category", "auc", row="template"),
        Headline("AUC by explanation", "auc", row="explanation"),
    ),
}
# Published figures of a segmentation are of this data set alone.
_ONLY_OF = {"segmentation": "siim"}
COLUMNS = ("figure", "measured here", "best trivial baseline")
PUBLISHED_COLUMN = "published (other data)"


def summary(records: Iterable[RunRecord]) -> Table:
    """Return the table of headline figures of all records.

    The column of published figures is left out where nobody published one of these data sets.

    Args:
        records: The records, in the order of the report.
    """
    lines = tuple(line for record in records for line in _lines(record))
    caption = "Headline figures. Measured with 95 % patient-level bootstrap intervals"
    if not any(line.cells and line.cells[-1].text for line in lines):
        measured = tuple(replace(line, cells=line.cells[:-1]) for line in lines)
        return Table(id="summary", caption=f"{caption}.", columns=COLUMNS, lines=measured)
    return Table(
        id="summary",
        caption=f"{caption}; published figures come from other data and stand apart.",
        columns=(*COLUMNS, PUBLISHED_COLUMN),
        lines=lines,
        theirs=len(COLUMNS),
    )


def headlines(record: RunRecord) -> tuple[Headline, ...]:
    """Return the headline figures of a record that it has."""
    if record.family == "zero_shot":
        known = _SINGLE if "acc" in record.metrics else _MULTI
    else:
        known = HEADLINES.get(record.family, ())
    found = tuple(h for h in known if _estimate(record, h) is not None)
    own = tuple(Headline(full_words(m), m) for m in list(record.metrics)[:2])
    return found or own or _from_rows(record)


def as_text(table: Table) -> list[str]:
    """Return the summary as lines of text: a heading for each task, one line a figure."""
    headings = {n: line for n, line in enumerate(table.lines, start=1) if line.kind == "divider"}
    rows = [list(table.columns)]
    for line in table.lines:
        value, *others = line.cells or (Cell(""),) * (len(table.columns) - 1)
        name = f"  {line.name}" if line.cells else ""
        rows.append([name, words(value.text, value.small), *(c.text for c in others)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    out: list[str] = []
    for place, row in enumerate(rows):
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        heading = headings.get(place)
        out.append(words(heading.name, heading.small) if heading else "  ".join(padded).rstrip())
    return out


def _from_rows(record: RunRecord) -> tuple[Headline, ...]:
    """Return the first figure of the first rows, where the record has none of its own."""
    rows = [row for row in record.rows if row.kind != "baseline" and row.metrics][:2]
    return tuple(
        Headline(f"{full_words(metric)}, {row.name}", metric, row=row.id)
        for row in rows
        for metric in list(row.metrics)[:1]
    )


def _lines(record: RunRecord) -> Iterable[Line]:
    """Return a heading that names task, data and model, and a line for each headline."""
    kind = "PHANTOMS" if record.phantom else "real images"
    small = f"{record.data.n:,} {kind}, model {record.model.name}"
    yield Line(record.title, (), "divider", small)
    for headline in headlines(record):
        cells = (
            cell(_estimate(record, headline)),
            _best_baseline(record, headline),
            _published(record, headline),
        )
        yield Line(headline.words, cells)


def _estimate(record: RunRecord, headline: Headline) -> Estimate | None:
    if headline.row is None:
        return record.metrics.get(headline.metric)
    name = headline.row.replace("{model}", record.model.name)
    row = next((row for row in record.rows if row.id == name), None)
    return None if row is None else row.metrics.get(headline.metric)


def _best_baseline(record: RunRecord, headline: Headline) -> Cell:
    """Return the best baseline's value, named: what a figure has to beat."""
    metric = headline.metric.partition("@")[0] if headline.share else headline.metric
    scored: list[tuple[float, str]] = []
    for row in record.of_kind("baseline"):
        owner, name = baseline_name(row)
        estimate = row.metrics.get(metric) if _holds(row, owner, headline) else None
        if estimate is not None and estimate.value is not None:
            scored.append((estimate.value, name))
    if not scored:
        return Cell("")
    value, best = max(scored)
    return Cell(number(value), best)


def _holds(row: Row, owner: str, headline: Headline) -> bool:
    """Whether a baseline is one of what the headline is read from."""
    return owner in ("", headline.row) and row.share in (None, headline.share)


def _published(record: RunRecord, headline: Headline) -> Cell:
    """Return the published figure beside a headline, where the data set has one."""
    dataset = dataset_id(record)
    if headline.published is None or dataset != _ONLY_OF.get(record.family, dataset):
        return Cell("")
    table_name, row, form = headline.published
    column = form.format(dataset_words(dataset))
    table = load_published().tables[table_name]
    if column not in table.columns:
        return Cell("")
    return Cell(printed(table, table.value(row, column)), f"{row}, {column}")
