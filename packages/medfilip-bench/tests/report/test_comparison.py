"""Two models side by side: differences with intervals, what stands in bold, what was refused."""

import json

from medfilip_bench.report.comparison import compared, p_words, write_comparison
from medfilip_bench.report.page import make_page
from medfilip_bench.report.printing import render


def test_tables_hold_every_test_once(comparison):
    made = compared(comparison)
    assert [table.id for table in made.tables] == [
        "compare_tasks_phantom",
        "compare_classes_phantom",
        "compare_classes_real",
    ]
    lines = [line for table in made.tables for line in table.lines if line.cells]
    assert len(lines) == len(comparison.tests)
    first = lines[0]
    assert first.name == "AUC"
    assert [cell.text for cell in first.cells] == [
        "+0.050", "< 0.001", "0.810", "0.760", "< 0.001", "1,000 / 900", "DeLong",
    ]  # fmt: skip
    assert first.cells[0].small == "0.020–0.080"


def test_only_what_holm_leaves_stands_in_bold(comparison):
    bold = [
        (line.name, line.cells[1].best)
        for table in compared(comparison).tables
        for line in table.lines
        if line.cells
    ]
    assert [best for _, best in bold] == [True, True, False, False, True, False, False]


def test_an_undefined_difference_shows_its_reason(comparison):
    line = compared(comparison).tables[-1].lines[-1]
    assert (line.name, line.cells[0].text, line.cells[0].small) == ("Hernia", "—", "no positives")
    assert [line.cells[k].text for k in (1, 4)] == ["—", "—"]


def test_p_values():
    assert [p_words(p) for p in (None, 0.0004, 0.05)] == ["—", "< 0.001", "0.050"]


def test_the_words_name_the_models_and_the_correction(comparison):
    words = " ".join(compared(comparison).words)
    assert "run-phantom minus convirt" in words
    assert "6 tests; 3 of them" in words
    assert "they say nothing about patients" in words
    assert compared(comparison).refused == (
        "probe-rsna: other images: 10 and 12",
        "grounding-rsna: only run-phantom has it",
    )


def test_files(comparison, tmp_path):
    paths = write_comparison(comparison, tmp_path)
    assert [p.name for p in paths[:3]] == ["compare.html", "compare.md", "compare.json"]
    assert all(path.is_file() for path in paths)
    html = paths[0].read_text(encoding="utf-8")
    assert "://" not in html
    assert "<svg" in html
    assert "Not compared (2)" in html
    assert json.loads(paths[2].read_text(encoding="utf-8"))["first"] == "run-phantom"


def test_a_report_holds_the_comparison(maker, comparison):
    page = make_page([maker().multi("rsna", "RSNA", ("x",))], comparison=comparison)
    html = render("report.html.j2", page=page)
    assert html.count('<section id="comparison">') == 1
    assert '<a href="#comparison">' in html
    assert "## Comparison of models" in render("report.md.j2", page=page)
