import numpy as np
from gpt_ie import Report
from medfilip_app.page.desk import Desk
from medfilip_app.page.verdicts import checked

TEXT = "Small left effusion. Cardiomegaly. No <i>pneumothorax</i>."


def test_each_verdict_has_a_colour_a_word_and_a_symbol(desk: Desk):
    found = desk.checker(desk.loaded, np.zeros((32, 32), np.uint8), Report("r", {"text": TEXT}))
    html = checked(TEXT, found, desk.kb)
    for kind, word in (
        ("contradicted", "✗ contradicted"),
        ("supported", "✓ supported"),
        ("undecided", "? undecided"),
    ):
        assert f'<mark class="mf-{kind}">' in html
        assert word in html
    assert "1 supported, 1 contradicted, 1 undecided" in html
    assert "the image shows rather: <b>right</b>" in html
    assert "hernia</b>, left" in html
    assert "image 88%" in html
    assert "! not in the report" in html
    assert "<i>pneumothorax" not in html
    assert html.count("data-pick=") == 4
