"""Bytes of a file or of standard input → lines of text, in constant memory."""

import gzip
import shlex
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from gpt_ie.schema import GptIeError

# No line of a table of reports is as long; a file of one endless line must not fill the memory.
LONGEST_LINE = 16 * 2**20
STDIN = "standard input"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

OnRead = Callable[[int], None]


class ReadError(GptIeError):
    """A file cannot be read as reports at all: nothing is extracted from it."""


def file_lines(path: Path, on_read: OnRead | None = None) -> Iterator[str]:
    """The lines of a file, unpacked where its name ends in ``.gz``.

    Args:
        path: A file of UTF-8.
        on_read: Called with the number of the file's bytes read so far.

    Yields:
        Lines with their ends as they are; a byte order mark at the start is dropped.

    Raises:
        ReadError: When it cannot be read or unpacked, at a byte that is not UTF-8, and at a line
            longer than `LONGEST_LINE`.
    """
    try:
        with path.open("rb") as stream:
            if not is_gzip(path):
                yield from _decoded(stream, path, on_read)
                return
            with gzip.GzipFile(fileobj=stream) as unpacked:
                for line in _decoded(unpacked, path, None):
                    yield line
                    if on_read is not None:
                        on_read(stream.tell())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ReadError(f"{path}: not a whole gzip file: {error}") from error
    except OSError as error:
        raise ReadError(f"cannot read {str(path)!r}: {error.strerror}") from error


def stream_lines(stream: BinaryIO, on_read: OnRead | None = None) -> Iterator[str]:
    """The lines of standard input, as `file_lines`.

    Args:
        stream: Bytes.
        on_read: Called with the number of bytes read so far.

    Yields:
        Lines with their ends.

    Raises:
        ReadError: As `file_lines`.
    """
    try:
        yield from _decoded(stream, None, on_read)
    except OSError as error:
        raise ReadError(f"cannot read {STDIN}: {error.strerror}") from error


def is_gzip(path: Path) -> bool:
    """Whether a file is packed, by its name."""
    return path.name.lower().endswith(".gz")


def decode(raw: bytes) -> str:
    """The text of a whole file.

    Args:
        raw: Its bytes.

    Returns:
        The text, without a byte order mark.

    Raises:
        ValueError: With the reason, when it is no UTF-8 text.
    """
    if raw.startswith(_UTF16):
        raise ValueError("the file is UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8")
    start = len(_BOM) if raw.startswith(_BOM) else 0
    try:
        text = raw[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        place = start + error.start
        raise ValueError(
            f"byte {place}, 0x{raw[place]:02x}, is not UTF-8: convert the file, e.g. with "
            "iconv -f WINDOWS-1252 -t UTF-8"
        ) from error
    if "\0" in text:
        raise ValueError("the file holds a NUL byte: it is no text")
    return text


def _decoded(
    stream: BinaryIO | gzip.GzipFile, path: Path | None, on_read: OnRead | None
) -> Iterator[str]:
    """Lines, decoded strictly."""
    offset = number = 0
    while raw := stream.readline(LONGEST_LINE):
        number += 1
        if len(raw) == LONGEST_LINE:
            raise ReadError(
                f"{path or STDIN}: line {number} is longer than {LONGEST_LINE >> 20} MiB: this is "
                "no table of reports"
            )
        start = len(_BOM) if number == 1 and raw.startswith(_BOM) else 0
        try:
            yield raw[start:].decode("utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8(path, raw, number, offset, start + error.start) from error
        offset += len(raw)
        if on_read is not None:
            on_read(offset)


def _not_utf8(path: Path | None, raw: bytes, number: int, offset: int, place: int) -> ReadError:
    code = "UTF-16" if number == 1 and raw.startswith(_UTF16) else "WINDOWS-1252"
    convert = f"iconv -f {code} -t UTF-8"
    if path is None:
        how = f"{convert} FILE | gpt-ie extract -"
    else:
        source = shlex.quote(str(path))
        name = path.name[:-3] if is_gzip(path) else path.name
        target = path.with_name(f"{Path(name).stem}.utf8{Path(name).suffix}")
        how = f"{convert} {source}" if name == path.name else f"zcat {source} | {convert}"
        how += f" > {shlex.quote(str(target))}"
    return ReadError(
        f"{path or STDIN}: line {number}, byte {offset + place}: 0x{raw[place]:02x} is not UTF-8; "
        f"convert the file first, e.g. {how}"
    )
