"""Read texts from a file: one a line, or a table with further columns that name their groups."""

import csv
import difflib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ssm.errors import SsmError

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_KINDS = ".txt (one text a line), .csv, .tsv or .jsonl"


@dataclass(frozen=True)
class TextTable:
    """The distinct texts of a file.

    Attributes:
        texts: Each text once, in the order in which it first came.
        columns: For every further column, one value for each text; ``""`` where there was none.
        repeated: Rows left out because their text had come before.
        blank: Rows of a table left out because they have no text.
        conflicts: For each column, how many repeated rows said otherwise than the first.
    """

    texts: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    repeated: int = 0
    blank: int = 0
    conflicts: dict[str, int] = field(default_factory=dict[str, int])


def read_texts(path: Path, column: str = "text") -> TextTable:
    """Read the texts of a file; its ending says how.

    A ``.txt`` file, or one without an ending, has one text a line; blank lines are left out. A
    ``.csv`` or ``.tsv`` file has a header, a ``.jsonl`` file one object a line. White space at the
    ends of a text or value is cut; a byte-order mark and any line ends are fine.

    Args:
        path: UTF-8 file.
        column: The column of a table that holds the texts; the others are kept beside them.

    Raises:
        SsmError: The file cannot be read, is no UTF-8 text, is no table of its kind, lacks the
            column, or holds no text.
    """
    kind = path.suffix.lower()
    if kind in _SEPARATORS:
        rows = _table_rows(path, _decode(path), _SEPARATORS[kind], column)
    elif kind in (".jsonl", ".ndjson"):
        rows = _json_rows(path, _decode(path), column)
    elif kind in (".txt", ""):
        rows = ({column: line} for line in _decode(path).split("\n") if line.strip())
    else:
        raise SsmError(f"{str(path)!r} ends in {kind!r}: give a file in {_KINDS}")
    table = _gather(rows, column)
    if not table.texts:
        what = f"give one text a line (column {column!r} of a table)"
        raise SsmError(f"{str(path)!r} holds no text: {what}")
    return table


def unknown_column(column: str, names: list[str]) -> str:
    """What to say of a column that is not there: near names, and which there are."""
    near = difflib.get_close_matches(column, names, n=2)
    hint = f", did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"no column {column!r} (it has {', '.join(map(repr, names)) or 'none'}){hint}"


def _decode(path: Path) -> str:
    """The content with plain line ends."""
    try:
        content = path.read_bytes()
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise SsmError(f"{str(path)!r} is UTF-16: save the file as UTF-8")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise SsmError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        if b"\0" in error.object:
            raise SsmError(f"{str(path)!r} is a binary file: give a text file") from error
        raise SsmError(
            f"{str(path)!r}, line {line}: byte {error.object[error.start]:#04x} is not UTF-8; "
            "save the file as UTF-8"
        ) from error
    if "\0" in text:
        raise SsmError(f"{str(path)!r} is a binary file: give a text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _table_rows(path: Path, content: str, separator: str, column: str) -> Iterator[dict[str, str]]:
    reader = csv.reader(io.StringIO(content), delimiter=separator, strict=True)
    try:
        header: list[str] | None = None
        for fields in reader:
            cells = [field.strip() for field in fields]
            if not any(cells):
                continue
            if header is None:
                header = _header(path, cells, separator, column)
            elif len(cells) != len(header):
                raise SsmError(
                    f"{str(path)!r}, line {reader.line_num}: {len(cells)} fields, the header has "
                    f"{len(header)}; quote a field that holds the separator {separator!r}"
                )
            else:
                yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise SsmError(f"{str(path)!r}, line {reader.line_num}: {error}") from error


def _header(path: Path, names: list[str], separator: str, column: str) -> list[str]:
    if column not in names:
        message = f"{str(path)!r} has {unknown_column(column, names)}"
        others = [mark for mark in ",;\t" if mark != separator and mark in names[0]]
        if len(names) == 1 and others:
            message += f" (its fields are separated by {others[0]!r}, expected {separator!r})"
        raise SsmError(message)
    twice = [name for name in names if not name or names.count(name) > 1]
    if twice:
        raise SsmError(f"{str(path)!r}: the header must name each column once, got {twice[0]!r}")
    return names


def _json_rows(path: Path, content: str, column: str) -> Iterator[dict[str, str]]:
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            json.dumps(record, ensure_ascii=False).encode()  # Half a surrogate pair cannot be kept.
        except (ValueError, RecursionError) as error:
            raise SsmError(f"{str(path)!r}, line {number}: no JSON ({error})") from error
        if not isinstance(record, dict):
            raise SsmError(f"{str(path)!r}, line {number}: expected an object, got {line[:40]!r}")
        if column not in record:
            raise SsmError(
                f"{str(path)!r}, line {number} has {unknown_column(column, list(record))}"
            )
        if not isinstance(record[column], str):
            raise SsmError(
                f"{str(path)!r}, line {number}: {column!r} must be a string, got {record[column]!r}"
            )
        yield {name: _cell(value) for name, value in record.items()}


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _gather(rows: Iterator[dict[str, str]], column: str) -> TextTable:
    """Keep each text once, with the values of the row in which it first came."""
    first: dict[str, dict[str, str]] = {}
    names: dict[str, None] = {}
    repeated = blank = 0
    conflicts: dict[str, int] = {}
    for row in rows:
        text = row.pop(column).strip()
        names |= dict.fromkeys(row)
        if not text:
            blank += 1
        elif text not in first:
            first[text] = row
        else:
            repeated += 1
            for name, value in row.items():
                if value != first[text].get(name, ""):
                    conflicts[name] = conflicts.get(name, 0) + 1
    columns = {name: tuple(row.get(name, "") for row in first.values()) for name in names}
    return TextTable(tuple(first), columns, repeated, blank, conflicts)
