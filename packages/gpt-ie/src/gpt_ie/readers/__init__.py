"""A user's files → a stream of reports. The only package that reads them."""

import difflib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath

from gpt_ie.columns import ColumnError, Wanted, choose_sections
from gpt_ie.readers.lines import ReadError, file_lines, is_gzip
from gpt_ie.readers.mimic import mimic_files, read_mimic
from gpt_ie.readers.parquet import read_parquet
from gpt_ie.readers.table import read_csv, read_jsonl
from gpt_ie.readers.text import read_folder, read_stdin
from gpt_ie.schema import Rejected, Report

__all__ = ["FORMATS", "ReadError", "base_name", "read_reports"]

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def read_reports(
    path: Path,
    *,
    id_column: str | None = None,
    text_columns: Sequence[str] = (),
    sections: Sequence[str] | None = None,
    on_read: Callable[[int], None] | None = None,
) -> Iterator[Report | Rejected]:
    """Stream the reports of a file, a folder or standard input, in constant memory.

    The input and its columns are checked at once; reports are read as they are asked for.

    Args:
        path: ``.csv`` with a header, ``.jsonl`` / ``.ndjson`` with one object a line (also packed,
            ``.csv.gz``), ``.parquet``, a folder of ``.txt``, a MIMIC-CXR tree, or ``-`` for
            standard input; UTF-8.
        id_column: Column of the report's id; None to guess it.
        text_columns: Columns of text; empty to guess them.
        sections: Which sections to read, such as ``("findings", "impression")``; None for all text.
            Columns of other sections are left out; in a text with headings everything else is
            blanked, so that offsets stay those of the text as read.
        on_read: Called with the number of bytes read so far.

    Returns:
        The reports, and a `Rejected` for each row or file that cannot be one.

    Raises:
        ReadError: When the input is missing, empty, of another kind or without these columns; and
            while rows are read, at a byte that is not UTF-8, where quotes do not match, and where
            a packed file or a Parquet file is damaged.
    """
    try:
        wanted = Wanted(id_column, tuple(text_columns), choose_sections(sections))
    except ColumnError as error:
        raise ReadError(str(error)) from error
    if str(path) == "-":
        return read_stdin(sys.stdin.buffer, wanted, on_read)
    if path.is_dir():
        return _read_tree(path, wanted, on_read)
    kind = _kind(path)
    if kind == "parquet":
        return read_parquet(path, wanted, on_read)
    read = read_csv if kind == "csv" else read_jsonl
    return read(file_lines(path, on_read), str(path), wanted)


def base_name(path: Path) -> str:
    """The name of an input without its ending, from which an output may be named.

    Args:
        path: As for `read_reports`.

    Returns:
        E.g. ``"reports"`` for ``reports.csv.gz``, ``"notes"`` for a folder ``notes/``, and
        ``"stdin"`` for ``-``.
    """
    if str(path) == "-":
        return "stdin"
    if path.is_dir():
        return path.resolve().name or "reports"
    return PurePath(path.name[: -len(".gz")] if is_gzip(path) else path.name).stem


def _read_tree(
    path: Path, wanted: Wanted, on_read: Callable[[int], None] | None
) -> Iterator[Report | Rejected]:
    files = mimic_files(path)
    if files is not None:
        records = read_mimic(files, wanted.sections, on_read)
    else:
        records = read_folder(path, wanted.sections, on_read)
    if wanted.id_column is not None or wanted.text_columns:
        raise ReadError(
            f"{str(path)!r} is a folder of .txt, which has no columns: leave out --id and --text"
        )
    return records


def _kind(path: Path) -> str:
    """The format by the name's ending, for a file that is there."""
    if not path.exists():
        folder = path.parent
        siblings = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=3)
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise ReadError(f"no file {str(path)!r}{hint}")
    packed = is_gzip(path)
    ending = PurePath(path.name[: -len(".gz")] if packed else path.name).suffix
    kind = FORMATS.get(ending.lower())
    if kind is None or (packed and kind == "parquet"):
        raise ReadError(
            f"{str(path)!r} ends in {path.suffix!r}; reports are read from {', '.join(FORMATS)} "
            "(.csv.gz and the like too), from a folder of .txt, and from standard input (-): "
            "rename or convert it"
        )
    return kind
