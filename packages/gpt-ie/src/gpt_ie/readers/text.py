"""A folder of ``.txt``, and standard input → a stream of reports."""

import csv
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from gpt_ie.columns import ColumnError, Wanted, choose_columns
from gpt_ie.readers.lines import STDIN, OnRead, ReadError, decode, stream_lines
from gpt_ie.readers.records import checked
from gpt_ie.readers.table import read_csv, read_jsonl
from gpt_ie.schema import Rejected, Report

# A file of text larger than this is no report.
LARGEST_TEXT = 4 * 2**20
_NAME = re.compile(r"[\w.-]+")
_LINK = "a symbolic link, which is not followed: name the folder that holds the file itself"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a folder.

    Attributes:
        name: Without the folder.
        kind: What it is itself; a symbolic link is not followed.
    """

    name: str
    kind: Literal["file", "folder", "link", "other"]


def entries(folder: Path) -> list[Entry]:
    """What is in a folder, by name; hidden entries are left out.

    Args:
        folder: The folder.

    Returns:
        Its entries.

    Raises:
        OSError: When it cannot be listed.
    """
    with os.scandir(folder) as found:
        listed = [Entry(entry.name, _kind(entry)) for entry in found if entry.name[0] != "."]
    return sorted(listed, key=lambda entry: entry.name)


def _kind(entry: os.DirEntry[str]) -> Literal["file", "folder", "link", "other"]:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def read_folder(
    folder: Path, sections: frozenset[str], on_read: OnRead | None = None
) -> Iterator[Report | Rejected]:
    """One report from each ``.txt`` of a folder and of the folders in it.

    Args:
        folder: Where to begin; its links are not followed, hidden files and other endings are left
            out.
        sections: Of `gpt_ie.sections.SECTIONS`; empty for all text.
        on_read: Called with the number of bytes read so far.

    Returns:
        The reports in the order of their names, the id being the path without ``.txt``; and a
        rejection for each file or folder that cannot be read.

    Raises:
        ReadError: At once, when there is no ``.txt``.
    """
    found = _walk(folder)
    first = next(found, None)
    if first is None:
        raise ReadError(
            f"{str(folder)!r} is a folder without .txt; name a folder of .txt, a MIMIC-CXR tree "
            "(files/p10/p10000032/s50414267.txt) or one of its files (.csv, .jsonl, .parquet)"
        )
    records = read_files(folder, itertools.chain([first], found), on_read)
    return checked(records, sections, f"{folder}: there is no report")


def _walk(root: Path) -> Iterator[tuple[str, str] | Rejected]:
    """Id and relative path of each ``.txt``, depth first; no recursion, for folders may be deep."""
    stack = [("", iter([Entry("", "folder")]))]
    while stack:
        parent, siblings = stack[-1]
        entry = next(siblings, None)
        if entry is None:
            stack.pop()
            continue
        relative = f"{parent}{entry.name}"
        if entry.kind == "folder":
            try:
                inner = entries(root / relative)
            except OSError as error:
                yield Rejected(relative or ".", None, f"cannot list the folder: {error.strerror}")
                continue
            stack.append((f"{relative}/" if relative else "", iter(inner)))
        elif entry.kind == "link" or entry.name.lower().endswith(".txt"):
            yield _file_or_not(relative, entry)


def _file_or_not(relative: str, entry: Entry) -> tuple[str, str] | Rejected:
    name = str(PurePosixPath(relative).with_suffix(""))
    if entry.kind == "file":
        return name, relative
    return Rejected(name, None, _LINK if entry.kind == "link" else "not a regular file")


def read_files(
    root: Path, found: Iterator[tuple[str, str] | Rejected], on_read: OnRead | None
) -> Iterator[Report | Rejected]:
    """Read files one after the other.

    Args:
        root: Of the paths.
        found: Id and path of each file, or why there is none.
        on_read: Called with the number of bytes read so far.

    Yields:
        The reports and the rejections.
    """
    size = 0
    for item in found:
        if isinstance(item, Rejected):
            yield item
            continue
        report_id, relative = item
        try:
            with (root / relative).open("rb") as stream:
                raw = stream.read(LARGEST_TEXT + 1)
        except OSError as error:
            yield Rejected(report_id, None, f"cannot read the file: {error.strerror}")
            continue
        size += len(raw)
        yield _from_bytes(report_id, raw)
        if on_read is not None:
            on_read(size)


def _from_bytes(report_id: str, raw: bytes) -> Report | Rejected:
    if len(raw) > LARGEST_TEXT:
        return Rejected(
            report_id, None, f"the file is larger than {LARGEST_TEXT >> 20} MiB: this is no report"
        )
    try:
        return Report(report_id, {"text": decode(raw)})
    except ValueError as error:
        return Rejected(report_id, None, str(error))


def read_stdin(
    stream: BinaryIO, wanted: Wanted, on_read: OnRead | None = None
) -> Iterator[Report | Rejected]:
    """Reports from standard input: JSONL, CSV, or one report as it is.

    JSONL begins with a brace. CSV has an id and a text among the names of its first line, or is
    what it must be where columns are named. Anything else is one report with the id ``"stdin"``.

    Args:
        stream: Bytes.
        wanted: What to read of it.
        on_read: Called with the number of bytes read so far.

    Returns:
        The reports and the rejections.

    Raises:
        ReadError: As `gpt_ie.readers.read_reports`.
    """
    lines = stream_lines(stream, on_read)
    head: list[str] = []
    for line in _bounded(lines):
        head.append(line)
        if line.strip():
            break
    else:
        raise ReadError(f"{STDIN} is empty; it needs JSONL, a CSV with a header, or a report")
    whole = itertools.chain(head, lines)
    if head[-1].lstrip().startswith(("{", "[{")):
        return read_jsonl(whole, STDIN, wanted)
    if wanted.id_column or wanted.text_columns or _is_header(head[-1]):
        return read_csv(whole, STDIN, wanted)
    text = "".join(_bounded(whole))
    if "\0" in text:
        raise ReadError(f"{STDIN} holds a NUL byte: it is no text")
    return checked(iter([Report("stdin", {"text": text})]), wanted.sections, STDIN)


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    size = 0
    for line in lines:
        size += len(line)
        if size > LARGEST_TEXT:
            raise ReadError(
                f"{STDIN} is no table by its first line, and larger than "
                f"{LARGEST_TEXT >> 20} MiB: this is no report"
            )
        yield line


def _is_header(line: str) -> bool:
    """Whether a line is a CSV's header: it has columns that we know, or names without a space."""
    try:
        names = next(csv.reader([line]), [])
    except csv.Error:
        return False
    try:
        choose_columns(names)
    except ColumnError:
        return len(names) > 1 and all(_NAME.fullmatch(name) for name in names)
    return True
