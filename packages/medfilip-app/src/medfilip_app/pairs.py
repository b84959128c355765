"""A table of images and their reports → a stream of pairs."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from gpt_ie import ReadError, Rejected, Report, read_reports
from gpt_ie.columns import ColumnError, Columns, choose_columns
from gpt_ie.readers import FORMATS
from gpt_ie.readers.lines import file_lines, is_gzip
from gpt_ie.readers.text import read_files
from gpt_ie.screen import empty_reason, unique

from medfilip_app.errors import AppError

IMAGE, REPORT_FILE = "image", "report_file"


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and its report.

    Attributes:
        image: The image's file as the table names it.
        path: Where it lies.
        report: The report, with some text.
    """

    image: str
    path: Path
    report: Report


@dataclass(frozen=True, slots=True)
class PairTable:
    """A table of pairs whose columns are known.

    Attributes:
        path: ``.csv``, ``.jsonl``, ``.ndjson`` (also ``.gz``) or ``.parquet``.
        columns: Of the id and of the report's texts, or of the name of the file that holds it.
        in_files: Whether the reports lie in files of their own.
    """

    path: Path
    columns: Columns
    in_files: bool

    def rows(self) -> Iterator[Report | Rejected]:
        """The rows as they stand: the sections are columns, that of the image among them.

        Raises:
            ReadError: When the table cannot be read, also while it is read.
        """
        columns = dict.fromkeys((IMAGE, *self.columns.texts.values()))
        return read_reports(
            self.path, id_column=self.columns.report_id, text_columns=tuple(columns)
        )

    def pairs(self) -> Iterator[Pair | Rejected]:
        """The pairs, and a rejection for each row that cannot be one; images are not read.

        Raises:
            ReadError: As `rows`.
        """
        for row in unique(self.rows()):
            yield row if isinstance(row, Rejected) else self._pair(row)

    def _pair(self, row: Report) -> Pair | Rejected:
        image, report = row.sections[IMAGE], self._report(row)
        if isinstance(report, Rejected):
            return report
        reason = empty_reason(report)
        if not image.strip():
            reason = f"no file in {IMAGE!r}"
        elif "\0" in image:
            reason = f"{IMAGE!r} holds a NUL byte: it is no file's name"
        if reason is not None:
            return Rejected(row.report_id, row.row, reason)
        return Pair(image, self.path.parent / image, report)

    def _report(self, row: Report) -> Report | Rejected:
        texts = {section: row.sections[name] for section, name in self.columns.texts.items()}
        if self.in_files:
            (name,) = texts.values()
            read = read_report(self.path.parent, name, row.report_id)
            if isinstance(read, Rejected):
                return Rejected(row.report_id, row.row, read.reason)
            texts = read.sections
        return Report(row.report_id, texts, row.row)


def read_report(folder: Path, name: str, report_id: str) -> Report | Rejected:
    """Read a report that lies in a file of its own.

    Args:
        folder: Where a relative name begins.
        name: The file: a text in UTF-8.
        report_id: The id that the report gets.
    """
    if not name.strip() or "\0" in name:
        return Rejected(report_id, None, f"{name!r} is no name of a report's file")
    if (folder / name).exists() and not (folder / name).is_file():
        return Rejected(report_id, None, f"the report {name!r} is not a regular file")
    read = next(read_files(folder, iter([(report_id, name)]), None))
    if isinstance(read, Rejected):
        return Rejected(report_id, None, f"the report {name!r}: {read.reason}")
    return read


def open_pairs(path: Path, id_column: str | None = None) -> PairTable:
    """Find the columns of a table of pairs.

    Args:
        path: The table. It has a column ``image``, the images' files; and ``report_file``, the
            files of the reports, or their texts: ``report`` or what else gpt-ie takes for one.
            Files are relative to the table's folder.
        id_column: Column of the pairs' ids; None to guess it. Without one the image is the id.

    Returns:
        The table.

    Raises:
        AppError: If it is no table or has no such columns.
        ReadError: If it cannot be read.
    """
    if path.is_dir():
        raise AppError(f"{str(path)!r} is a folder; name a table in it: {', '.join(FORMATS)}")
    names = _names(path)
    if not names:
        # Its reader says what is wrong.
        next(read_reports(path, id_column=IMAGE, text_columns=(IMAGE,)), None)
    if IMAGE not in names:
        raise AppError(f"{path}: no column {IMAGE!r}; columns found: {_listed(names)}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise AppError(f"{path}: the column {twice!r} is there {names.count(twice)} times")
    columns = _columns(path, names, id_column)
    return PairTable(path, columns, in_files=REPORT_FILE in columns.texts.values())


def _columns(path: Path, names: list[str], id_column: str | None) -> Columns:
    if id_column is not None and id_column not in names:
        raise AppError(f"{path}: no column {id_column!r} for --id; columns found: {_listed(names)}")
    texts = (REPORT_FILE,) if REPORT_FILE in names else ()
    if texts and _guessed(names, IMAGE) is not None:
        raise AppError(
            f"{path}: there are texts of reports and a column {REPORT_FILE!r}: keep one of them"
        )
    found = _guessed(names, id_column, texts) or _guessed(names, IMAGE, texts)
    if found is None:
        raise AppError(
            f"{path}: no column for the report: 'report' with its text, 'findings' and "
            f"'impression', or {REPORT_FILE!r} with its file; columns found: {_listed(names)}"
        )
    return found


def _guessed(
    names: list[str], id_column: str | None, texts: tuple[str, ...] = ()
) -> Columns | None:
    try:
        return choose_columns(names, id_column, texts)
    except ColumnError:
        return None


def _names(path: Path) -> list[str]:
    """The columns by the header or the first object; none where there is neither."""
    ending = Path(path.name[: -len(".gz")] if is_gzip(path) else path.name).suffix.lower()
    try:
        match FORMATS.get(ending):
            case "csv":
                return next((row for row in csv.reader(file_lines(path), strict=True) if row), [])
            case "jsonl":
                first = next((line for line in file_lines(path) if line.strip()), "")
                value: object = json.loads(first)
                return list(cast("dict[str, object]", value)) if isinstance(value, dict) else []
            case "parquet":
                import pyarrow.parquet as pq

                return [str(name) for name in pq.read_schema(path).names]
            case _:
                return []
    # gpt-ie's reader of the whole table says what it is.
    except (csv.Error, ImportError, OSError, ReadError, RecursionError, ValueError):
        return []


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))
