import re
from html import unescape

from gpt_ie import Report, RulesEngine
from hypothesis import given
from hypothesis import strategies as st
from medfilip_app.page.highlight import Mark, highlighted, marks

TEXT = "Small left effusion, no pneumothorax."


def words(html: str) -> str:
    """The text of a page, without the numbers of its marks."""
    return unescape(re.sub(r"<sup>\d+</sup>|<[^>]+>", "", html))


def test_evidence_is_marked_in_place():
    read = RulesEngine().extract(Report("r", {"text": TEXT}))
    html = highlighted(TEXT, marks(read.findings, [f.presence for f in read.findings]))
    assert '<mark class="mf-present">Small left effusion<sup>1</sup></mark>' in html
    assert "pneumothorax<sup>2</sup></mark>" in html
    assert words(html) == TEXT


def test_overlapping_marks_have_the_look_of_the_shorter():
    html = highlighted("abcdef", [Mark(0, 6, "present", 1), Mark(2, 4, "absent", 2)])
    assert html == (
        '<div class="mf-report"><mark class="mf-present">ab</mark>'
        '<mark class="mf-absent">cd<sup>2</sup></mark>'
        '<mark class="mf-present">ef<sup>1</sup></mark></div>'
    )


def test_text_is_never_markup():
    html = highlighted("<script>alert(1)</script> & ${x} {{y}}", [Mark(0, 8, "present", 1)])
    assert "<script" not in html
    assert "${x} {{y}}" in html


@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=5),
)
def test_no_character_is_lost_or_added(text: str, spans: list[tuple[int, int]]):
    found = [
        Mark(min(a, b, len(text)), min(max(a, b), len(text)), "present", n)
        for n, (a, b) in enumerate(spans, 1)
    ]
    assert words(highlighted(text, found)) == text
