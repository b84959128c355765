"""Results on disk: complete or not there, and resumable after a kill at any moment.

While a run is under way its results stand in a journal beside the output (``<out>.partial``), one
line a report in the order of the input, each with a key of the report's content and the engine.
A later run reads the journal along with the input and takes over what has the same key; from the
first line that differs or was cut, it extracts anew. At the end the journal is sorted out into the
output and the file of failures, which appear under their names by renaming, the output last. So
a run that fails leaves an earlier output untouched, and a resumed one writes the same bytes.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import ValidationError

from gpt_ie.atomic import atomic_text
from gpt_ie.schema import GptIeError, Rejected, ReportFindings

Outcome = Literal["ok", "failed"]


class StoreError(GptIeError):
    """A file of results cannot be written or read."""


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
    """Results so far, in input order. Use as a context manager; `finish` makes the output."""

    def __init__(self, out: Path, *, resume: bool = True) -> None:
        """Open or create the journal of an output.

        Args:
            out: The output.
            resume: Whether to take over what an earlier run left.

        Raises:
            StoreError: When it cannot be written.
        """
        self._out = out
        self._path = journal_path(out)
        try:
            if not resume:
                self._path.unlink(missing_ok=True)
            self._path.touch()
            self._stream: BinaryIO = self._path.open("r+b")
        except OSError as error:
            raise StoreError(f"cannot write {str(self._path)!r}: {error.strerror}") from error
        self._replaying = True
        self._position = 0
        self._lines = 0

    def __enter__(self) -> "Journal":
        """The journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what was recorded, for the next run."""
        self._stream.close()

    def record(
        self, key: str, produce: Callable[[], tuple[Outcome, str]]
    ) -> tuple[Outcome, str, bool]:
        """Take over the result of a key, or produce and write it.

        Args:
            key: Of the report at this place of the input.
            produce: Gives the outcome and one line of JSON.

        Returns:
            The outcome, the JSON, and whether it was taken over.
        """
        if self._replaying:
            line = self._stream.readline()
            found = _parse(line)
            if found is not None and found[0] == key:
                self._position += len(line)
                self._lines += 1
                return found[1], found[2], True
            self._cut()
        outcome, text = produce()
        self._stream.write(f"{key} {outcome} {text}\n".encode())
        self._lines += 1
        return outcome, text, False

    def finish(self) -> Path | None:
        """Make the output and the file of failures from the journal, and remove it.

        Returns:
            The file of failures; None when nothing failed (an older one is removed then).

        Raises:
            StoreError: When another run wrote to the same journal.
        """
        if self._replaying:
            self._cut()
        self._stream.flush()
        failed = failed_path(self._out)
        failures = 0
        with atomic_text(self._out) as good:
            with atomic_text(failed) as bad:
                for outcome, text in self._entries():
                    (good if outcome == "ok" else bad).write(f"{text}\n")
                    failures += outcome == "failed"
            if not failures:
                failed.unlink()
        self._path.unlink()
        return failed if failures else None

    def _cut(self) -> None:
        """Drop what follows the last line taken over, and write from there on."""
        self._stream.seek(self._position)
        self._stream.truncate()
        self._replaying = False

    def _entries(self) -> Iterator[tuple[Outcome, str]]:
        count = 0
        self._stream.seek(0)
        for line in self._stream:
            found = _parse(line)
            if found is not None:
                count += 1
                yield found[1], found[2]
        if count != self._lines:
            raise StoreError(
                f"{str(self._path)!r} holds {count} results where this run wrote {self._lines}: is "
                "another run writing to the same output? Stop it, remove that file and run again"
            )


def _parse(line: bytes) -> tuple[str, Outcome, str] | None:
    """Key, outcome and JSON of a journal line; None for one that was cut or is of another kind."""
    if not line.endswith(b"\n"):
        return None
    try:
        key, outcome, text = line.decode("utf-8").rstrip("\n").split(" ", 2)
    except ValueError:
        return None
    if outcome not in ("ok", "failed"):
        return None
    return key, "ok" if outcome == "ok" else "failed", text


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
