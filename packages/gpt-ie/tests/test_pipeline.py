import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpt_ie.pipeline import extract, misplaced
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import (
    EngineError,
    Evidence,
    ExtractedFinding,
    GptIeError,
    Rejected,
    Report,
    ReportFindings,
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


@pytest.mark.parametrize(
    ("found", "right"),
    [
        (finding(2, 8, "nodule"), True),
        (finding(2, 8, "nodulE"), False),
        (finding(2, 9, "nodule"), False),
        (finding(2, 8, "nodule", "findings"), False),
        (finding(3, 3, ""), False),
    ],
)
def test_misplaced_evidence(found: ExtractedFinding, right: bool):
    result = ReportFindings(report_id="r", engine="e", findings=(found,))
    assert (misplaced(Report("r", {"text": "A nodule."}), result) is None) == right


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
