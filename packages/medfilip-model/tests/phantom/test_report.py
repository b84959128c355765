import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iki_knowledge import load_knowledge
from medfilip_model.phantom import INCIDENTAL_CATEGORIES, PhantomConfig, phrases, plan_phantom
from medfilip_model.phantom.kinds import DEVICES

_CONFIG = PhantomConfig(unseen_share=0.1, incidental_share=0.4)
_PLANS = [plan_phantom(_CONFIG, index) for index in range(250)]
_DENIED = re.compile(r"^(?:No|There is no|Neither)\b")


_OTHER_WORDS = {"cardiomegaly": ("enlarged",), "rib_fracture": ("lateral ribs",)}


def _names(category):
    plurals = tuple(f"{noun[:-1]}ies" for noun in phrases.NOUNS[category] if noun.endswith("y"))
    return (*phrases.NOUNS[category], *plurals, *_OTHER_WORDS.get(category, ()))


def _sentences(text):
    return [part for part in re.split(r"(?<=\.)\s+(?:\d\.\s)?", text) if part]


def _says(sentence, category):
    return any(re.search(rf"\b{re.escape(name)}s?\b", sentence, re.I) for name in _names(category))


def test_every_finding_is_named_and_none_is_denied():
    for plan in _PLANS:
        for finding in plan.findings:
            spoken = [s for s in _sentences(plan.report.findings) if _says(s, finding.category)]
            assert spoken, (finding, plan.report)
            if finding.category == "pneumothorax":
                assert not any(_DENIED.match(s) for s in spoken)
            affirmed = [s for s in spoken if not _DENIED.match(s) and " not " not in s]
            assert affirmed, (finding, plan.report)


def test_side_severity_and_region_are_in_words():
    for plan in _PLANS:
        text = plan.report.findings.lower()
        for finding in plan.findings:
            if finding.side == "bilateral":
                assert re.search(r"bilateral|bibasilar|biapical|both", text)
            elif finding.side is not None and finding.region != "lingula":
                assert finding.side in text
            if finding.severity is not None:
                words = (*phrases.SEVERITY_WORDS[finding.severity], *phrases.ADVERBS.values())
                assert any(word in text for word in words)
            if finding.trend is not None and finding.category not in INCIDENTAL_CATEGORIES:
                assert any(word in text for word in phrases.TREND_WORDS[finding.trend])


def test_the_impression_names_the_classes_in_order():
    for plan in _PLANS:
        main = [f for f in plan.findings if f.category not in INCIDENTAL_CATEGORIES]
        if not main:
            assert plan.report.impression in phrases.NORMAL_IMPRESSIONS
            continue
        lines = _sentences(re.sub(r"^1\. ", "", plan.report.impression))
        assert len(lines) == len(main)
        assert all(_says(line, f.category) for line, f in zip(lines, main, strict=True))


def test_a_share_is_hedged_in_both_sections_and_the_truth_stays_present():
    always = PhantomConfig(hedge_share=1.0, normal_share=0.0, max_findings=1, incidental_share=0.0)
    never = PhantomConfig(hedge_share=0.0)
    hedge = re.compile(r"possible|suspected|probable|cannot be excluded", re.I)
    for index in range(60):
        plan = plan_phantom(always, index)
        assert plan.findings[0].presence == "present"
        assert hedge.search(plan.report.findings)
        assert hedge.search(plan.report.impression)
        assert not hedge.search(plan_phantom(never, index).report.findings)


def test_wording_varies():
    texts = {plan.report.findings for plan in _PLANS}
    assert len(texts) > 0.95 * len(_PLANS)


def test_lungs_are_called_clear_only_when_they_are():
    for plan in _PLANS:
        if re.search(r"lungs are (clear|well)", plan.report.findings):
            assert {f.category for f in plan.findings} <= {
                "cardiomegaly",
                "rib_fracture",
                "hernia",
                "healed_fracture",
                *DEVICES,
            }


def test_bones_are_called_intact_only_without_a_break():
    for plan in _PLANS:
        if re.search(
            r"bones are intact|bony abn|[Nn]o (?:displaced )?rib frac", plan.report.findings
        ):
            assert not {f.category for f in plan.findings} & {"rib_fracture", "healed_fracture"}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_text_is_well_formed(index):
    report = plan_phantom(_CONFIG, index).report
    for text in (report.findings, report.impression):
        assert text.isascii()
        assert not re.search(r"[{}_]|  |\.\.|\bNone\b|\ba [aeiou]|\ban [^aeiou]", text)
        assert text[0].isupper() or text[0] == "1"
        assert text.endswith(".")


@pytest.mark.parametrize("category", sorted(phrases.NOUNS))
def test_every_noun_resolves_to_its_category(category):
    kb = load_knowledge()
    for noun in phrases.NOUNS[category]:
        assert kb.resolve(noun) == category
