"""The made-up set of conftest.py, counted by hand."""

from pathlib import Path

import pytest
from gpt_ie.evaluate import EvaluateError, evaluate, score
from gpt_ie.evaluate.evaluation import NOTHING
from gpt_ie.evaluate.metrics import Counts
from gpt_ie.gold import Gold, GoldError
from gpt_ie.schema import ReportFindings
from iki_knowledge import KnowledgeBase


def write(path: Path, records: list[ReportFindings]) -> Path:
    path.write_text("".join(f"{record.model_dump_json()}\n" for record in records))
    return path


def test_every_figure_by_hand(records: list[ReportFindings], gold: Gold, kb: KnowledgeBase):
    one = score(records, gold, kb=kb, resamples=50)
    # Said: effusion, granuloma, infiltration, mass; the gold: effusion, granuloma, opacity, hernia.
    assert one.category.counts == Counts(2, 2, 2)
    assert one.category_relaxed.counts == Counts(3, 1, 1)
    # "mild" is not "small", but of its rank; the opacity's side is not said; two masses are two.
    assert one.triplet.counts == Counts(1, 4, 3)
    assert one.triplet_relaxed.counts == Counts(3, 2, 1)
    assert one.by_category["pleural_effusion"].counts == Counts(1, 0, 0)
    assert one.by_category["mass"].counts == Counts(0, 1, 0)
    assert one.by_category["hernia"].counts == Counts(0, 0, 1)
    assert "goiter" not in one.by_category
    assert (one.reports, one.missing, one.extra) == (4, 1, 1)
    assert one.out_of_scope == {"goiter": 1}
    assert one.unread == {"Heart/obscured": 1}
    assert one.engines == ("e@1",)
    assert one.slots["severity"].near == 1
    assert one.slots["side"].right == 1
    assert one.presence is None
    assert (one.normal.reports, one.normal.with_findings, one.normal.findings) == (1, 1, 2)
    assert one.normal.rate.value == 2
    assert one.unsupported.by_reason == {"negated": 1}
    assert one.unsupported.rate == 1 / 9
    assert one.confusion == {
        ("pleural_effusion", "pleural_effusion"): 1,
        ("granuloma", "granuloma"): 1,
        ("lung_opacity", "infiltration"): 1,
        (NOTHING, "mass"): 1,
        ("hernia", NOTHING): 1,
    }
    assert one.macro_f1 is None


def test_severities_are_compared_by_the_golds_words(
    records: list[ReportFindings], gold: Gold, kb: KnowledgeBase
):
    effusion = records[0].findings[0].model_copy(update={"severity": "trace"})
    changed = records[0].model_copy(update={"findings": (effusion,)})
    one = score([changed], gold, kb=kb, resamples=0)
    assert one.slots["severity"].near == 1
    assert one.triplet_relaxed.counts.hit == 1
    assert one.triplet_literal.counts.hit == 0


def test_a_file_against_itself_is_perfect(
    records: list[ReportFindings], tmp_path: Path, kb: KnowledgeBase
):
    path = write(tmp_path / "a.jsonl", records)
    one = evaluate(path, path, kb=kb, resamples=20)
    for scored in (one.category, one.category_relaxed, one.triplet, one.triplet_relaxed):
        assert scored.f1.value == scored.f1.low == 1
    assert one.normal.findings == 0
    assert one.normal.reports == 1
    assert one.presence is not None
    assert all(true == given for true, given in one.presence)
    assert sum(one.presence.values()) == 8


def test_a_denied_finding_is_a_miss(
    records: list[ReportFindings], tmp_path: Path, kb: KnowledgeBase
):
    denied = records[0].findings[1].model_copy(update={"presence": "absent"})
    changed = records[0].model_copy(update={"findings": (records[0].findings[0], denied)})
    gold = write(tmp_path / "gold.jsonl", records)
    one = evaluate(write(tmp_path / "a.jsonl", [changed, *records[1:]]), gold, kb=kb, resamples=0)
    assert one.by_category["granuloma"].counts == Counts(0, 0, 1)
    assert one.presence is not None
    assert one.presence["present", "absent"] == 1


def test_what_cannot_be_compared(
    records: list[ReportFindings], gold: Gold, tmp_path: Path, kb: KnowledgeBase
):
    with pytest.raises(EvaluateError, match="'1' was predicted twice"):
        score([records[0], records[0]], gold, kb=kb)
    with pytest.raises(EvaluateError, match="are the ids the same"):
        score(records[3:], gold, kb=kb)
    with pytest.raises(GoldError, match="no report"):
        evaluate(write(tmp_path / "a.jsonl", records), write(tmp_path / "b.jsonl", []), kb=kb)


def test_a_category_that_the_dictionary_lacks_is_compared_by_its_name(
    records: list[ReportFindings], kb: KnowledgeBase, tmp_path: Path
):
    odd = records[0].findings[1].model_copy(update={"category": "from_an_overlay"})
    path = write(tmp_path / "a.jsonl", [records[0].model_copy(update={"findings": (odd,)})])
    one = evaluate(path, path, kb=kb, resamples=0)
    assert one.triplet_relaxed.counts == Counts(1, 0, 0)


def test_the_order_of_the_predictions_changes_nothing(
    records: list[ReportFindings], gold: Gold, kb: KnowledgeBase
):
    forward = score(records, gold, kb=kb, resamples=30)
    assert score(records[::-1], gold, kb=kb, resamples=30) == forward
