"""What a run did, counted while it runs."""

from bisect import insort
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from gpt_ie.produce import Produced
from gpt_ie.schema import Rejected, Usage

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
        failed_out: The failures; None when there were none, or the run stopped.
        engine: Name and version of the engine.
        reports: Rows of the input; of a run that stopped, those done.
        failed: Rows that failed.
        findings: Findings written.
        unsupported: Findings that are not grounded.
        resumed: Rows taken over: from an earlier run that was cut off, or, when only failures are
            retried, from the earlier output.
        seconds: Wall time.
        by_category: Category -> counts, by number of reports, falling.
        first_failures: The first few failures, in the order of the input.
        usage: What this run spent on a model, retries and failed reports included; None where no
            model was asked. Calls that a kill cut off are not in it.
        usage_resumed: What the rows taken over had cost.
        share: Of the sentences, how many went to a model, from 0 to 1; None for an engine that does
            not say.
        stopped: Why the engine could not go on; the output is not written then, and the same
            command goes on from here. None for a run that came to its end.
    """

    out: Path
    failed_out: Path | None
    engine: str
    reports: int
    failed: int
    findings: int
    unsupported: int
    resumed: int
    seconds: float
    by_category: Mapping[str, CategoryCount]
    first_failures: tuple[Rejected, ...]
    usage: Usage | None = None
    usage_resumed: Usage | None = None
    share: float | None = None
    stopped: str | None = None

    @property
    def rate(self) -> float:
        """Reports a second."""
        return self.reports / self.seconds if self.seconds > 0 else 0.0


@dataclass(slots=True)
class Tally:
    """Counts while a run goes on, in any order.

    Attributes:
        reports: Rows so far.
    """

    reports: int = 0
    _failed: int = 0
    _resumed: int = 0
    _unsupported: int = 0
    _findings: Counter[tuple[str, str]] = field(default_factory=Counter)
    _holders: Counter[str] = field(default_factory=Counter)
    _failures: list[tuple[int, Rejected]] = field(default_factory=list)
    _usage: Usage | None = None
    _usage_resumed: Usage | None = None

    def add(self, place: int, produced: Produced, *, reused: bool) -> None:
        """Count a row.

        Args:
            place: Its number in the input.
            produced: What came of it.
            reused: Whether it was taken over.
        """
        self.reports += 1
        self._resumed += reused
        if produced.usage is not None:
            if reused:
                self._usage_resumed = _sum(self._usage_resumed, produced.usage)
            else:
                self._usage = _sum(self._usage, produced.usage)
        if produced.entry.outcome == "failed":
            self._failed += 1
            if len(self._failures) < _SHOWN or place < self._failures[-1][0]:
                failure = _FAILURE.validate_json(produced.entry.text)
                insort(self._failures, (place, failure), key=lambda item: item[0])
                del self._failures[_SHOWN:]
            return
        self._unsupported += produced.unsupported
        self._findings.update(produced.found)
        self._holders.update({category for category, _ in produced.found})

    def summary(
        self,
        out: Path,
        failed_out: Path | None,
        engine: str,
        seconds: float,
        *,
        share: float | None = None,
        stopped: str | None = None,
    ) -> ExtractionSummary:
        """The summary of the rows so far.

        Args:
            out: The findings.
            failed_out: The failures.
            engine: Name and version of the engine.
            seconds: Wall time.
            share: What of it went to a model.
            stopped: Why the engine could not go on.

        Returns:
            The summary.
        """
        counts = {
            category: CategoryCount(
                self._findings[category, "present"],
                self._findings[category, "uncertain"],
                self._findings[category, "absent"],
                reports,
            )
            for category, reports in sorted(
                self._holders.items(), key=lambda item: (-item[1], item[0])
            )
        }
        return ExtractionSummary(
            out=out,
            failed_out=failed_out,
            engine=engine,
            reports=self.reports,
            failed=self._failed,
            findings=self._findings.total(),
            unsupported=self._unsupported,
            resumed=self._resumed,
            seconds=seconds,
            by_category=counts,
            first_failures=tuple(failure for _, failure in self._failures),
            usage=self._usage,
            usage_resumed=self._usage_resumed,
            share=share,
            stopped=stopped,
        )


def _sum(total: Usage | None, more: Usage) -> Usage:
    """Both together; an unknown cost adds nothing to a known one."""
    if total is None:
        return more
    costs = [cost for cost in (total.cost, more.cost) if cost is not None]
    return Usage(
        calls=total.calls + more.calls,
        prompt_tokens=total.prompt_tokens + more.prompt_tokens,
        completion_tokens=total.completion_tokens + more.completion_tokens,
        cost=sum(costs) if costs else None,
    )
