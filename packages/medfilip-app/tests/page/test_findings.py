from gpt_ie import Report, RulesEngine
from iki_knowledge import KnowledgeBase
from medfilip_app.page.findings import read_report


def read(text: str, kb: KnowledgeBase) -> str:
    return read_report(text, RulesEngine(kb).extract(Report("r", {"text": text})), kb)


def test_findings_stand_in_place_and_in_a_table(kb: KnowledgeBase):
    html = read("Small left basilar effusion. No pneumothorax. Possible pneumonia.", kb)
    assert html.count("<mark") == 3
    for cell in ("pleural effusion", "● present", "○ denied", "◐ uncertain", "small", "base"):
        assert cell in html
    assert html.count("<tr>") == 4


def test_a_text_without_findings_is_said(kb: KnowledgeBase):
    html = read("Thank you <b>for</b> sending.", kb)
    assert "No finding" in html
    assert "&lt;b&gt;" in html
