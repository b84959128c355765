"""The rules keep what they are sure of; only the other sentences are asked about."""

import asyncio

import pytest
from gpt_ie.hybrid import HybridEngine
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import (
    EngineError,
    Evidence,
    ExtractedFinding,
    Report,
    ReportFindings,
    Usage,
)
from iki_knowledge import KnowledgeBase

SURE = "Small left pleural effusion. No pneumothorax."
UNSURE = "Mild bronchovascular crowding."
PLACES = ("base", "apex")


class Model:
    """Finds an opacity in the whole of every sentence."""

    name = "model@1"
    key = "model"
    usage = Usage(calls=0, prompt_tokens=0, completion_tokens=0)

    def __init__(self) -> None:
        self.asked: list[Report] = []
        self.closed = 0

    async def aextract(self, report: Report) -> ReportFindings:
        self.asked.append(report)
        findings = tuple(
            ExtractedFinding(
                category="lung_opacity", severity=None, side=None, region=region,
                presence="present", trend=None, surface=text.strip(),
                evidence=Evidence(section=section, start=0, end=len(text), text=text),
            )
            for (section, text), region in zip(report.sections.items(), PLACES, strict=False)
        )  # fmt: skip
        usage = Usage(calls=1, prompt_tokens=5, completion_tokens=1)
        return ReportFindings(
            report_id=report.report_id, engine=self.name, findings=findings, usage=usage
        )

    async def aclose(self) -> None:
        self.closed += 1

    def close(self) -> None:
        self.closed += 1


def test_a_sure_report_is_not_sent(kb: KnowledgeBase):
    model = Model()
    engine = HybridEngine(model, kb)
    report = Report("r", {"findings": SURE})
    result = engine.extract(report)
    assert result.findings == RulesEngine(kb).extract(report).findings
    assert not model.asked
    assert result.usage is None
    assert engine.share() == 0
    engine.close()


def test_only_the_unsure_sentences_are_sent(kb: KnowledgeBase):
    model = Model()
    engine = HybridEngine(model, kb)
    report = Report("r", {"findings": f"{SURE} {UNSURE}", "impression": f"{UNSURE}\nNo edema."})
    result = asyncio.run(engine.aextract(report))
    assert [text.strip() for text in model.asked[0].sections.values()] == [UNSURE, UNSURE]
    for finding in result.findings:
        at = finding.evidence
        assert at is not None
        assert report.sections[at.section][at.start : at.end] == at.text
    assert [finding.category for finding in result.findings] == [
        "pleural_effusion", "pneumothorax", "lung_opacity", "lung_opacity", "pulmonary_edema",
    ]  # fmt: skip
    assert result.usage is not None
    assert (engine.shares.sentences, engine.shares.sentences_asked) == (5, 2)
    assert engine.share() == pytest.approx(0.4)
    assert engine.shares.of_reports == 1


def test_a_failure_of_the_model_fails_the_report(kb: KnowledgeBase, monkeypatch):
    async def fail(_: Report) -> ReportFindings:
        raise EngineError("no valid answer")

    model = Model()
    monkeypatch.setattr(model, "aextract", fail)
    engine = HybridEngine(model, kb)
    with pytest.raises(EngineError):
        asyncio.run(engine.aextract(Report("r", {"text": UNSURE})))
    assert engine.shares.reports == 0


def test_names_and_closing(kb: KnowledgeBase):
    model = Model()
    engine = HybridEngine(model, kb)
    assert engine.name.startswith("hybrid:rules@")
    assert engine.name.endswith("+model@1")
    assert engine.key.endswith("+model")
    engine.close()
    assert model.closed == 1
