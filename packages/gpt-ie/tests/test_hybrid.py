"""The rules keep what they are sure of; only the other sentences are asked about."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from gpt_ie.hybrid import HybridEngine, Share
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
UNSURE = "Mild bronchovascular zebrosis."  # no word of any dictionary, today or later
PLACES = ("base", "apex")
T = TypeVar("T")


class Model:
    """Finds an opacity in the whole of every sentence."""

    name = "model@1"
    key = "model"
    usage = Usage(calls=0, prompt_tokens=0, completion_tokens=0)

    def __init__(self, places: tuple[str, ...] = PLACES, *lost: ExtractedFinding) -> None:
        self.places = places
        self.lost = lost
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
            for (section, text), region in zip(report.sections.items(), self.places, strict=False)
        )  # fmt: skip
        usage = Usage(calls=1, prompt_tokens=5, completion_tokens=1)
        return ReportFindings(
            report_id=report.report_id,
            engine=self.name,
            findings=(*self.lost, *findings),
            usage=usage,
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

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


def test_what_the_model_is_asked_the_rules_do_not_read(kb: KnowledgeBase):
    model = Model()
    text = f"No edema. Mild zebrosis,\nno effusion. {SURE}"
    result = HybridEngine(model, kb).extract(Report("r", {"text": text}))
    (asked,) = model.asked
    assert [part.strip() for part in asked.sections.values()] == ["Mild zebrosis,\nno effusion."]
    assert [(found.category, found.presence) for found in result.findings] == [
        ("pulmonary_edema", "absent"), ("lung_opacity", "present"),
        ("pleural_effusion", "present"), ("pneumothorax", "absent"),
    ]  # fmt: skip
    places = [found.evidence for found in result.findings]
    assert all(at is not None and text[at.start : at.end] == at.text for at in places)
    assert result.usage == Usage(calls=1, prompt_tokens=5, completion_tokens=1)


def test_only_what_states_findings_is_read(kb: KnowledgeBase):
    model = Model()
    engine = HybridEngine(model, kb)
    engine.extract(Report("r", {"text": f"HISTORY: {UNSURE}\nFINDINGS: {SURE}"}))
    assert model.asked == []
    assert engine.shares == Share(reports=1, reports_asked=0, sentences=2, sentences_asked=0)


def test_repeated_findings_are_merged_and_flagged_ones_stand_last(kb: KnowledgeBase):
    lost = ExtractedFinding(category="mass", surface="x", evidence=None, unsupported="no_evidence")
    engine = HybridEngine(Model(("base", "base"), lost), kb)
    report = Report("r", {"findings": f"{UNSURE} {SURE}", "impression": UNSURE})
    found = engine.extract(report).findings
    assert [(one.category, one.unsupported) for one in found] == [
        ("lung_opacity", None), ("pleural_effusion", None), ("pneumothorax", None),
        ("mass", "no_evidence"),
    ]  # fmt: skip


def test_the_share_counts_what_was_sure_too(kb: KnowledgeBase):
    engine = HybridEngine(Model(), kb)
    assert (engine.share(), engine.shares.of_reports) == (0, 0)
    for text in (SURE, UNSURE):
        engine.extract(Report("r", {"text": text}))
    assert engine.shares == Share(reports=2, reports_asked=1, sentences=3, sentences_asked=1)
    assert engine.shares.of_reports == 0.5
    assert engine.usage is Model.usage


def test_the_model_s_connections_are_closed_with_their_loop(kb: KnowledgeBase):
    model = Model()
    asyncio.run(HybridEngine(model, kb).aclose())
    assert model.closed == 1
