"""The page: self-contained, every task there, phantoms called phantoms, nothing mixed."""

import re
from html.parser import HTMLParser

import pytest
from medfilip_bench.report.origins import CLINICAL
from medfilip_bench.report.page import in_order, make_page
from medfilip_bench.report.printing import pipes, render
from medfilip_bench.report.table import Cell
from medfilip_bench.results import Skipped

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Outline(HTMLParser):
    """Checks that tags nest, and collects what a test asks for."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def outline(html):
    made = Outline()
    made.feed(html)
    return made


@pytest.fixture
def bare(monkeypatch):
    """Pages without figures, where a test is about something else."""
    monkeypatch.setattr("medfilip_bench.report.page.figures", lambda record: ())


def test_html_nests_and_needs_nothing_from_outside(html, outline):
    assert outline.open == []
    assert not {"script", "link", "iframe", "object", "base"} & set(outline.tags)
    for name, value in outline.attributes:
        if name in ("src", "href"):
            assert value.startswith(("#", "data:image/png;base64,", "data:image/jpeg;base64,")), (
                value
            )
    assert "://" not in html
    assert "@import" not in html
    assert "url(" not in html


def test_ids_are_unique_and_links_lead_somewhere(outline):
    ids = [value for name, value in outline.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = {value[1:] for name, value in outline.attributes if name == "href"}
    assert links <= set(ids)


def test_every_record_and_table_is_there(html, records, page):
    for record in records:
        assert html.count(f'id="{record.task}-{record.model.name}"') == 1
    for chapter in page.chapters:
        assert f'<a href="#{chapter.anchor}">{chapter.title}</a>' in html
    for table in page.overviews:
        assert f'<a href="#{table.id}">' in html
        assert f'<div id="{table.id}"' in html


def test_one_record_a_chapter_is_open(html, page):
    assert html.count('<details class="record" open>') == len(page.chapters)
    assert html.count('<details class="record"') == len(page.chapters) + sum(
        len(chapter.sections) - 1 for chapter in page.chapters
    )


def test_phantoms_are_called_phantoms_and_real_images_are_not(html, markdown, records):
    for record in records:
        begin = html.index(f"<h3>{record.title}</h3> <span", html.index('class="chapter"'))
        tag = "PHANTOM" if record.phantom else "REAL IMAGES"
        assert f">{tag}</span>" in html[begin : begin + 200], record.task
    phantoms = sum(r.phantom for r in records)
    assert markdown.count("(PHANTOM, run-phantom)") == phantoms
    assert markdown.count("(REAL IMAGES, run-phantom)") == len(records) - phantoms
    assert "they say nothing about patients" in " ".join(html.split())


def test_what_is_wrong_stands_on_top(html, markdown):
    for text in (
        CLINICAL,
        "retrieval: no images",
        "12 patients are in both train and test (zero_shot-nih_cxr14_320)",
        "1 images could not be read and are left out: images/0007.png (truncated file)",
    ):
        assert html.index(text) < html.index("<main>"), text
        assert markdown.index(text) < markdown.index("## Summary"), text
    assert "grounding: no boxes" in html


def test_tables_of_markdown_are_rectangular_and_hold_no_html(markdown):
    blocks = re.findall(r"(?:^\|.*\n)+", markdown, flags=re.MULTILINE)
    assert len(blocks) > 40
    for block in blocks:
        lines = block.strip().splitlines()
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1, lines[0]
    assert not re.search(r"</?[a-z]", markdown)


def test_pictures_are_shown_with_their_captions(html):
    assert html.count("data:image/jpeg;base64,") == 48
    assert html.count('<figure class="right">') == 4
    assert "First right image at rank 3." in html


def test_provenance_and_licences_are_there(html):
    for text in ("medfilip-bench 0.1.0", "Wang et al., CVPR 2017", "CC0 1.0", "a processor",
                 "medfilip-bench all", "adapter tested on a random checkpoint only"):  # fmt: skip
        assert text in html, text


@pytest.mark.usefixtures("bare")
def test_names_from_data_cannot_break_the_page(records):
    evil = records[1].model_copy(
        update={
            "title": "<b>x</b>",
            "notes": ('"><img src=x>',),
            "data": records[1].data.model_copy(
                update={"skipped": (Skipped(file="<script>.png", reason="a|b"),)}
            ),
        }
    )
    page = make_page([evil])
    html = render("report.html.j2", page=page)
    assert "<script" not in html
    assert "<img src=x" not in html
    assert "<b>x" not in html
    assert "&lt;script&gt;.png (a|b)" in html
    assert pipes(Cell("a|b", "c")) == "a\\|b (c)"


@pytest.mark.usefixtures("bare")
def test_several_models_stand_below_one_another(maker):
    records = [m.multi("rsna", "RSNA", ("x",)) for m in (maker("b"), maker("a", seed=1))]
    page = make_page(records)
    assert [s.record.model.name for c in page.chapters for s in c.sections] == ["a", "b"]
    assert len(page.trained) == 2
    assert len(page.models[0].lines) == 2


def test_order_is_by_family_phantoms_first_as_the_paper(maker):
    made = maker()
    records = [
        made.extraction(),
        made.multi("own", "own", ("x",), phantom=False),
        made.multi("rsna", "RSNA", ("x",)),
        made.single("mimic_16", "MIMIC-16", ("x", "y")),
    ]
    assert [record.task for record in in_order(records)] == [
        "zero_shot-mimic_16-phantom",
        "zero_shot-rsna-phantom",
        "zero_shot-own",
        "extraction-mimic_multi-phantom",
    ]


def test_a_full_page_is_small(html):
    assert len(html.encode()) < 1_500_000
