"""CSV and JSONL files → a stream of reports. The only module that reads a user's files."""

import csv
import difflib
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gpt_ie.columns import ColumnError, Columns, choose_columns
from gpt_ie.schema import GptIeError, Rejected, Report

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class ReadError(GptIeError):
    """A file cannot be read as reports at all: nothing is extracted from it."""


def read_reports(
    path: Path,
    *,
    id_column: str | None = None,
    text_columns: Sequence[str] = (),
    on_read: Callable[[int], None] | None = None,
) -> Iterator[Report | Rejected]:
    """Stream the reports of a CSV or JSONL file, in constant memory.

    The file and its columns are checked at once; rows are read as they are asked for.

    Args:
        path: ``.csv`` with a header, or ``.jsonl`` / ``.ndjson`` with one object a line; UTF-8.
        id_column: Column of the report's id; None to guess it.
        text_columns: Columns of text; empty to guess them.
        on_read: Called with the number of bytes read so far.

    Returns:
        The reports, and a `Rejected` for each row that cannot be one.

    Raises:
        ReadError: When the file is missing, empty, of another kind or without these columns; and
            while rows are read, at a byte that is not UTF-8 or where quotes do not match.
    """
    kind = _kind(path)
    records = _csv_records if kind == "csv" else _json_records
    names = _first_names(path, kind)
    try:
        columns = choose_columns(names, id_column, text_columns)
    except ColumnError as error:
        raise ReadError(f"{path}: {error}") from error
    return _reports(path, records(_lines(path, on_read), path, columns))


def _kind(path: Path) -> str:
    """The format by the name's ending, for a file that is there and can be opened."""
    if not path.exists():
        folder = path.parent
        siblings = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=3)
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise ReadError(f"no file {str(path)!r}{hint}")
    if path.is_dir():
        raise ReadError(f"{str(path)!r} is a folder; name one of its files ({_endings()})")
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ReadError(
            f"{str(path)!r} ends in {path.suffix!r}; reports are read from {_endings()}: "
            "rename or convert it"
        )
    return kind


def _endings() -> str:
    return ", ".join(FORMATS)


def _lines(path: Path, on_read: Callable[[int], None] | None = None) -> Iterator[str]:
    """Lines with their ends, decoded strictly; a byte order mark at the start is dropped."""
    offset = 0
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                start = len(_BOM) if number == 1 and raw.startswith(_BOM) else 0
                try:
                    yield raw[start:].decode("utf-8")
                except UnicodeDecodeError as error:
                    raise _not_utf8(path, raw, number, offset, start + error.start) from error
                offset += len(raw)
                if on_read is not None:
                    on_read(offset)
    except OSError as error:
        raise ReadError(f"cannot read {str(path)!r}: {error.strerror}") from error


def _not_utf8(path: Path, raw: bytes, number: int, offset: int, place: int) -> ReadError:
    code = "UTF-16" if number == 1 and raw.startswith(_UTF16) else "WINDOWS-1252"
    target = path.with_name(f"{path.stem}.utf8{path.suffix}")
    return ReadError(
        f"{path}: line {number}, byte {offset + place}: 0x{raw[place]:02x} is not UTF-8; convert "
        f"the file first, e.g. iconv -f {code} -t UTF-8 {shlex.quote(str(path))} > "
        f"{shlex.quote(str(target))}"
    )


def _first_names(path: Path, kind: str) -> list[str]:
    """The columns: the header of a CSV, the keys of the first object of a JSONL file."""
    lines = _lines(path)
    if kind == "csv":
        try:
            header = next((row for row in csv.reader(lines, strict=True) if row), None)
        except csv.Error as error:
            raise ReadError(f"{path}: the header is not valid CSV: {error}") from error
    else:
        first = next((line for line in lines if line.strip()), None)
        header = None if first is None else _keys(first, path)
    if header is None or not any(name.strip() for name in header):
        raise ReadError(f"{path}: the file is empty; it needs a report id and a text in each row")
    return header


def _keys(line: str, path: Path) -> list[str]:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ReadError(
            f"{path}: line 1 is not a JSON object; JSONL has one object a line, e.g. "
            '{"report_id": "1", "findings": "…", "impression": "…"}'
        )
    return [str(key) for key in value]  # pyright: ignore[reportUnknownVariableType]


def _reports(path: Path, records: Iterable[Report | Rejected]) -> Iterator[Report | Rejected]:
    """Turn an empty stream into an error and texts that UTF-8 cannot carry into rejections."""
    empty = True
    for record in records:
        empty = False
        yield _checked(record)
    if empty:
        raise ReadError(f"{path}: there is a header but no report under it")


def _checked(record: Report | Rejected) -> Report | Rejected:
    if isinstance(record, Rejected):
        return record
    if not record.report_id.strip():
        return Rejected(None, record.row, "the report id is empty")
    try:
        for text in (record.report_id, *record.sections.values()):
            text.encode("utf-8")
    except UnicodeEncodeError:
        clean = record.report_id.encode("utf-8", "replace").decode("utf-8")
        return Rejected(clean, record.row, "a text holds half of a surrogate pair")
    return record


def _csv_records(lines: Iterator[str], path: Path, columns: Columns) -> Iterator[Report | Rejected]:
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    try:
        for number, row in enumerate(reader, start=1):
            if header is None:
                header = row or None
            elif row:
                yield _from_row(row, header, number, columns)
    except csv.Error as error:
        raise ReadError(
            f"{path}: line {reader.line_num}: {error}; is a quote left open? A quote inside a "
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


def _json_records(
    lines: Iterator[str], path: Path, columns: Columns
) -> Iterator[Report | Rejected]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _from_line(line, number, columns)


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
    raw = value.get(columns.report_id)
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        return Rejected(None, number, f"{columns.report_id!r} is missing or is no text")
    sections: dict[str, str] = {}
    for section, column in columns.texts.items():
        text = value.get(column)
        if text is not None and not isinstance(text, str):
            kind = type(text).__name__
            return Rejected(str(raw), number, f"{column!r} is no text but of type {kind}")
        sections[section] = text or ""
    return Report(str(raw), sections, number)
