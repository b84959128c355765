"""The page: whole, self-contained, and safe with what an overlay may write."""

import re
from html.parser import HTMLParser

import pytest
from iki_knowledge import load_knowledge
from iki_knowledge.page import to_html

VOID = {"meta", "input", "br", "img", "link", "!doctype"}


class Checker(HTMLParser):
    """Collects ids, inner links and what is loaded from elsewhere; checks that tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        self.loaded += [str(found[name]) for name in ("src", "srcset") if found.get(name)]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(kb):
    checker = Checker()
    text = to_html(kb)
    checker.feed(text)
    return text, checker


def test_every_category_has_an_article_and_every_link_a_target(kb, page):
    _, checker = page
    assert checker.open == []
    assert len(set(checker.ids)) == len(checker.ids)
    assert set(kb) <= set(checker.ids)
    inner = {link[1:] for link in checker.links if link.startswith("#")}
    assert inner <= set(checker.ids)


def test_it_needs_no_network(page):
    text, checker = page
    assert checker.loaded == []
    assert "@import" not in text
    assert not re.search(r"url\(", text)
    outer = {link.split("/")[2] for link in checker.links if not link.startswith("#")}
    for host in outer:
        assert "." in host


def test_it_shows_explanations_subclasses_and_what_tells_apart(kb, page):
    text, _ = page
    for entry in kb.entries.values():
        # As escaped: the texts hold quotes and ampersands.
        assert entry.explanation.split(",")[0].split("'")[0] in text
        for other in entry.look_alikes:
            assert f'<a href="#{other}">' in text
    assert kb.version in text


def test_an_overlay_cannot_inject_markup(overlay):
    mine = load_knowledge(
        overlay("""
group: '"><script>alert(1)</script>'
entries:
  evil:
    name: '<img src=x onerror=alert(1)>'
    aliases: ['<b>bold']
    explanation: '<script>alert(2)</script>'
    attributes: [density:hazy]
""")
    )
    text = to_html(mine)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "<b>bold" not in text


def test_the_same_dictionary_gives_the_same_page(kb):
    assert to_html(kb) == to_html(kb)
