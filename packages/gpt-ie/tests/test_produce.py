"""One report through an engine: what is recorded, and what is counted without reading it again."""

import asyncio
import json

import pytest
from gpt_ie.produce import Produced, aproduce, misplaced, produce, recall, reject
from gpt_ie.schema import (
    EngineError,
    EngineUnavailableError,
    Evidence,
    ExtractedFinding,
    Rejected,
    Report,
    ReportFindings,
    Unsupported,
    Usage,
)
from gpt_ie.store import Entry

REPORT = Report("r", {"text": "A nodule."}, 7)
SPENT = Usage(calls=2, prompt_tokens=30, completion_tokens=4, cost=0.5)


def finding(
    start: int,
    end: int,
    text: str,
    section: str = "text",
    *,
    presence: str = "present",
    unsupported: Unsupported | None = None,
) -> ExtractedFinding:
    return ExtractedFinding.model_validate(
        {
            "category": "nodule", "presence": presence, "surface": text, "unsupported": unsupported,
            "evidence": Evidence(section=section, start=start, end=end, text=text),
        }
    )  # fmt: skip


NOWHERE = ExtractedFinding(
    category="mass", surface="mass", evidence=None, unsupported="no_evidence"
)


class Told:
    """An engine that gives what it is told, or raises it."""

    name = key = "told@1"

    def __init__(self, answer: tuple[ExtractedFinding, ...] | Exception) -> None:
        self.answer = answer

    def extract(self, report: Report) -> ReportFindings:
        if isinstance(self.answer, Exception):
            raise self.answer
        return ReportFindings(
            report_id=report.report_id, engine=self.name, findings=self.answer, usage=SPENT
        )

    async def aextract(self, report: Report) -> ReportFindings:
        await asyncio.sleep(0)
        return self.extract(report)


def both_ways(answer: tuple[ExtractedFinding, ...] | Exception) -> Produced:
    """What `produce` and `aproduce` make of an answer, which is the same."""
    engine = Told(answer)
    one = produce(engine, REPORT)
    assert asyncio.run(aproduce(engine.aextract, REPORT)) == one
    return one


def test_findings_are_counted_and_come_back_the_same():
    denied = finding(2, 8, "nodule", presence="absent", unsupported="negated")
    made = both_ways((finding(2, 8, "nodule"), denied, NOWHERE))
    assert made.entry.outcome == "ok"
    assert made.found == (("nodule", "present"), ("nodule", "absent"), ("mass", "present"))
    assert (made.unsupported, made.usage) == (2, SPENT)
    assert ReportFindings.model_validate_json(made.entry.text).findings[1] == denied
    assert recall(made.entry) == made


class SpentError(EngineError):
    """With what was spent in vain."""

    usage = SPENT


@pytest.mark.parametrize(
    ("error", "usage"), [(EngineError("no answer"), None), (SpentError("no answer"), SPENT)]
)
def test_a_failure_keeps_its_reason_its_row_and_what_it_cost(error: Exception, usage: Usage | None):
    made = both_ways(error)
    assert json.loads(made.entry.text) == {"report_id": "r", "row": 7, "reason": "no answer"}
    assert (made.entry.outcome, made.entry.usage, made.usage) == ("failed", usage, usage)
    assert (made.found, made.unsupported) == ((), 0)
    assert recall(made.entry) == made


def test_evidence_elsewhere_fails_the_report_and_its_cost_counts():
    made = both_ways((finding(2, 8, "nodulE"),))
    assert made.entry.outcome == "failed"
    assert made.usage == made.entry.usage == SPENT
    assert "A nodule" not in made.entry.text


@pytest.mark.parametrize("error", [EngineUnavailableError("no key"), RuntimeError("a bug")])
def test_what_ends_a_run_is_not_taken_for_a_bad_report(error: Exception):
    with pytest.raises(type(error)):
        produce(Told(error), REPORT)
    with pytest.raises(type(error)):
        asyncio.run(aproduce(Told(error).aextract, REPORT))


def test_a_rejected_row_is_a_failure():
    made = reject(Rejected(None, 3, "the report id is empty"))
    assert made.entry == Entry(
        "failed", '{"report_id": null, "row": 3, "reason": "the report id is empty"}'
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (finding(2, 8, "nodule"), None),
        (NOWHERE, None),
        (finding(2, 8, "nodulE"), "evidence of 'nodule' is not at 'text' 2:8"),
        (finding(2, 9, "nodule"), "is not at 'text' 2:9"),
        (finding(2, 8, "nodule", "findings"), "names no section: 'findings'"),
        (finding(3, 3, ""), "is not at 'text' 3:3"),
    ],
)
def test_misplaced_evidence(found: ExtractedFinding, said: str | None):
    result = ReportFindings(report_id="r", engine="e", findings=(finding(2, 8, "nodule"), found))
    wrong = misplaced(REPORT, result)
    assert wrong is None if said is None else said in str(wrong)
