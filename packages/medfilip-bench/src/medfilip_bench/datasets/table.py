"""Label files read by column name, so that another version is noticed and not misread."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from medfilip_bench.errors import DataError


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read some columns of a CSV file.

    Names in the header are stripped: SIIM-ACR writes `` EncodedPixels`` with a space before it.

    Args:
        path: The file, UTF-8.
        columns: Columns that must be there.

    Returns:
        The rows with those columns; a cell that a short row lacks is empty.

    Raises:
        DataError: The file is missing or damaged, lacks a column, or has a header and no row.
    """
    header, rows = _read(path)
    missing = [name for name in columns if name not in header]
    if missing:
        raise DataError(
            f"{path.name} has no column {missing[0]!r}; it has "
            f"{', '.join(map(repr, header)) or 'no header'}: it is a label file of another version"
        )
    if not rows:
        raise DataError(f"{path.name} has a header and no row")
    place = {name: header.index(name) for name in columns}
    return [
        {name: row[at].strip() if at < len(row) else "" for name, at in place.items()}
        for row in rows
    ]


def read_names(path: Path) -> list[str]:
    """Read a list of names, one a line.

    Raises:
        DataError: The file is missing or damaged.
    """
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_text(path: Path) -> str:
    """Read a UTF-8 file.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 (byte {error.start})") from error


def read_cells(path: Path) -> list[list[str]]:
    """Read a CSV file by position, its header left out.

    Raises:
        DataError: The file is missing or damaged.
    """
    return _read(path)[1]


def header_of(path: Path) -> tuple[str, ...]:
    """Return the column names of a CSV file; empty where it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return tuple(name.strip() for name in next(csv.reader(stream), []))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def number(text: str, where: str) -> float:
    """Read a number.

    Raises:
        DataError: It is none, or not finite.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value or abs(value) == float("inf"):
        raise DataError(f"{where}: {text!r} is no number")
    return value


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    text = read_text(path)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if any(row)]
    except csv.Error as error:
        raise DataError(f"{path.name} is no CSV file: {error}") from error
    if not rows:
        raise DataError(f"{path.name} is empty")
    return [name.strip() for name in rows[0]], rows[1:]
