"""One report through an engine: its findings, checked against its text, or the reason why not."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gpt_ie.schema import Engine, EngineError, Rejected, Report, ReportFindings, Usage
from gpt_ie.store import Entry, failure_line


@dataclass(frozen=True, slots=True)
class Produced:
    """What came of one report, with what the summary counts, so that no JSON is read twice.

    Attributes:
        entry: For the journal.
        found: Category and presence of each finding.
        unsupported: Number of findings that are not grounded.
        usage: What a model spent on the report.
    """

    entry: Entry
    found: tuple[tuple[str, str], ...] = ()
    unsupported: int = 0
    usage: Usage | None = None


def produce(engine: Engine, report: Report) -> Produced:
    """Extract from one report.

    Args:
        engine: The engine.
        report: With some text.

    Returns:
        Its findings, or a failure when the engine raises `EngineError` or misplaces evidence.
    """
    try:
        result = engine.extract(report)
    except EngineError as error:
        return _failed(report, error)
    return _checked(report, result)


async def aproduce(
    extract: Callable[[Report], Awaitable[ReportFindings]], report: Report
) -> Produced:
    """As `produce`, for an engine that waits for a model.

    Args:
        extract: The engine's `aextract`.
        report: With some text.

    Returns:
        As `produce`.
    """
    try:
        result = await extract(report)
    except EngineError as error:
        return _failed(report, error)
    return _checked(report, result)


def reject(failure: Rejected, usage: Usage | None = None) -> Produced:
    """A failure.

    Args:
        failure: With its reason.
        usage: What was spent in vain.

    Returns:
        What goes to the journal.
    """
    return Produced(Entry("failed", failure_line(failure), usage), usage=usage)


def recall(entry: Entry) -> Produced:
    """What an earlier run produced.

    Args:
        entry: From the journal or the earlier output.

    Returns:
        The same with what the summary counts.
    """
    if entry.outcome == "failed":
        return Produced(entry, usage=entry.usage)
    return _counted(ReportFindings.model_validate_json(entry.text), entry)


def misplaced(report: Report, result: ReportFindings) -> str | None:
    """Why the evidence of a result is not in its report; None when all of it is.

    Args:
        report: The report.
        result: Its findings.

    Returns:
        The first fault, without report text.
    """
    for finding in result.findings:
        evidence = finding.evidence
        if evidence is None:
            continue
        text = report.sections.get(evidence.section)
        if text is None:
            return f"evidence of {finding.category!r} names no section: {evidence.section!r}"
        if evidence.text != text[evidence.start : evidence.end] or not evidence.text:
            return (
                f"evidence of {finding.category!r} is not at {evidence.section!r} "
                f"{evidence.start}:{evidence.end}"
            )
    return None


def _failed(report: Report, error: EngineError) -> Produced:
    usage = getattr(error, "usage", None)
    failure = Rejected(report.report_id, report.row, str(error))
    return reject(failure, usage if isinstance(usage, Usage) else None)


def _checked(report: Report, result: ReportFindings) -> Produced:
    wrong = misplaced(report, result)
    if wrong is not None:
        return reject(Rejected(report.report_id, report.row, wrong), result.usage)
    return _counted(result, Entry("ok", result.model_dump_json()))


def _counted(result: ReportFindings, entry: Entry) -> Produced:
    return Produced(
        entry,
        tuple((finding.category, finding.presence) for finding in result.findings),
        sum(finding.unsupported is not None for finding in result.findings),
        result.usage,
    )
