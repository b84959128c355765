import pytest
from iki_knowledge import KnowledgeBase
from medfilip_app.page.entries import compared, entry_card, index, look_alike_buttons, look_alikes


def test_the_index_has_every_category_once(kb: KnowledgeBase):
    html = index(kb)
    for category in kb:
        assert html.count(f'data-pick="{category}"') == 1


def test_every_entry_can_be_shown_and_compared(kb: KnowledgeBase):
    for category in kb:
        assert "<h3>" in entry_card(kb, category)
        for other in list(look_alikes(kb, category))[:2]:
            assert "only" in compared(kb, category, other)


def test_an_entry_has_definition_attributes_and_severities(kb: KnowledgeBase):
    html = entry_card(kb, "pleural_effusion")
    assert "meniscus with a curved upper edge" in html
    assert "trace, small, moderate, large" in html
    assert "costophrenic angle" in html


def test_look_alikes_are_those_of_both_entries_and_the_nearest(kb: KnowledgeBase):
    told = look_alikes(kb, "pleural_effusion")
    assert told["atelectasis"]
    assert all(near.category in told for near in kb.nearest("pleural_effusion", 3))
    assert "pleural_effusion" not in told
    named = {name for name in kb if "pleural_effusion" in kb[name].look_alikes}
    assert named - set(kb["pleural_effusion"].look_alikes)
    assert named <= set(told)
    html = look_alike_buttons(kb, "pleural_effusion", "atelectasis")
    assert html.count('aria-pressed="true"') == 1


@pytest.mark.parametrize(("one", "other"), [("pleural_effusion", "atelectasis"), ("mass", "mass")])
def test_what_both_show_stands_apart_from_what_one_shows(kb: KnowledgeBase, one: str, other: str):
    both, mine = compared(kb, one, other).split("only", 1)
    texts = {a.id: a.text for a in kb.attributes}
    for name in kb[one].attributes:
        assert (f">{texts[name]}<" in both) == (name in kb[other].attributes)
        assert (f">{texts[name]}<" in mine) == (name not in kb[other].attributes)
