"""CSV and JSONL → a stream of reports."""

import csv
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from gpt_ie.columns import ColumnError, Columns, Wanted, choose_columns
from gpt_ie.readers.lines import ReadError
from gpt_ie.readers.records import checked, from_object
from gpt_ie.schema import Rejected, Report


def read_csv(lines: Iterator[str], name: str, wanted: Wanted) -> Iterator[Report | Rejected]:
    """The reports of a CSV with a header.

    Args:
        lines: With their ends.
        name: Of the source, for messages.
        wanted: What to read of it.

    Returns:
        The reports, and a rejection for each row of another length than the header.

    Raises:
        ReadError: At once when the header is missing, no CSV or without these columns; while rows
            are read, where quotes do not match.
    """
    reader = enumerate(_rows(lines, name), start=1)
    header = next((row for _, row in reader if row), None)
    if header is None or not any(column.strip() for column in header):
        raise _empty(name)
    columns = columns_of(header, name, wanted)
    records = (_from_row(row, header, number, columns) for number, row in reader if row)
    return checked(records, wanted.sections, nothing(name))


def read_jsonl(lines: Iterator[str], name: str, wanted: Wanted) -> Iterator[Report | Rejected]:
    """The reports of a file with one JSON object a line.

    Args:
        lines: With their ends.
        name: Of the source, for messages.
        wanted: What to read of it.

    Returns:
        The reports, and a rejection for each line that is no object with an id and texts.

    Raises:
        ReadError: At once when there is no line, or the first is no object or without these
            columns.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    first = next(numbered, None)
    if first is None:
        raise _empty(name)
    keys = _keys(first, name)
    if not any(key.strip() for key in keys):
        raise _empty(name)
    columns = columns_of(keys, name, wanted)
    rows = itertools.chain([first], numbered)
    records = (_from_line(line, number, columns) for number, line in rows)
    return checked(records, wanted.sections, nothing(name))


def columns_of(names: Sequence[str], name: str, wanted: Wanted) -> Columns:
    """The columns of a table.

    Args:
        names: All columns.
        name: Of the source, for the message.
        wanted: What to read of it.

    Returns:
        Those in use.

    Raises:
        ReadError: When one is missing.
    """
    try:
        return choose_columns(names, wanted.id_column, wanted.text_columns, wanted.sections)
    except ColumnError as error:
        raise ReadError(f"{name}: {error}") from error


def nothing(name: str) -> str:
    """The message for a table without rows."""
    return f"{name}: there is a header but no report under it"


def _empty(name: str) -> ReadError:
    return ReadError(f"{name}: the file is empty; it needs a report id and a text in each row")


def _rows(lines: Iterator[str], name: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, strict=True)
    begun = False
    try:
        for row in reader:
            begun = begun or bool(row)
            yield row
    except csv.Error as error:
        if not begun:
            raise ReadError(f"{name}: the header is not valid CSV: {error}") from error
        raise ReadError(
            f"{name}: line {reader.line_num}: {error}; is a quote left open? A quote inside a "
            'quoted text is written twice ("")'
        ) from error


def _from_row(
    row: list[str], header: list[str], number: int, columns: Columns
) -> Report | Rejected:
    if len(row) != len(header):
        at = header.index(columns.report_id)
        return Rejected(
            row[at] if at < len(row) else None,
            number,
            f"the row has {len(row)} fields where the header has {len(header)}: a text with a "
            "comma must stand in quotes",
        )
    values = dict(zip(header, row, strict=True))
    sections = {section: values[column] for section, column in columns.texts.items()}
    return Report(values[columns.report_id], sections, number)


def _keys(first: tuple[int, str], name: str) -> list[str]:
    number, line = first
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ReadError(
            f"{name}: line {number} is not a JSON object; JSONL has one object a line, e.g. "
            '{"report_id": "1", "findings": "…", "impression": "…"}'
        )
    return [str(key) for key in value]  # pyright: ignore[reportUnknownVariableType]


def _from_line(line: str, number: int, columns: Columns) -> Report | Rejected:
    try:
        value: Any = json.loads(line)
    except RecursionError:
        return Rejected(None, number, "the JSON is nested too deeply")
    except ValueError as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        return Rejected(None, number, f"the line is not valid JSON: {reason}")
    if not isinstance(value, dict):
        return Rejected(None, number, "the line is not a JSON object")
    return from_object(value, number, columns)
