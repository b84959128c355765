from dataclasses import replace

from iki_knowledge import Finding, KnowledgeBase
from medfilip_app.page.answers import PhraseScore
from medfilip_app.page.classes import bars, phrase_card, truth_card, why
from medfilip_model.explain import AttributeScore, Explanation, Reasons
from medfilip_model.predict import ClassScore

SCORES = (
    ClassScore("Effusion", "pleural_effusion", 0.61, 0.834, None, "own"),
    ClassScore("Pleural_Thickening", "pleural_thickening", 0.2, 0.004, 0.5, "pooled"),
)


def test_bars_are_as_long_as_the_classes_are_probable():
    html = bars(SCORES, "pleural_effusion")
    assert 'style="width:83.4%"' in html
    assert ">83%<" in html
    assert "~ &lt; 1%" in html
    assert "fusion head 50%" in html
    assert html.count('aria-pressed="true"') == 1
    assert "Pleural Thickening" in html
    assert html.index("Effusion") < html.index("Pleural Thickening")


def test_without_calibration_similarities_are_shown_as_such():
    scores = tuple(replace(s, probability=None, calibrated=None) for s in SCORES)
    html = bars(scores)
    assert "no calibration" in html
    assert ">0.61<" in html
    assert "%</span>" not in html


def test_names_are_escaped():
    assert "<i>x" not in bars([ClassScore("<i>x</i>", '"><script>', 0.5, 0.5)])


def test_reasons_name_the_attributes_and_the_subclass(kb: KnowledgeBase):
    explained = Explanation(
        "pleural_effusion",
        (AttributeScore("shape:meniscus", "meniscus <edge>", 0.3, 1.25),),
        (AttributeScore("density:dense", "dense opacity", 0.1, -0.5),),
        "small",
        "left base",
    )
    html = why(Reasons((explained,), ()), kb)
    assert "Why pleural effusion?" in html
    assert "+ meniscus &lt;edge&gt;" in html
    assert "+1.25" in html
    assert "− dense opacity" in html
    assert "severity <b>small</b>, place <b>left base</b>" in html


def test_a_phrase_says_what_its_number_means():
    html = phrase_card(PhraseScore("<u>fluid</u>", 0.329, 0.34, 0.08))
    assert "&lt;u&gt;fluid&lt;/u&gt;" in html
    assert "~ 8%" in html
    assert "0.329" in html
    assert "probability" not in phrase_card(PhraseScore("fluid", 0.329, 0.34, None))


def test_what_was_drawn_is_told_of_phantoms_alone(kb: KnowledgeBase):
    assert truth_card(None, kb) == ""
    assert "nothing" in truth_card((), kb)
    drawn = truth_card([Finding(category="pleural_effusion", side="left")], kb)
    assert "left-sided pleural effusion" in drawn
