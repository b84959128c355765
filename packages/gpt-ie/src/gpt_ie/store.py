"""Results on disk: complete or not there, and resumable after a kill at any moment.

While a run is under way its results stand in a journal beside the output (``<out>.partial``, for
its owner's eyes only): one line a report, in the order in which they were completed, each with a
checksum and a key of the report's content and the engine. A later run takes over what has the same
key, wherever it stands in the input now; a line that a kill cut off is dropped. At the end the
journal is sorted out, in the order of the input, into the output and the file of failures, which
appear under their names by renaming, the output last. So a run that fails leaves an earlier output
untouched, and a resumed one writes the same bytes. The journal is locked while a run has it open.
"""

import hashlib
import json
import os
from array import array
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from glob import escape
from pathlib import Path
from typing import Literal
from zlib import crc32

from pydantic import ValidationError

from gpt_ie.atomic import atomic_text
from gpt_ie.flat_table import FlatTable
from gpt_ie.lock import AlreadyLockedError, open_locked
from gpt_ie.schema import GptIeError, Rejected, ReportFindings, Usage

Outcome = Literal["ok", "failed"]
Mode = Literal["all", "retry"]

_MAGIC = b"gpt-ie journal "
_VERSION = b"2"
_ABSENT = -1


class StoreError(GptIeError):
    """A file of results cannot be written or read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What came of one report.

    Attributes:
        outcome: Whether there are findings.
        text: One line of JSON, of the output or of the file of failures.
        usage: What a failed report cost; findings carry their own.
    """

    outcome: Outcome
    text: str
    usage: Usage | None = None


def failed_path(out: Path) -> Path:
    """Where the failures of an output go: ``x.findings.jsonl`` -> ``x.findings.failed.jsonl``."""
    stem = out.name.removesuffix(".jsonl")
    return out.with_name(f"{stem}.failed.jsonl")


def journal_path(out: Path) -> Path:
    """Where the results stand while a run is under way."""
    return out.with_name(f"{out.name}.partial")


def content_key(engine_key: str, report_id: str, sections: Mapping[str, str]) -> str:
    """A key of everything that decides a report's findings.

    Args:
        engine_key: Of the engine, with all that changes its answers.
        report_id: The report's id.
        sections: Column -> text.

    Returns:
        32 hexadecimal digits.
    """
    content = json.dumps([engine_key, report_id, list(sections.items())], ensure_ascii=True)
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


class Journal:
    """Results so far. Use as a context manager; `finish` makes the output.

    In memory it keeps 8 bytes for each report of this run, and 24 to 48 for each of an earlier one.
    """

    def __init__(self, out: Path, *, resume: bool = True, mode: Mode = "all") -> None:
        """Open or create the journal of an output, and lock it.

        Args:
            out: The output.
            resume: Whether to take over what an earlier run left.
            mode: Whether the whole input is extracted or only what failed; a journal left by the
                one is not taken over by the other.

        Raises:
            StoreError: When it cannot be written, or another run has it.
        """
        self._out = out
        self._path = journal_path(out)
        self._header = b"%s%s %s\n" % (_MAGIC, _VERSION, mode.encode())
        self._index = FlatTable()
        self._order = array("q")
        with ExitStack() as stack:
            try:
                self._handle = open_locked(self._path)
                stack.callback(os.close, self._handle)
                self._stream = stack.enter_context(self._path.open("rb"))
                self._end = self._recover(resume)
                self._remove_leftovers()
            except AlreadyLockedError:
                raise StoreError(
                    f"another run is writing to {str(out)!r}: wait for it, or give another output"
                ) from None
            except OSError as error:
                raise StoreError(f"cannot write {str(self._path)!r}: {error.strerror}") from error
            self._files = stack.pop_all()

    def __enter__(self) -> "Journal":
        """The journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what was recorded, for the next run."""
        self._files.close()

    def take(self, place: int, key: str) -> Entry | None:
        """Take over the result that an earlier run left for a key.

        Args:
            place: Number of the report in this run's input, from 0.
            key: Of the report.

        Returns:
            The result; None when there is none.
        """
        offset = self._index.get(int(key[:16], 16))
        if offset is None:
            return None
        found = _parse(self._line(offset))
        if found is None or found[0] != key:
            return None
        self._set(place, offset << 1)
        return found[1]

    def put(self, place: int, key: str, entry: Entry) -> None:
        """Record a result.

        Args:
            place: As in `take`; in any order.
            key: Of the report.
            entry: What came of it.

        Raises:
            StoreError: When it cannot be written, e.g. because the disk is full.
        """
        line = memoryview(_line(key, entry))
        data = line
        self._set(place, self._end << 1)
        try:
            # At once and past every buffer of ours: a kill does not reach what the system has.
            while data:
                data = data[os.write(self._handle, data) :]
        except OSError as error:
            os.ftruncate(self._handle, self._end)
            raise self._full(self._path, error) from error
        self._end += len(line)

    def keep(self, place: int, offset: int) -> None:
        """Take over a line of the output that is there now.

        Args:
            place: As in `take`.
            offset: Where the line starts in the output, in bytes.
        """
        self._set(place, offset << 1 | 1)

    def finish(self) -> Path | None:
        """Make the output and the file of failures from the journal, and remove it.

        Returns:
            The file of failures; None when nothing failed (an older one is removed then).

        Raises:
            StoreError: When another run wrote to the same journal, or the output cannot be written.
        """
        if os.fstat(self._handle).st_size != self._end:
            raise StoreError(
                f"{str(self._path)!r} does not hold what this run wrote: is another run writing to "
                "the same output? Stop it, remove that file and run again"
            )
        failed = failed_path(self._out)
        failures = 0
        try:
            with atomic_text(self._out) as good:
                with atomic_text(failed) as bad:
                    for entry in self._entries():
                        (good if entry.outcome == "ok" else bad).write(f"{entry.text}\n")
                        failures += entry.outcome == "failed"
                if not failures:
                    failed.unlink()
        except OSError as error:
            raise self._full(self._out, error) from error
        self._path.unlink()
        return failed if failures else None

    def _recover(self, resume: bool) -> int:
        """Index the whole lines of an earlier run, drop the rest; the end of what stays."""
        head = self._stream.readline() if resume else b""
        lines = 0
        if head.startswith(_MAGIC):
            end = self._stream.tell()
            for line in self._stream:
                if not line.endswith(b"\n"):
                    break
                found = _parse(line)
                if found is not None:
                    lines += 1
                    self._index.setdefault(int(found[0][:16], 16), end)
                end += len(line)
            if lines or not head.startswith(_MAGIC + _VERSION + b" "):
                self._check_header(head)
                os.ftruncate(self._handle, end)
                return end
        # Nothing to take over: an empty file, or one of a version that did not stand concurrency.
        os.ftruncate(self._handle, 0)
        os.write(self._handle, self._header)
        return len(self._header)

    def _check_header(self, head: bytes) -> None:
        """Refuse results that are good but not for this run."""
        if head == self._header:
            return
        version, _, mode = head.removeprefix(_MAGIC).decode("utf-8", "replace").partition(" ")
        if version.encode() != _VERSION:
            problem = f"is of version {version!r} of the journal, made by another gpt-ie"
        elif mode.strip() == "retry":
            problem = "is of a run that retried failures only (--retry-failed)"
        else:
            problem = "is of a run over the whole input (without --retry-failed)"
        raise StoreError(
            f"{str(self._path)!r} holds results and {problem}: finish that run as it was begun, or "
            "drop its results (--no-resume)"
        )

    def _remove_leftovers(self) -> None:
        """Remove what a kill while the output was written left under a temporary name."""
        for name in (self._out.name, failed_path(self._out).name):
            for leftover in self._out.parent.glob(f".{escape(name)}.*.tmp"):
                leftover.unlink(missing_ok=True)

    def _set(self, place: int, where: int) -> None:
        """Note where the result of a place stands: an offset, twice; plus 1 for the old output."""
        missing = place + 1 - len(self._order)
        if missing > 0:
            self._order.extend([_ABSENT] * missing)
        self._order[place] = where

    def _line(self, offset: int) -> bytes:
        self._stream.seek(offset)
        return self._stream.readline()

    def _entries(self) -> Iterator[Entry]:
        """The results in the order of the input."""
        with ExitStack() as stack:
            old = stack.enter_context(self._out.open("rb")) if self._out.is_file() else None
            for place, where in enumerate(self._order):
                if where >= 0 and where & 1 and old is not None:
                    old.seek(where >> 1)
                    yield Entry("ok", old.readline().decode("utf-8").rstrip("\n"))
                    continue
                found = _parse(self._line(where >> 1)) if where >= 0 else None
                if found is None:
                    raise StoreError(f"{str(self._path)!r} holds no result for report {place + 1}")
                yield found[1]

    def _full(self, path: Path, error: OSError) -> StoreError:
        return StoreError(
            f"cannot write {str(path)!r}: {error.strerror}; the results so far stay in "
            f"{str(self._path)!r}, and the same command goes on from there"
        )


def _line(key: str, entry: Entry) -> bytes:
    usage = "-" if entry.usage is None else entry.usage.model_dump_json()
    body = f"{key} {entry.outcome} {usage} {entry.text}\n".encode()
    return b"%08x %s" % (crc32(body), body)


def _parse(line: bytes) -> tuple[str, Entry] | None:
    """Key and result of a journal line; None for one that was cut or is of another kind."""
    if line[8:9] != b" " or b"%08x" % crc32(memoryview(line)[9:]) != line[:8]:
        return None
    key, outcome, usage, text = line[9:-1].decode("utf-8").split(" ", 3)
    spent = None if usage == "-" else Usage.model_validate_json(usage)
    return key, Entry("ok" if outcome == "ok" else "failed", text, spent)


def failure_line(failure: Rejected) -> str:
    """One line of the file of failures."""
    return json.dumps(asdict(failure), ensure_ascii=False)


def read_findings(path: Path) -> Iterator[ReportFindings]:
    """Stream a ``findings.jsonl``.

    Args:
        path: As written by `gpt_ie.extract` or another extractor of the same format.

    Yields:
        One record a line.

    Raises:
        StoreError: At the first line that is not in the format, with its number.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield _record(path, number, line)
    except OSError as error:
        raise StoreError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: byte {error.start} of a block is not UTF-8") from error


def _record(path: Path, number: int, line: str) -> ReportFindings:
    try:
        return ReportFindings.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the line"
        raise StoreError(f"{path}: line {number}: {where}: {problem['msg']}") from error
