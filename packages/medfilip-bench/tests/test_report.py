"""The report: self-contained, every task there, phantoms called phantoms, nothing mixed."""

import re
from html.parser import HTMLParser

import pytest
from medfilip_bench.report import CLINICAL, make_page, pipes, render, write_report
from medfilip_bench.results import Skipped
from medfilip_bench.summary import HEADLINES, PUBLISHED_COLUMN, summary
from medfilip_bench.tables import Cell, cell, measured, metric_words
from medfilip_bench.tasks import TASKS

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

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html(records):
    return render(make_page(records, ["retrieval: no images"]), "report.html.j2")


@pytest.fixture(scope="module")
def markdown(records):
    return render(make_page(records), "report.md.j2")


def test_html_nests_and_needs_nothing_from_outside(html):
    outline = Outline()
    outline.feed(html)
    assert outline.open == []
    assert not {"script", "link", "iframe", "object", "base"} & set(outline.tags)
    for name, value in outline.attributes:
        if name in ("src", "href"):
            assert value.startswith(("#", "data:image/png;base64,")), value
    assert "://" not in html
    assert "@import" not in html
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {
        f"#{i}" for i in re.findall(r'id="([^"]+)"', html)
    }


def test_every_task_is_there_with_its_figures(html, records):
    for record in records:
        assert f'<section id="{record.task}-tiny">' in html
        assert f'<a href="#{record.task}-tiny">' in html
        begin = html.index(f'<section id="{record.task}-tiny">')
        assert "<figure><svg" in html[begin : html.index("</section>", begin)], record.task
    assert {r.task for r in records} == set(TASKS)


def test_phantoms_are_called_phantoms_and_real_images_are_not(html, markdown, records):
    phantoms = sum(r.phantom for r in records)
    assert html.count('<span class="tag phantom">PHANTOM</span>') == phantoms
    assert html.count('<span class="tag real">REAL IMAGES</span>') == len(records) - phantoms
    assert markdown.count("(PHANTOM)") == phantoms
    assert "they say nothing about patients" in " ".join(html.split())


def test_not_for_clinical_use_and_failures_stand_on_top(html, markdown):
    assert html.index(CLINICAL) < html.index("<main>")
    assert markdown.index(CLINICAL) < markdown.index("## Summary")
    assert "<strong>Failed:</strong> retrieval: no images" in html


def test_published_figures_stand_in_columns_of_their_own(records):
    table = summary(records)
    assert table.columns[-1] == PUBLISHED_COLUMN == "published (other data)"
    by_figure = {line.cells[0].text: line for line in table.lines}
    line = by_figure["macro AUC"]
    assert line.cells[-1].text in ("", "0.7676")
    lines = [line for line in table.lines if line.cells[-1].small.startswith("MedFILIP, MIMIC-16")]
    assert [line.cells[-1].text for line in lines] == ["0.7471", "0.3753"]
    assert [line.cells[1].text for line in lines] == ["0.700", "0.600"]


def test_a_direction_is_held_against_its_own_baseline(records):
    beside = {line.cells[0].text: line.cells[2].text for line in summary(records).lines}
    assert beside["image→text P@1"] == "0.100"
    assert beside["text→image P@1"] == "0.200"


def test_every_headline_names_what_exists(records):
    by_task = {record.task: record for record in records}
    for task, headlines in HEADLINES.items():
        rows = {row.id: row for row in by_task[task].rows}
        for headline in headlines:
            where = by_task[task].metrics if headline.row is None else rows[headline.row].metrics
            assert headline.metric in where, (task, headline)
    assert set(HEADLINES) == set(TASKS)


def test_protocols_head_their_columns(records):
    table = measured(records[0], "macro over classes")
    assert dict(table.groups)["paper threshold"] == 3
    assert dict(table.groups)["held-out threshold"] == 3
    assert sum(span for _, span in table.groups) == len(table.columns)
    assert {len(line.cells) + 1 for line in table.lines} == {len(table.columns)}
    assert [line.kind for line in table.lines[-3:]] == ["baseline"] * 3
    assert table.lines[0].kind == "overall"


def test_an_undefined_figure_shows_its_reason(html, markdown):
    assert '<td>—<small class="why">no positives</small></td>' in html
    assert "— (no positives)" in markdown


def test_tables_of_markdown_are_rectangular(markdown):
    blocks = re.findall(r"(?:^\|.*\n)+", markdown, flags=re.MULTILINE)
    assert len(blocks) > 10
    for block in blocks:
        lines = block.strip().splitlines()
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1, lines[0]


def test_names_from_data_cannot_break_the_page(records):
    evil = records[0].model_copy(
        update={
            "title": "<b>x</b>",
            "data": records[0].data.model_copy(
                update={"skipped": (Skipped(file="<script>.png", reason="a|b"),)}
            ),
        }
    )
    html = render(make_page([evil]), "report.html.j2")
    assert "<script" not in html
    assert "&lt;script&gt;.png (a|b)" in html
    assert "1 images could not be read" in html
    assert pipes(Cell("a|b", "c")) == "a\\|b (c)"


def test_cells():
    from medfilip_bench.results import Estimate

    assert cell(Estimate(value=0.5)) == Cell("0.500")
    assert cell(Estimate(value=-0.5, low=-1, high=0.1)) == Cell("−0.500", "−1.000 – 0.100")
    assert cell(None) == Cell("")
    assert cell(Estimate(value=-0.0001)) == Cell("0.000")
    assert metric_words("f1@paper") == "F1"
    assert metric_words("hit@10") == "hit@10"
    assert metric_words("p@3") == "P@3"


def test_written_report_reads_back_the_same(records, tmp_path):
    written = write_report(records, tmp_path)
    assert written.html.read_text(encoding="utf-8") == render(make_page(records), "report.html.j2")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.md"]
