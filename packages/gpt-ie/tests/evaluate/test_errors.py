import csv
from pathlib import Path

import pytest
from gpt_ie.evaluate import ScoredError, list_errors, write_errors
from gpt_ie.gold import Gold
from gpt_ie.schema import Evidence, ExtractedFinding, Report, ReportFindings
from iki_knowledge import Finding, KnowledgeBase


@pytest.fixture
def errors(
    records: list[ReportFindings], gold: Gold, reports: list[Report], kb: KnowledgeBase
) -> list[ScoredError]:
    return list(list_errors(records, gold, [*reports, Report("elsewhere", {})], kb=kb))


def test_every_error_with_its_sentence(errors: list[ScoredError]):
    nodule = "A nodule or an infiltrate, dense."
    assert errors == [
        ScoredError(
            "1",
            "severity",
            "near",
            "pleural_effusion",
            "small left pleural_effusion",
            "mild left pleural_effusion",
            "Small left effusion.",
        ),
        ScoredError("2", "missed", "unnamed", "lung_opacity", "left lung_opacity", "", ""),
        ScoredError("2", "false", "uncertain", "infiltration", "", "infiltration", nodule),
        ScoredError(
            "3", "false", "uncertain", "mass", "", "left mass; right mass", "Possible mass."
        ),
        ScoredError("4", "missed", "unnamed", "hernia", "hernia", "", ""),
    ]


def test_a_missed_category_is_told_from_a_denied_and_a_named_one(
    records: list[ReportFindings], gold: Gold, reports: list[Report], kb: KnowledgeBase
):
    denied = records[0].findings[1].model_copy(update={"presence": "absent"})
    first = records[0].model_copy(update={"findings": (denied,)})
    found = list(list_errors([first], gold, reports[:1], kb=kb))
    assert [(e.kind, e.how, e.category, e.sentence) for e in found] == [
        ("missed", "absent", "granuloma", "There is a granuloma."),
        ("missed", "named", "pleural_effusion", "Small left effusion."),
    ]


def test_errors_and_scores_agree(
    errors: list[ScoredError], records: list[ReportFindings], gold: Gold, kb: KnowledgeBase
):
    from gpt_ie.evaluate import score

    counts = score(records, gold, kb=kb, resamples=0).category.counts
    assert sum(error.kind == "missed" for error in errors) == counts.missed
    assert sum(error.kind == "false" for error in errors) == counts.false


def test_evidence_that_is_not_in_the_text_has_no_sentence(
    records: list[ReportFindings], gold: Gold, kb: KnowledgeBase
):
    found = list(list_errors(records, gold, [Report("3", {"other": "words"})], kb=kb))
    assert [(error.category, error.sentence) for error in found] == [("mass", "")]


def test_written_as_a_table(errors: list[ScoredError], tmp_path: Path):
    path = tmp_path / "errors.csv"
    odd = ScoredError("5", "false", "present", "mass", "", "mass", 'a "quoted",\nbroken line')
    assert write_errors([*errors, odd], path) == len(errors) + 1
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert ScoredError(**rows[-1]) == odd  # pyright: ignore[reportArgumentType]
    assert rows[0]["sentence"] == "Small left effusion."


def test_a_category_of_an_overlay_is_missed_without_a_sentence(
    gold: Gold, reports: list[Report], kb: KnowledgeBase
):
    odd = Gold("odd", {"1": (Finding(category="no_such"),)}, frozenset(), True, None, {})
    assert [error.how for error in list_errors([], odd, reports, kb=kb)] == ["unnamed"]


def test_evidence_over_two_sentences_shows_both(
    gold: Gold, reports: list[Report], kb: KnowledgeBase
):
    text = reports[2].sections["findings"]
    long = Evidence(section="findings", start=6, end=len(text), text=text[6:])
    found = ExtractedFinding(category="mass", surface="mass", evidence=long)
    record = ReportFindings(report_id="3", engine="e@1", findings=(found,))
    assert [one.sentence for one in list_errors([record], gold, [reports[2]], kb=kb)] == [text]
