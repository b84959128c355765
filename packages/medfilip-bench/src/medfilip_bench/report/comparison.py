"""A comparison of two models → tables and a figure; on a page of its own or within a report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medfilip_bench.compare import Comparison, Test
from medfilip_bench.files import write_atomic
from medfilip_bench.report.drawings import Drawing
from medfilip_bench.report.latex import latex
from medfilip_bench.report.naming import full_words
from medfilip_bench.report.origins import CLINICAL, PHANTOMS
from medfilip_bench.report.plots.bars import Bar, forest
from medfilip_bench.report.printing import render
from medfilip_bench.report.table import NONE, Cell, Line, Table, number, span, tag_of

ALL = "all"
SIGNIFICANT = 0.05
_MOST = 40


@dataclass(frozen=True)
class Compared:
    """A comparison as the templates print it.

    Attributes:
        title: The two models.
        words: How to read it.
        drawings: Differences of whole tasks.
        tables: Every test: whole tasks first, then single classes.
        refused: Tasks that cannot be compared, and why.
        clinical: What the software is not for.
    """

    title: str
    words: tuple[str, ...]
    drawings: tuple[Drawing, ...]
    tables: tuple[Table, ...]
    refused: tuple[str, ...]
    clinical: str = CLINICAL


def compared(comparison: Comparison) -> Compared:
    """Turn a comparison into what the templates print.

    Args:
        comparison: From `medfilip_bench.compare.compare`.
    """
    first, second = comparison.first, comparison.second
    stand = [t for t in comparison.tests if _stands(t)]
    tables = tuple(
        table
        for phantom in (True, False)
        for whole in (True, False)
        for table in _table(comparison, phantom, whole)
    )
    return Compared(
        title=f"{first} against {second}",
        words=(
            f"Difference is {first} minus {second}, on the same images in pairs; above 0 the first "
            "is better. Decisions are made at the held-out thresholds.",
            f"{comparison.made} tests; {len(stand)} of them have a p ≤ {SIGNIFICANT} that is "
            "corrected for all of them (Holm) and stand in bold.",
            f"Intervals: 95 %, {comparison.replicates:,} bootstrap replicates over patients, seed "
            f"{comparison.seed}; DeLong's where each patient has one image.",
            *((PHANTOMS,) if any(test.phantom for test in comparison.tests) else ()),
        ),
        drawings=tuple(_drawings(comparison)),
        tables=tables,
        refused=(
            *(f"{entry.task}: {entry.reason}" for entry in comparison.refused),
            *(f"{task}: only {first} has it" for task in comparison.only_first),
            *(f"{task}: only {second} has it" for task in comparison.only_second),
        ),
    )


def write_comparison(comparison: Comparison, folder: Path) -> tuple[Path, ...]:
    """Write compare.html, compare.md, compare.json and a LaTeX table of whole tasks.

    Args:
        comparison: From `medfilip_bench.compare.compare`.
        folder: Where to.

    Returns:
        The paths, the page first.
    """
    made = compared(comparison)
    files = {
        "compare.html": render("compare.html.j2", page=made),
        "compare.md": render("compare.md.j2", page=made),
        "compare.json": comparison.model_dump_json(indent=1) + "\n",
        **{f"latex/{table.id}.tex": latex(table) for table in made.tables},
    }
    for name, text in files.items():
        write_atomic(folder / name, text)
    return tuple(folder / name for name in files)


def p_words(p: float | None) -> str:
    """Write a p value."""
    if p is None:
        return "—"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _table(comparison: Comparison, phantom: bool, whole: bool) -> Iterable[Table]:
    """Return the tests of one kind of images, of whole tasks or of single classes."""
    tests = [t for t in comparison.tests if t.phantom == phantom and (t.row == ALL) == whole]
    if not tests:
        return
    what = "whole tasks" if whole else "single classes"
    yield Table(
        id=f"compare_{'tasks' if whole else 'classes'}_{'phantom' if phantom else 'real'}",
        caption=f"{comparison.first} against {comparison.second}: {what}",
        columns=(
            "",
            "difference",
            "p, Holm",
            comparison.first,
            comparison.second,
            "p",
            "n / patients",
            "by",
        ),
        lines=tuple(_lines(tests)),
        tag=tag_of(phantom),
    )


def _lines(tests: Sequence[Test]) -> Iterable[Line]:
    for task in dict.fromkeys(test.task for test in tests):
        yield Line(task, (), "divider")
        for test in (t for t in tests if t.task == task):
            metric = full_words(test.metric)
            name = metric if test.row == ALL else test.name
            cells = (
                _difference(test),
                Cell(p_words(test.p_holm), best=_stands(test)),
                _value(test.first),
                _value(test.second),
                Cell(p_words(test.p)),
                Cell(f"{test.n:,} / {test.patients:,}"),
                Cell(test.method),
            )
            yield Line(name, cells, "row", "" if test.row == ALL else metric)


def _value(value: float | None) -> Cell:
    return NONE if value is None else Cell(number(value))


def _difference(test: Test) -> Cell:
    if test.difference is None:
        return Cell("—", test.reason or "", why=True)
    sign = "+" if round(test.difference, 3) > 0 else ""
    if test.low is None or test.high is None:
        return Cell(f"{sign}{number(test.difference)}", test.reason or "", why=True)
    best = _stands(test)
    return Cell(f"{sign}{number(test.difference)}", span(test.low, test.high), best=best)


def _stands(test: Test) -> bool:
    return test.p_holm is not None and test.p_holm <= SIGNIFICANT


def _drawings(comparison: Comparison) -> Iterable[Drawing]:
    """Draw the differences of whole tasks, the first metric of each."""
    for phantom in (True, False):
        seen: set[str] = set()
        items: list[Bar] = []
        for test in comparison.tests:
            if test.row == ALL and test.phantom == phantom and test.task not in seen:
                seen.add(test.task)
                if test.difference is not None:
                    name = f"{test.task.removesuffix('-phantom')} {full_words(test.metric)}"
                    items.append(Bar(name, test.difference, test.low, test.high, int(phantom)))
        if items:
            svg = forest(items[:_MOST], f"{comparison.first} − {comparison.second}")
            words = "Phantoms. " if phantom else "Real images. "
            yield Drawing(
                svg,
                f"{words}Difference of each task's first figure with its 95 % interval; right of "
                f"the line {comparison.first} is better.",
            )
