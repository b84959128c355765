import json
from dataclasses import replace
from pathlib import Path

import pytest
from gpt_ie.evaluate import Evaluation, score, to_json, to_markdown, write_evaluation
from gpt_ie.gold import Gold
from gpt_ie.schema import ReportFindings
from iki_knowledge import KnowledgeBase


@pytest.fixture
def evaluation(records: list[ReportFindings], gold: Gold, kb: KnowledgeBase) -> Evaluation:
    return score(records, gold, kb=kb, resamples=20)


def test_json_has_every_figure_and_null_where_there_is_none(evaluation: Evaluation):
    content = json.loads(to_json(evaluation))
    assert content["category_relaxed"]["hit"] == 3
    assert content["category_relaxed"]["precision"]["value"] == 0.75
    assert content["by_category"]["hernia"]["precision"]["value"] is None
    assert content["by_category"]["hernia"]["recall"]["value"] == 0
    assert content["normal"]["rate"]["value"] == 2
    assert content["slots"]["side"]["accuracy"] == 1
    assert content["unsupported"]["rate"] == 1 / 9
    assert content["presence"] is None
    assert {"gold": "hernia", "said": None, "count": 1} in content["confusion"]
    assert "NaN" not in to_json(evaluation)


def test_markdown_shows_the_figures(evaluation: Evaluation):
    text = to_markdown(evaluation, "x.svg")
    assert text.startswith("# by hand\n")
    assert "| category, rolled up | 4 | 4 | 0.750 [" in text
    assert "| hernia | 1 | 0 | – | 0.000" in text
    assert "2 positive findings in 1 of 1 reports" in text
    assert "1 of 9 findings" in text
    assert "(negated 1)" in text
    assert "| lung_opacity | infiltration | 1 |" in text
    assert "goiter 1" in text
    assert "![Gold and said categories](x.svg)" in text
    assert "nan" not in text.lower()


def test_tables_hold_whatever_a_name_holds(evaluation: Evaluation):
    odd = replace(evaluation, by_category={"a|b\nc": evaluation.category})
    assert "| a\\|b c | 4 |" in to_markdown(odd)


def test_presence_is_shown_where_the_gold_denies_too(evaluation: Evaluation):
    assert "## Presence" not in to_markdown(evaluation)
    stated = replace(evaluation, presence={("present", "absent"): 1, ("absent", "absent"): 3})
    assert "0.750 agree" in to_markdown(stated)
    assert "| present | 0 | 0 | 1 |" in to_markdown(stated)


def test_no_words_of_a_report_are_written(evaluation: Evaluation, tmp_path: Path):
    files = write_evaluation(evaluation, tmp_path / "new" / "folder", "x")
    assert [path.name for path in files] == ["x.md", "x.json", "x.confusion.svg"]
    for path in files:
        text = path.read_text("utf-8")
        assert "Small left effusion" not in text
        assert "dense" not in text
