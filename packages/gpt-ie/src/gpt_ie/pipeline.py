"""The loop: read → extract → check the evidence → store."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from gpt_ie.schema import Engine, EngineError, GptIeError, Rejected, Report, ReportFindings
from gpt_ie.store import Journal, Outcome, content_key, failure_line

_SHOWN = 5
_FAILURE = TypeAdapter(Rejected)


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """How often a category was found.

    Attributes:
        present: Findings said to be present.
        uncertain: Findings hedged.
        absent: Findings denied.
        reports: Reports with at least one finding of the category, whatever its presence.
    """

    present: int
    uncertain: int
    absent: int
    reports: int


@dataclass(frozen=True, slots=True)
class ExtractionSummary:
    """What a run did.

    Attributes:
        out: The findings.
        failed_out: The failures; None when there were none.
        engine: Name and version of the engine.
        reports: Rows of the input.
        failed: Rows that failed.
        findings: Findings written.
        resumed: Rows taken over from an earlier run that was cut off.
        seconds: Wall time.
        by_category: Category -> counts, by number of reports, falling.
        first_failures: The first few failures.
    """

    out: Path
    failed_out: Path | None
    engine: str
    reports: int
    failed: int
    findings: int
    resumed: int
    seconds: float
    by_category: Mapping[str, CategoryCount]
    first_failures: tuple[Rejected, ...]

    @property
    def rate(self) -> float:
        """Reports a second."""
        return self.reports / self.seconds if self.seconds > 0 else 0.0


def extract(
    reports: Iterable[Report | Rejected],
    engine: Engine,
    out: Path,
    *,
    resume: bool = True,
    on_progress: Callable[[int], None] | None = None,
) -> ExtractionSummary:
    """Extract the findings of reports into a ``findings.jsonl``.

    A report without text, one whose id came before, one that the engine cannot read and one whose
    evidence is not in its text fail: they go to the file of failures, with the reason. The output
    appears complete at the end or not at all; see `gpt_ie.store` for what a kill leaves.

    Args:
        reports: In the order of the output, e.g. from `gpt_ie.read_reports`.
        engine: E.g. `gpt_ie.RulesEngine()`.
        out: The output, e.g. ``reports.findings.jsonl``.
        resume: Whether to take over what an earlier run that was cut off left.
        on_progress: Called with the number of reports done, after each.

    Returns:
        The summary.

    Raises:
        GptIeError: When there is no report, or reading or writing fails.
    """
    begin = time.perf_counter()
    tally = _Tally()
    with Journal(out, resume=resume) as journal:
        for report in _unique(reports):
            key = _key(engine, report)
            outcome, text, reused = journal.record(key, lambda r=report: _produce(engine, r))
            tally.add(outcome, text, reused=reused)
            if on_progress is not None:
                on_progress(tally.reports)
        if not tally.reports:
            raise GptIeError("there is no report to extract from")
        failed_out = journal.finish()
    return tally.summary(out, failed_out, engine.name, time.perf_counter() - begin)


def _unique(reports: Iterable[Report | Rejected]) -> Iterable[Report | Rejected]:
    """Reject each report whose id came before; the first is kept. Keeps one hash an id."""
    seen: dict[int, int] = {}
    for number, report in enumerate(reports, start=1):
        if isinstance(report, Rejected):
            yield report
            continue
        row = report.row or number
        first = seen.setdefault(hash(report.report_id), row)
        if first == row:
            yield report
        else:
            yield Rejected(
                report.report_id,
                row,
                f"the report id {report.report_id!r} of row {row} was already in row {first}: "
                "give each report its own id; the first is kept",
            )


def _key(engine: Engine, report: Report | Rejected) -> str:
    if isinstance(report, Rejected):
        return content_key("failed", failure_line(report), {})
    return content_key(engine.key, report.report_id, report.sections)


def _produce(engine: Engine, report: Report | Rejected) -> tuple[Outcome, str]:
    if isinstance(report, Rejected):
        return "failed", failure_line(report)
    if not any(text.strip() for text in report.sections.values()):
        columns = " and ".join(map(repr, report.sections)) or "every section"
        reason = f"the report is empty: no text in {columns}"
        return "failed", failure_line(Rejected(report.report_id, report.row, reason))
    try:
        result = engine.extract(report)
    except EngineError as error:
        return "failed", failure_line(Rejected(report.report_id, report.row, str(error)))
    wrong = misplaced(report, result)
    if wrong is not None:
        return "failed", failure_line(Rejected(report.report_id, report.row, wrong))
    return "ok", result.model_dump_json()


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
        text = report.sections.get(evidence.section)
        if text is None:
            return f"evidence of {finding.category!r} names no section: {evidence.section!r}"
        if evidence.text != text[evidence.start : evidence.end] or not evidence.text:
            return (
                f"evidence of {finding.category!r} is not at {evidence.section!r} "
                f"{evidence.start}:{evidence.end}"
            )
    return None


@dataclass(slots=True)
class _Tally:
    """Counts while the loop runs."""

    reports: int = 0
    failed: int = 0
    resumed: int = 0
    findings: Counter[tuple[str, str]] = field(default_factory=Counter)
    holders: Counter[str] = field(default_factory=Counter)
    failures: list[Rejected] = field(default_factory=list)

    def add(self, outcome: Outcome, text: str, *, reused: bool) -> None:
        self.reports += 1
        self.resumed += reused
        if outcome == "failed":
            self.failed += 1
            if len(self.failures) < _SHOWN:
                self.failures.append(_FAILURE.validate_json(text))
            return
        findings = ReportFindings.model_validate_json(text).findings
        self.findings.update((finding.category, finding.presence) for finding in findings)
        self.holders.update({finding.category for finding in findings})

    def summary(
        self, out: Path, failed_out: Path | None, engine: str, seconds: float
    ) -> ExtractionSummary:
        counts = {
            category: CategoryCount(
                self.findings[category, "present"],
                self.findings[category, "uncertain"],
                self.findings[category, "absent"],
                reports,
            )
            for category, reports in sorted(
                self.holders.items(), key=lambda item: (-item[1], item[0])
            )
        }
        return ExtractionSummary(
            out=out,
            failed_out=failed_out,
            engine=engine,
            reports=self.reports,
            failed=self.failed,
            findings=self.findings.total(),
            resumed=self.resumed,
            seconds=seconds,
            by_category=counts,
            first_failures=tuple(self.failures),
        )
