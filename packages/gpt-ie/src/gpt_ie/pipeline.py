"""The loop: read → extract → check the evidence → store."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from gpt_ie.parallel import map_in_processes
from gpt_ie.produce import Produced, aproduce, misplaced, produce, recall, reject
from gpt_ie.retry import Previous
from gpt_ie.schema import (
    Engine,
    EngineUnavailableError,
    GptIeError,
    Rejected,
    Report,
    ReportFindings,
)
from gpt_ie.screen import empty_reason, unique
from gpt_ie.store import Journal, content_key, failure_line
from gpt_ie.summary import CategoryCount, ExtractionSummary, Tally

__all__ = [
    "CategoryCount",
    "Drive",
    "ExtractionSummary",
    "Run",
    "RunOptions",
    "Task",
    "extract",
    "misplaced",
    "run_with",
]


@dataclass(frozen=True, slots=True)
class Task:
    """A report that the engine is to read.

    Attributes:
        place: Its number in the input, from 0.
        key: Under which its result is recorded.
        report: The report.
    """

    place: int
    key: str
    report: Report


def extract(
    reports: Iterable[Report | Rejected],
    engine: Engine,
    out: Path,
    *,
    resume: bool = True,
    concurrency: int = 8,
    workers: int = 1,
    retry_failed: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> ExtractionSummary:
    """Extract the findings of reports into a ``findings.jsonl``.

    A report without text, one whose id came before, one that the engine cannot read and one whose
    evidence is not in its text fail: they go to the file of failures, with the reason. The output
    appears complete at the end or not at all; see `gpt_ie.store` for what a kill leaves.

    Args:
        reports: In the order of the output, e.g. from `gpt_ie.read_reports`.
        engine: E.g. `gpt_ie.RulesEngine()`; one with ``aextract`` works on many reports at once.
        out: The output, e.g. ``reports.findings.jsonl``.
        resume: Whether to take over what an earlier run that was cut off left: results of the same
            text, id and ``engine.key``.
        concurrency: Reports under way at once, for an engine with ``aextract``.
        workers: Processes, for an engine without; more than one needs an engine that can be
            pickled and a script with ``if __name__ == "__main__":``.
        retry_failed: Whether to extract only the failures of the output that is there, and to take
            over the rest of it; the reports must be those that it was made from.
        on_progress: Called with the number of reports done, after each.

    Returns:
        The summary; its ``stopped`` says so when the engine could not go on.

    Raises:
        GptIeError: When there is no report, another run has the output, or reading or writing
            fails.
    """
    aextract: Callable[[Report], Awaitable[ReportFindings]] | None
    aextract = getattr(engine, "aextract", None)
    for name, value in (("concurrency", concurrency), ("workers", workers)):
        if value < 1:
            raise GptIeError(f"{name} is {value}; it must be 1 or more")

    def drive(run: Run) -> None:
        if aextract is not None:
            _finish_loop(_closing(engine, _in_loop(run, aextract, concurrency)))
        elif workers > 1:
            for task, produced in map_in_processes(_produce, engine, run.todo(), workers=workers):
                run.settle(task, produced)
        else:
            for task in run.todo():
                run.settle(task, produce(engine, task.report))

    if aextract is not None and workers > 1:
        raise GptIeError(
            f"the engine {engine.name!r} waits for a model: set concurrency, and workers to 1"
        )
    return run_with(
        reports,
        engine,
        out,
        drive,
        resume=resume,
        retry_failed=retry_failed,
        on_progress=on_progress,
    )


class Run:
    """One run: what is left to do, and where results go. What drives it decides in which order."""

    def __init__(
        self,
        reports: Iterable[Report | Rejected],
        engine: Engine,
        journal: Journal,
        previous: Previous | None,
        on_progress: Callable[[int], None] | None,
    ) -> None:
        """Start a run.

        Args:
            reports: The input.
            engine: The engine.
            journal: Where results go.
            previous: The output whose failures alone are extracted; None to extract all.
            on_progress: As in `extract`.
        """
        self.tally = Tally()
        self.ended = False
        self._reports = reports
        self._engine_key = engine.key
        self._journal = journal
        self._previous = previous
        self._on_progress = on_progress

    def todo(self) -> Generator[Task]:
        """Read the input and settle what needs no engine.

        Yields:
            What the engine is to read.

        Raises:
            GptIeError: When reading fails, or the input is not that of the output to be mended.
        """
        for place, report in enumerate(unique(self._reports)):
            task = self._open(place, report)
            if task is not None:
                yield task
        if self._previous is not None:
            self._previous.check_end()
        self.ended = True

    def settle(self, task: Task, produced: Produced) -> None:
        """Record what came of a task; in any order.

        Args:
            task: From `todo`.
            produced: Its result.

        Raises:
            StoreError: When it cannot be written.
        """
        self._journal.put(task.place, task.key, produced.entry)
        self._count(task.place, produced, reused=False)

    def _open(self, place: int, report: Report | Rejected) -> Task | None:
        """A task for a report; None when its result is known."""
        failed_before = self._previous is not None and self._previous.failed(report)
        if self._previous is not None and not failed_before and isinstance(report, Report):
            kept = self._previous.kept(report)
            if kept is not None:
                self._journal.keep(place, kept[0])
                self._count(place, recall(kept[1]), reused=True)
                return None
        key = self._key(report)
        entry = self._journal.take(place, key)
        if entry is not None:
            self._count(place, recall(entry), reused=True)
            return None
        if self._previous is not None and not failed_before:
            raise self._previous.unknown(report)
        if isinstance(report, Report):
            reason = empty_reason(report)
            if reason is None:
                return Task(place, key, report)
            report = Rejected(report.report_id, report.row, reason)
        produced = reject(report)
        self._journal.put(place, key, produced.entry)
        self._count(place, produced, reused=False)
        return None

    def _key(self, report: Report | Rejected) -> str:
        if isinstance(report, Rejected):
            return content_key("failed", failure_line(report), {})
        return content_key(self._engine_key, report.report_id, report.sections)

    def _count(self, place: int, produced: Produced, *, reused: bool) -> None:
        self.tally.add(place, produced, reused=reused)
        if self._on_progress is not None:
            self._on_progress(self.tally.reports)


Drive = Callable[[Run], None]


class RunOptions(TypedDict, total=False):
    """The options of a run, whatever drives it; as in `extract`."""

    resume: bool
    retry_failed: bool
    on_progress: Callable[[int], None] | None


def run_with(
    reports: Iterable[Report | Rejected],
    engine: Engine,
    out: Path,
    drive: Drive,
    *,
    resume: bool = True,
    retry_failed: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> ExtractionSummary:
    """`extract` with another way of putting reports through the engine.

    Args:
        reports: As in `extract`.
        engine: As in `extract`.
        out: As in `extract`.
        drive: Takes each of `Run.todo` through the engine and settles it; may raise
            `EngineUnavailableError` once nothing more can be done.
        resume: As in `extract`.
        retry_failed: As in `extract`.
        on_progress: As in `extract`.

    Returns:
        The summary.

    Raises:
        GptIeError: As `extract`.
    """
    begin = time.perf_counter()
    stopped: str | None = None
    failed_out: Path | None = None
    with ExitStack() as stack:
        mode = "retry" if retry_failed else "all"
        journal = stack.enter_context(Journal(out, resume=resume, mode=mode))
        previous = stack.enter_context(Previous(out)) if retry_failed else None
        run = Run(reports, engine, journal, previous, on_progress)
        try:
            drive(run)
        except EngineUnavailableError as error:
            stopped = str(error)
        else:
            if not run.tally.reports:
                raise GptIeError("there is no report to extract from")
            failed_out = journal.finish()
    share: Callable[[], float | None] | None = getattr(engine, "share", None)
    return run.tally.summary(
        out,
        failed_out,
        engine.name,
        time.perf_counter() - begin,
        share=share() if callable(share) else None,
        stopped=stopped,
    )


def _produce(engine: Engine, task: Task) -> Produced:
    """What a worker process calls."""
    return produce(engine, task.report)


async def _in_loop(
    run: Run, aextract: Callable[[Report], Awaitable[ReportFindings]], concurrency: int
) -> None:
    """So many at once, each taking the next report when it is done with one.

    When the engine cannot go on, or anything fails, no new report is begun; those under way are
    still waited for and recorded, for they may have been paid.
    """
    todo = run.todo()

    async def work() -> None:
        try:
            for task in todo:
                run.settle(task, await aproduce(aextract, task.report))
                # An engine that answers without waiting leaves no room for an interrupt.
                await asyncio.sleep(0)
        except Exception:
            todo.close()
            raise

    results = await asyncio.gather(*(work() for _ in range(concurrency)), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in sorted(failures, key=lambda error: isinstance(error, EngineUnavailableError)):
        raise failure


async def _closing(engine: Engine, work: Coroutine[Any, Any, None]) -> None:
    """Let the engine close what it opened in this event loop, however the work ends."""
    try:
        await work
    finally:
        close: Callable[[], Awaitable[None]] | None = getattr(engine, "aclose", None)
        if close is not None:
            await close()


def _finish_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, also from within a running loop, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    failures: list[BaseException] = []

    def target() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    for failure in failures:
        raise failure
