"""LaTeX: balanced, rectangular, escaped, and readable by \\input."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medfilip_bench.report.latex import escape, latex
from medfilip_bench.report.paper import paper_tables
from medfilip_bench.report.table import Cell, Line, Table

TABLE = Table(
    id="table1_x_phantom",
    caption="A & B_c, 95 %",
    columns=("", "ACC", "F1"),
    groups=(("", 1), ("RSNA", 2)),
    lines=(
        Line("a_b", (Cell("0.5", "0.4–0.6"), Cell("−1", best=True)), "model", "paper threshold"),
        Line("Published, other data", (), "divider"),
        Line("MedFILIP", (Cell("0.7"), Cell("")), "published"),
    ),
    tag="PHANTOM",
)


def test_a_table_by_hand():
    assert latex(TABLE).splitlines()[3:] == [
        r"\caption{PHANTOM. A \& B\_c, 95 \%.}",
        r"\label{tab:table1-x-phantom}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"\multicolumn{1}{c}{} & \multicolumn{2}{c}{RSNA} \\",
        r"\cmidrule(lr){2-3}",
        r" & ACC & F1 \\",
        r"\midrule",
        r"a\_b {\footnotesize paper threshold} & 0.5 {\scriptsize 0.4--0.6} & \textbf{$-$1} \\",
        r"\midrule",
        r"\multicolumn{3}{l}{\textit{Published, other data}} \\",
        r"\textit{MedFILIP} & 0.7 &  \\",
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]


def unescaped(sign, text):
    return len(re.findall(rf"(?<!\\){re.escape(sign)}", text))


def test_every_table_is_balanced_and_rectangular(records):
    for table in paper_tables(records):
        text = latex(table)
        assert unescaped("{", text) == unescaped("}", text), table.id
        assert text.isascii() or not re.search("[→−–—·×“”…]", text), table.id
        rows = [
            line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line
        ]
        assert {unescaped("&", row) for row in rows} == {len(table.columns) - 1}, table.id
        assert r"\documentclass" not in text


@given(st.text(alphabet="ab\\{}&%$#_~^\n“”→−", max_size=30))
def test_escaping_leaves_no_live_sign(text):
    made = escape(text)
    for sign in "&%#_":
        assert unescaped(sign, made) == 0
    assert unescaped("{", made) == unescaped("}", made)


def test_a_row_cannot_be_read_as_an_argument_of_the_one_before():
    lines = (Line("[1pt] a", (Cell("* b"), Cell(""))), Line("*", (Cell(""), Cell(""))))
    rows = latex(replace(TABLE, lines=lines)).splitlines()[-5:-3]
    assert rows == [r"{[}1pt{]} a & {*} b &  \\", r"{*} &  &  \\"]


def test_a_caption_ends_once():
    assert r"\caption{PHANTOM. Done.}" in latex(replace(TABLE, caption="Done."))
    assert r"\caption{PHANTOM. Done.}" in latex(replace(TABLE, caption="Table 12. Done"))


def test_a_heading_that_comes_first_has_one_rule():
    text = latex(replace(TABLE, lines=TABLE.lines[1:]))
    assert text.count(r"\midrule") == 1


@pytest.mark.parametrize("sign", ["&", "%", "_", "#", "$", "{", "}"])
def test_signs_are_escaped_once(sign):
    assert escape(sign) == f"\\{sign}"
