"""Batch files in OpenAI's format: requests written today, answers read tomorrow.

One request a line, under an id made of the report's content, so that answers in any order, in a
file that was cut or in several files find their reports, and none finds one that has changed since.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gpt_ie.atomic import atomic_text
from gpt_ie.flat_table import FlatTable
from gpt_ie.schema import (
    EngineError,
    GptIeError,
    Rejected,
    Report,
    ReportFindings,
    Usage,
)
from gpt_ie.screen import empty_reason, unique
from gpt_ie.store import content_key

URL = "/v1/chat/completions"
# OpenAI takes so many requests a file.
MAX_REQUESTS = 50_000
_SHOWN = 200

Messages = Sequence[Mapping[str, Any]]


class BatchError(GptIeError):
    """A batch file cannot be written or read."""


class BatchAnswerError(EngineError):
    """The batch has no answer for a report, or an error in its place."""


@dataclass(frozen=True, slots=True)
class BatchWritten:
    """What was written.

    Attributes:
        paths: The files, in order; more than one where there are more requests than one may hold.
        requests: Reports in them.
        rejected: Reports that are not: empty, twice there, or not readable.
    """

    paths: tuple[Path, ...]
    requests: int
    rejected: int


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What a batch says of one report.

    Attributes:
        report: The report.
        content: The model's words; None where there are none.
        problem: Why there are none, in one line; None where there are.
        usage: What the request took; None where the batch does not say.
    """

    report: Report
    content: str | None
    problem: str | None
    usage: Usage | None = None


def write_batch(
    reports: Iterable[Report | Rejected],
    build_messages: Callable[[Report], Messages],
    model: str,
    path: Path,
    *,
    body: Mapping[str, Any] | None = None,
    engine_key: str = "",
    max_requests: int = MAX_REQUESTS,
) -> BatchWritten:
    """Write one request a line.

    Args:
        reports: As for `gpt_ie.extract`.
        build_messages: A report's chat messages.
        model: The model's name as its provider knows it.
        path: The file, e.g. ``batch.jsonl``; a second one is ``batch-2.jsonl``, and so on.
        body: More of each request, such as ``response_format``, ``temperature``, ``max_tokens``.
        engine_key: What decides the answers beside the report (model, prompt, schema); the same is
            needed for reading.
        max_requests: Of one file.

    Returns:
        What was written.

    Raises:
        BatchError: When a file cannot be written, or there is no request to write.
    """
    paths: list[Path] = []
    requests = rejected = 0
    try:
        with ExitStack() as stack:
            stream = None
            for report in unique(reports):
                if isinstance(report, Rejected) or empty_reason(report) is not None:
                    rejected += 1
                    continue
                if stream is None or requests % max_requests == 0:
                    number = len(paths) + 1
                    named = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
                    stream = stack.enter_context(atomic_text(named))
                    paths.append(named)
                request = {
                    "custom_id": content_key(engine_key, report.report_id, report.sections),
                    "method": "POST",
                    "url": URL,
                    "body": {
                        "model": model,
                        "messages": list(build_messages(report)),
                        **(body or {}),
                    },
                }
                stream.write(json.dumps(request, ensure_ascii=False) + "\n")
                requests += 1
            if not requests:
                raise BatchError("there is no report with text to write a request for")
    except OSError as error:
        raise BatchError(f"cannot write {str(path)!r}: {error.strerror}") from error
    return BatchWritten(tuple(paths), requests, rejected)


class BatchAnswers:
    """The answers of batch output files, found by their reports; a context manager.

    Keeps 24 to 48 bytes an answer; the answers themselves stay on disk. Lines that are no JSON, or
    carry no id, are counted and passed over. Where an id comes twice, an answer counts, not an
    error.

    Attributes:
        unreadable: Lines passed over.
    """

    def __init__(self, paths: Iterable[Path], *, engine_key: str = "") -> None:
        """Index the files.

        Args:
            paths: Outputs and error files of the batch, in any order.
            engine_key: As given to `write_batch`.

        Raises:
            BatchError: When a file cannot be read.
        """
        self.unreadable = 0
        self._engine_key = engine_key
        self._good = FlatTable()
        self._bad = FlatTable()
        self._streams: list[BinaryIO] = []
        with ExitStack() as stack:
            for path in paths:
                try:
                    stream = stack.enter_context(path.open("rb"))
                    self._streams.append(stream)
                    self._index(stream, len(self._streams) - 1)
                except OSError as error:
                    raise BatchError(f"cannot read {str(path)!r}: {error.strerror}") from error
            self._files = stack.pop_all()

    def __enter__(self) -> "BatchAnswers":
        """The answers."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._files.close()

    def find(self, report: Report) -> BatchAnswer:
        """The answer for a report.

        Args:
            report: With the same text as when the batch was written.

        Returns:
            The answer, or the problem in its place.
        """
        key = content_key(self._engine_key, report.report_id, report.sections)
        for table in (self._good, self._bad):
            where = table.get(int(key[:16], 16))
            if where is not None:
                stream = self._streams[where & 0xFFFF]
                stream.seek(where >> 16)
                value = _json(stream.readline())
                if value is not None and value.get("custom_id") == key:
                    content, problem = _content(value)
                    return BatchAnswer(report, content, problem, _usage(value))
        problem = "the batch has no answer for this report, its text, model, prompt and schema"
        return BatchAnswer(report, None, problem)

    def _index(self, stream: BinaryIO, number: int) -> None:
        offset = 0
        for line in stream:
            value = _json(line)
            key = None if value is None else _key(value)
            if value is not None and key is not None:
                table = self._good if _content(value)[0] is not None else self._bad
                table.setdefault(key, offset << 16 | number)
            elif line.strip():
                self.unreadable += 1
            offset += len(line)


def read_batch(
    paths: Path | Iterable[Path],
    reports: Iterable[Report | Rejected],
    *,
    engine_key: str = "",
) -> Iterator[BatchAnswer | Rejected]:
    """Read the answers of a batch, in the order of the reports.

    Args:
        paths: Output and error files of the batch.
        reports: Those that it was written from.
        engine_key: As given to `write_batch`.

    Yields:
        An answer, or the problem in its place, for each report with text; else its rejection.

    Raises:
        BatchError: When a file cannot be read.
    """
    files = [paths] if isinstance(paths, Path) else paths
    with BatchAnswers(files, engine_key=engine_key) as answers:
        for report in unique(reports):
            if isinstance(report, Rejected):
                yield report
                continue
            reason = empty_reason(report)
            if reason is None:
                yield answers.find(report)
            else:
                yield Rejected(report.report_id, report.row, reason)


class BatchEngine:
    """An engine whose answers are there already, for `gpt_ie.extract`.

    Attributes:
        name: As written with each result.
        key: As `gpt_ie.schema.Engine.key`.
    """

    def __init__(
        self,
        answers: BatchAnswers,
        parse: Callable[[Report, str, Usage | None], ReportFindings],
        name: str,
        key: str,
    ) -> None:
        """Take answers and a way to read them.

        Args:
            answers: Of the batch.
            parse: A report and the model's words -> its findings; raises `EngineError` for words
                that are no answer.
            name: Of the engine.
            key: Of the engine.
        """
        self.name = name
        self.key = key
        self._answers = answers
        self._parse = parse

    def extract(self, report: Report) -> ReportFindings:
        """The findings of one report.

        Args:
            report: Of the input that the batch was written from.

        Returns:
            Its findings.

        Raises:
            EngineError: When the batch has no answer for it, or one that cannot be read.
        """
        answer = self._answers.find(report)
        if answer.content is None:
            raise BatchAnswerError(answer.problem)
        return self._parse(report, answer.content, answer.usage)


def _json(line: bytes) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _key(value: Mapping[str, Any]) -> int | None:
    """The first 64 bits of an id; None for one that is not of our making."""
    custom_id = value.get("custom_id")
    try:
        return int(custom_id[:16], 16) if isinstance(custom_id, str) else None
    except ValueError:
        return None


def _content(value: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The model's words of an output line, or why there are none."""
    response = _mapping(value.get("response"))
    status = response.get("status_code")
    body = _mapping(response.get("body"))
    error = _mapping(value.get("error")) or _mapping(body.get("error"))
    if error or status not in (200, None):
        code = error.get("code") or error.get("type") or "an error"
        # The message of a server may repeat what it was sent: only its code is told.
        return None, f"the batch failed on this report: {str(code)[:_SHOWN]} (status {status})"
    choices = body.get("choices")
    choice = _mapping(choices[0]) if isinstance(choices, list) and choices else {}
    content = _mapping(choice.get("message")).get("content")
    if choice.get("finish_reason") == "length":
        return None, "the model's answer was cut off at its limit of tokens"
    if not isinstance(content, str) or not content.strip():
        return None, "the batch holds an empty answer for this report"
    return content, None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _usage(value: Mapping[str, Any]) -> Usage | None:
    usage = _mapping(_mapping(_mapping(value.get("response")).get("body")).get("usage"))
    sent, received = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(sent, int) or not isinstance(received, int):
        return None
    return Usage(calls=1, prompt_tokens=sent, completion_tokens=received)
