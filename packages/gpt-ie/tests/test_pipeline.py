import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpt_ie.pipeline import extract
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import (
    EngineError,
    EngineUnavailableError,
    Evidence,
    ExtractedFinding,
    GptIeError,
    Rejected,
    Report,
    ReportFindings,
    Unsupported,
    Usage,
)
from gpt_ie.store import failed_path, journal_path, read_findings

REPORTS = [
    Report("a", {"findings": "Small left effusion.", "impression": "No pneumothorax."}, 2),
    Report("b", {"findings": " \n", "impression": ""}, 3),
    Report("a", {"findings": "Nodule.", "impression": ""}, 4),
    Rejected(None, 5, "the report id is empty"),
    Report("c", {"findings": "Normal.", "impression": ""}, 6),
]


class Fixed:
    """An engine that answers what it is told."""

    name = "fixed@1"
    key = "fixed@1"

    def __init__(self, *findings: ExtractedFinding) -> None:
        self.findings = findings
        self.calls = 0

    def extract(self, report: Report) -> ReportFindings:
        self.calls += 1
        if report.report_id == "bad":
            raise EngineError("the engine gave up")
        return ReportFindings(report_id=report.report_id, engine=self.name, findings=self.findings)


def finding(start: int, end: int, text: str, section: str = "text") -> ExtractedFinding:
    return ExtractedFinding(
        category="nodule",
        surface=text,
        evidence=Evidence(section=section, start=start, end=end, text=text),
    )


def test_every_report_is_in_one_of_the_two_files(tmp_path: Path, engine: RulesEngine):
    out = tmp_path / "x.findings.jsonl"
    summary = extract(REPORTS, engine, out)
    assert [record.report_id for record in read_findings(out)] == ["a", "c"]
    failed = [json.loads(line) for line in failed_path(out).read_text("utf-8").splitlines()]
    assert [(row["report_id"], row["row"]) for row in failed] == [("b", 3), ("a", 4), (None, 5)]
    assert "no text in 'findings' and 'impression'" in failed[0]["reason"]
    assert "row 4 was already in row 2" in failed[1]["reason"]
    assert (summary.reports, summary.failed, summary.findings) == (5, 3, 2)
    assert summary.failed_out == failed_path(out)
    effusion = summary.by_category["pleural_effusion"]
    assert (effusion.present, effusion.absent, effusion.reports) == (1, 0, 1)
    assert summary.by_category["pneumothorax"].absent == 1
    assert [failure.report_id for failure in summary.first_failures] == ["b", "a", None]


def test_an_engine_error_and_evidence_elsewhere_fail_the_report_alone(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    reports = [
        Report("good", {"text": "A nodule."}),
        Report("bad", {"text": "A nodule."}),
        Report("moved", {"text": "No such nodule here."}),
    ]
    summary = extract(reports, Fixed(finding(2, 8, "nodule")), out)
    assert [record.report_id for record in read_findings(out)] == ["good"]
    reasons = [failure.reason for failure in summary.first_failures]
    assert reasons[0] == "the engine gave up"
    assert "evidence of 'nodule' is not at 'text' 2:8" in reasons[1]


def test_an_interrupted_run_is_taken_up_where_it_stopped(tmp_path: Path):
    reports = [Report(str(number), {"text": "A nodule."}) for number in range(50)]

    def cut() -> Iterator[Report]:
        yield from reports[:30]
        raise KeyboardInterrupt

    engine, out = Fixed(finding(2, 8, "nodule")), tmp_path / "x.jsonl"
    with pytest.raises(KeyboardInterrupt):
        extract(cut(), engine, out)
    assert not out.exists()
    assert journal_path(out).exists()
    engine.calls = 0
    summary = extract(reports, engine, out)
    assert (engine.calls, summary.resumed, summary.findings) == (20, 30, 50)
    whole = tmp_path / "whole.jsonl"
    extract(reports, engine, whole)
    assert out.read_bytes() == whole.read_bytes()


def test_resume_can_be_refused(tmp_path: Path):
    engine, out = Fixed(), tmp_path / "x.jsonl"
    journal_path(out).write_text("anything")
    extract([Report("a", {"text": "x"})], engine, out, resume=False)
    assert engine.calls == 1


def test_a_failing_run_leaves_the_earlier_output(tmp_path: Path, engine: RulesEngine):
    out = tmp_path / "x.jsonl"
    extract(REPORTS, engine, out)
    before = out.read_bytes(), failed_path(out).read_bytes()

    def broken() -> Iterator[Report]:
        yield Report("new", {"text": "Mass."})
        raise GptIeError("the file ends here")

    with pytest.raises(GptIeError, match="the file ends here"):
        extract(broken(), engine, out)
    with pytest.raises(GptIeError, match="no report"):
        extract([], engine, out)
    assert (out.read_bytes(), failed_path(out).read_bytes()) == before


def test_progress_counts_up(tmp_path: Path, engine: RulesEngine):
    told: list[int] = []
    extract(REPORTS, engine, tmp_path / "x.jsonl", on_progress=told.append)
    assert told == [1, 2, 3, 4, 5]


def test_an_output_that_cannot_be_written_is_one_line(tmp_path: Path, engine: RulesEngine):
    with pytest.raises(GptIeError, match="cannot write"):
        extract(REPORTS, engine, tmp_path / "none" / "x.jsonl")


NODULES = [Report(str(number), {"text": "A nodule."}, number + 2) for number in range(60)]


class SpentError(EngineError):
    """As an engine may raise it: with what was spent in vain."""

    def __init__(self, message: str, usage: Usage) -> None:
        super().__init__(message)
        self.usage = usage


class Waiting:
    """An engine that waits for each answer, not equally long, and may fail or give up."""

    name = "waiting@1"
    key = "waiting@1"

    def __init__(
        self,
        *,
        failing: float = 0.0,
        gives_up_at: int | None = None,
        breaks_at: int | None = None,
        unsupported: Unsupported | None = None,
    ) -> None:
        self.failing = failing
        self.gives_up_at = gives_up_at
        self.breaks_at = breaks_at
        self.unsupported: Unsupported | None = unsupported
        self.calls: list[str] = []
        self.under_way = 0
        self.most = 0

    def extract(self, report: Report) -> ReportFindings:
        raise AssertionError("an engine with aextract is not called without it")

    async def aextract(self, report: Report) -> ReportFindings:
        self.calls.append(report.report_id)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        chance = random.Random(report.report_id)
        try:
            await asyncio.sleep(chance.random() * 0.004)
        finally:
            self.under_way -= 1
        if self.gives_up_at is not None and len(self.calls) >= self.gives_up_at:
            raise EngineUnavailableError("the cost limit is reached")
        if self.breaks_at is not None and len(self.calls) >= self.breaks_at:
            raise RuntimeError("a bug")
        usage = Usage(calls=2, prompt_tokens=10, completion_tokens=3, cost=0.5)
        if chance.random() < self.failing:
            raise SpentError("no valid answer after 2 calls", usage)
        found = finding(2, 8, "nodule").model_copy(update={"unsupported": self.unsupported})
        return ReportFindings(
            report_id=report.report_id, engine=self.name, findings=(found,), usage=usage
        )

    def share(self) -> float:
        return 0.25


@pytest.mark.parametrize("concurrency", [1, 7, 100])
def test_so_many_at_once_and_the_order_of_the_input(tmp_path: Path, concurrency: int):
    engine, out = Waiting(), tmp_path / "x.jsonl"
    told: list[int] = []
    summary = extract(NODULES, engine, out, concurrency=concurrency, on_progress=told.append)
    assert engine.most == min(concurrency, 60)
    assert [record.report_id for record in read_findings(out)] == [r.report_id for r in NODULES]
    assert told == list(range(1, 61))
    assert summary.usage == Usage(calls=120, prompt_tokens=600, completion_tokens=180, cost=30.0)
    assert (summary.share, summary.stopped, summary.usage_resumed) == (0.25, None, None)


def test_reports_are_read_only_as_they_are_needed(tmp_path: Path):
    engine, ahead = Waiting(), list[int]()

    def reports() -> Iterator[Report]:
        for number, report in enumerate(NODULES):
            ahead.append(number - len(engine.calls))
            yield report

    extract(reports(), engine, tmp_path / "x.jsonl", concurrency=4)
    assert max(ahead) == 0


def test_failures_are_sorted_and_what_they_cost_counts(tmp_path: Path):
    engine, out = Waiting(failing=0.3), tmp_path / "x.jsonl"
    summary = extract(NODULES, engine, out, concurrency=8)
    assert 10 <= summary.failed <= 26
    bad = [json.loads(line) for line in failed_path(out).read_text("utf-8").splitlines()]
    good = [record.report_id for record in read_findings(out)]
    assert sorted([row["report_id"] for row in bad] + good, key=int) == [
        report.report_id for report in NODULES
    ]
    assert [row["row"] for row in bad] == sorted(row["row"] for row in bad)
    assert [failure.row for failure in summary.first_failures] == [row["row"] for row in bad[:5]]
    assert summary.usage is not None
    assert (summary.usage.calls, summary.usage.cost) == (120, 30.0)


def test_an_engine_that_gives_up_stops_the_run_and_what_is_done_stays(tmp_path: Path):
    out, whole = tmp_path / "x.jsonl", tmp_path / "whole.jsonl"
    first = Waiting(failing=0.3, gives_up_at=20)
    summary = extract(NODULES, first, out, concurrency=5)
    assert summary.stopped == "the cost limit is reached"
    assert not out.exists()
    assert not failed_path(out).exists()
    assert summary.reports >= 19 - 5
    assert len(first.calls) <= 20 + 5
    second = Waiting(failing=0.3)
    resumed = extract(NODULES, second, out, concurrency=5)
    assert resumed.resumed == summary.reports
    assert len(second.calls) == 60 - summary.reports
    assert resumed.usage_resumed == summary.usage
    extract(NODULES, Waiting(failing=0.3), whole)
    assert out.read_bytes() == whole.read_bytes()
    assert failed_path(out).read_bytes() == failed_path(whole).read_bytes()


def test_an_engine_that_gives_up_at_once_without_waiting(tmp_path: Path):
    class Keyless(Fixed):
        def extract(self, report: Report) -> ReportFindings:
            raise EngineUnavailableError("no key")

    summary = extract(NODULES, Keyless(), tmp_path / "x.jsonl")
    assert (summary.stopped, summary.reports) == ("no key", 0)


def test_a_bug_ends_the_run_and_what_is_under_way_is_kept(tmp_path: Path):
    engine, out = Waiting(breaks_at=20), tmp_path / "x.jsonl"
    with pytest.raises(RuntimeError, match="a bug"):
        extract(NODULES, engine, out, concurrency=5)
    assert len(engine.calls) <= 25
    summary = extract(NODULES, Waiting(), out, concurrency=5)
    assert summary.resumed >= 14


@pytest.mark.parametrize("error", [KeyboardInterrupt, GptIeError])
def test_reading_that_ends_early_keeps_what_is_done(tmp_path: Path, error: type[BaseException]):
    def cut() -> Iterator[Report]:
        yield from NODULES[:30]
        raise error("here")

    out = tmp_path / "x.jsonl"
    with pytest.raises(error, match="here"):
        extract(cut(), Waiting(), out, concurrency=6)
    engine = Waiting()
    summary = extract(NODULES, engine, out, concurrency=6)
    # Reading fails for all of them to see; an interrupt leaves at most the calls under way.
    assert summary.resumed >= (30 if error is GptIeError else 24)
    assert len(engine.calls) == 60 - summary.resumed


def test_it_runs_inside_a_loop_as_in_a_notebook(tmp_path: Path):
    async def cell() -> int:
        return extract(NODULES, Waiting(), tmp_path / "x.jsonl").reports

    assert asyncio.run(cell()) == 60

    async def broken() -> None:
        extract(NODULES, Waiting(breaks_at=3), tmp_path / "x.jsonl", resume=False)

    with pytest.raises(RuntimeError, match="a bug"):
        asyncio.run(broken())


def test_processes_write_the_same_bytes(tmp_path: Path, engine: RulesEngine):
    texts = ["Small left effusion.", "", "No pneumothorax.", "Heart size is normal."]
    reports = [
        Report(str(number % 150), {"text": texts[number % 4]}, number + 2) for number in range(170)
    ]
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    first = extract(reports, engine, one)
    second = extract(reports, engine, two, workers=2)
    assert one.read_bytes() == two.read_bytes()
    assert failed_path(one).read_bytes() == failed_path(two).read_bytes()
    assert (first.by_category, first.first_failures) == (second.by_category, second.first_failures)


def test_findings_that_are_not_grounded_are_counted(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    summary = extract(NODULES, Waiting(unsupported="negated"), out)
    assert (summary.findings, summary.unsupported) == (60, 60)
    assert '"unsupported":"negated"' in out.read_text()


def test_another_engine_or_text_is_extracted_anew(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    extract(NODULES, Waiting(gives_up_at=40), out, concurrency=1)
    other = Waiting()
    other.key = "waiting@1+prompt@2"
    changed = [Report("0", {"text": "A nodule, really."}), *NODULES[1:]]
    assert extract(changed, other, out, concurrency=1).resumed == 0
    assert len(other.calls) == 60


def test_options_that_cannot_be(tmp_path: Path, engine: RulesEngine):
    out = tmp_path / "x.jsonl"
    with pytest.raises(GptIeError, match="concurrency is 0"):
        extract(NODULES, engine, out, concurrency=0)
    with pytest.raises(GptIeError, match="workers is -1"):
        extract(NODULES, engine, out, workers=-1)
    with pytest.raises(GptIeError, match="waits for a model"):
        extract(NODULES, Waiting(), out, workers=2)
    assert list(tmp_path.iterdir()) == []
