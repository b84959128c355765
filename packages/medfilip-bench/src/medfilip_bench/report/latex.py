r"""Tables → LaTeX with booktabs, one file a table, made to be read by ``\input``."""

import re
from collections.abc import Sequence
from itertools import pairwise

from medfilip_bench.report.table import Cell, Line, Table, words

_NUMBERED = re.compile(r"^Table \d+\. ")
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # At the beginning of a row these would be read as arguments of the row before.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "—": "---",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "\u00a0": "~",
    "\n": "; ",
}  # fmt: skip


def latex(table: Table) -> str:
    """Return a table float; the packages that it needs are named in its first line.

    Args:
        table: Any table; figures of others stand below a rule, in italics.
    """
    columns = len(table.columns)
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage{graphicx}; put in place with \input.",
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{escape(_caption(table))}}}",
        rf"\label{{tab:{table.id.replace('_', '-')}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * (columns - 1)}}}",
        r"\toprule",
        *_head(table),
        r"\midrule",
        *_body(table, columns),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return text that LaTeX prints as it stands."""
    return "".join(_ESCAPES.get(sign, sign) for sign in text)


def _caption(table: Table) -> str:
    """Return the caption without our number: LaTeX counts for itself."""
    tag = f"{table.tag}. " if table.tag else ""
    text = _NUMBERED.sub("", table.caption).removesuffix(".")
    return f"{tag}{text}. {table.note}".strip()


def _head(table: Table) -> Sequence[str]:
    """Return the column headings, groups with a rule under each above them."""
    heading = " & ".join(escape(name) for name in table.columns) + r" \\"
    if not table.groups:
        return (heading,)
    starts = [1]
    for _, span in table.groups:
        starts.append(starts[-1] + span)
    groups = " & ".join(
        rf"\multicolumn{{{span}}}{{c}}{{{escape(name)}}}" for name, span in table.groups
    )
    rules = "".join(
        rf"\cmidrule(lr){{{first}-{after - 1}}}"
        for (first, after), (name, _) in zip(pairwise(starts), table.groups, strict=True)
        if name
    )
    return (groups + r" \\", rules, heading)


def _body(table: Table, columns: int) -> Sequence[str]:
    rows = [row for line in table.lines for row in _line(line, columns)]
    # The head has a rule of its own.
    return rows[1:] if rows[:1] == [r"\midrule"] else rows


def _line(line: Line, columns: int) -> Sequence[str]:
    if line.kind == "divider":
        name = escape(words(line.name, line.small))
        return (r"\midrule", rf"\multicolumn{{{columns}}}{{l}}{{\textit{{{name}}}}} \\")
    name = escape(line.name) + (rf" {{\footnotesize {escape(line.small)}}}" if line.small else "")
    name = rf"\textit{{{name}}}" if line.kind == "published" else name
    return (" & ".join((name, *(_cell(c) for c in line.cells))) + r" \\",)


def _cell(cell: Cell) -> str:
    text = rf"\textbf{{{escape(cell.text)}}}" if cell.best else escape(cell.text)
    return text + (rf" {{\scriptsize {escape(cell.small)}}}" if cell.small else "")
