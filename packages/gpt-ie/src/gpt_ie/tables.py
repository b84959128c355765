"""``findings.jsonl`` → a tidy table, one finding a row: CSV or Parquet. Streaming."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import cast

from gpt_ie.atomic import atomic_text
from gpt_ie.schema import ExtractedFinding, GptIeError, ReportFindings
from gpt_ie.store import read_findings

COLUMNS = (
    "report_id", "category", "presence", "severity", "side", "region", "trend", "surface",
    "section", "start", "end", "evidence", "unsupported", "engine", "knowledge",
)  # fmt: skip
_NUMBERS = frozenset({"start", "end"})
_BATCH = 10_000

Cell = str | int | None


class TableError(GptIeError):
    """A table cannot be written."""


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What was written.

    Attributes:
        out: The table.
        reports: Reports read.
        rows: Findings, one a row.
        without_findings: Reports without a finding, which have no row.
    """

    out: Path
    reports: int
    rows: int
    without_findings: int


def write_table(findings: Path, out: Path) -> TableSummary:
    """Write a table in the format that its name ends in, atomically and in constant memory.

    The columns are `COLUMNS`. What is not stated is an empty field in a CSV and null in Parquet.
    A CSV is UTF-8 without a byte order mark; the words of a report stand in it as they are, so a
    spreadsheet may take one that begins with "=" for a formula.

    Args:
        findings: A ``findings.jsonl``.
        out: ``.csv`` or ``.parquet``.

    Returns:
        What was written.

    Raises:
        TableError: For another ending, when the table is the input, when pyarrow is missing, or
            when the file cannot be written.
        StoreError: When the input is not in the format; an earlier table stays as it was.
    """
    writers = {".csv": _write_csv, ".parquet": _write_parquet}
    write = writers.get(out.suffix.lower())
    if write is None:
        raise TableError(
            f"{str(out)!r} ends in {out.suffix!r}; a table ends in {' or '.join(writers)}"
        )
    if out.resolve() == findings.resolve():
        raise TableError(f"{str(out)!r} is the input itself; give the table another name")
    counter = _Counter(read_findings(findings))
    try:
        write(counter, out)
    except OSError as error:
        raise TableError(f"cannot write {str(out)!r}: {error.strerror or error}") from error
    return TableSummary(out, counter.reports, counter.rows, counter.empty)


class _Counter:
    """The rows of a stream of records, counted as they go by."""

    def __init__(self, records: Iterable[ReportFindings]) -> None:
        self._records = records
        self.reports = self.rows = self.empty = 0

    def __iter__(self) -> Iterator[tuple[Cell, ...]]:
        for record in self._records:
            self.reports += 1
            self.rows += len(record.findings)
            self.empty += not record.findings
            for finding in record.findings:
                yield _row(record, finding)


def _row(record: ReportFindings, finding: ExtractedFinding) -> tuple[Cell, ...]:
    """The cells of one finding, in the order of `COLUMNS`."""
    evidence = finding.evidence
    place: tuple[Cell, ...] = (None,) * 4
    if evidence is not None:
        place = (evidence.section, evidence.start, evidence.end, evidence.text)
    return (
        record.report_id,
        finding.category,
        finding.presence,
        finding.severity,
        finding.side,
        finding.region,
        finding.trend,
        finding.surface,
        *place,
        finding.unsupported,
        record.engine,
        record.knowledge,
    )


def _write_csv(rows: Iterable[tuple[Cell, ...]], out: Path) -> None:
    with atomic_text(out) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _write_parquet(rows: Iterable[tuple[Cell, ...]], out: Path) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise TableError(
            "Parquet needs pyarrow: pip install 'gpt-ie[parquet]' (or uv sync --extra parquet)"
        ) from error
    # A category repeats in every row and is one of few: dictionary encoding is Parquet's default.
    schema = pa.schema(
        [(name, pa.int64() if name in _NUMBERS else pa.string()) for name in COLUMNS]
    )
    stream = iter(rows)
    with atomic_text(out) as text:
        # atomic_text opens with os.fdopen; Parquet is bytes and goes below the text layer.
        binary = cast("TextIOWrapper", text).buffer
        with pq.ParquetWriter(binary, schema, compression="zstd") as writer:
            while batch := list(islice(stream, _BATCH)):
                columns = [list(column) for column in zip(*batch, strict=True)]
                writer.write_table(pa.table(columns, schema=schema))
