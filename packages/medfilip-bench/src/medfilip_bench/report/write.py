"""A report on disk: report.html, report.md, results.json and the LaTeX tables."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from medfilip_bench.compare import Comparison
from medfilip_bench.files import hash_of, write_atomic
from medfilip_bench.provenance import code_hash, report_hash
from medfilip_bench.report.latex import latex
from medfilip_bench.report.page import Page, make_page
from medfilip_bench.report.printing import render
from medfilip_bench.results import RunRecord

RESULTS = "results.json"
_FORMAT = 1


@dataclass(frozen=True)
class Written:
    """Where a report was written.

    Attributes:
        html: The page.
        markdown: The same tables without figures.
        json: All records without what the figures draw, the summary, and the tasks that have no
            result; `write_again` reads these back.
        latex: One file a table.
    """

    html: Path
    markdown: Path
    json: Path
    latex: tuple[Path, ...]


def write_report(
    records: Sequence[RunRecord],
    folder: Path,
    failures: Sequence[str] = (),
    *,
    passed_over: Sequence[str] = (),
    comparison: Comparison | None = None,
) -> Written:
    """Write report.html, report.md, results.json and latex/*.tex.

    A report that is there already, of the same records by the same code, is left as it is.

    Args:
        records: Of one model or of several.
        folder: Where to.
        failures: Tasks that failed, each in a line; shown on top.
        passed_over: Tasks that model or data set cannot have, each in a line.
        comparison: Two of the models on the same images.
    """
    key = _key(records, failures, passed_over, comparison)
    before = _before(folder, key)
    if before is not None:
        return before
    page = make_page(records, failures, passed_over=passed_over, comparison=comparison)
    pairs = page.comparison.tables if page.comparison else ()
    tables = (page.summary, *page.overviews, *pairs)
    out = _places(folder, [table.id for table in tables])
    for path, table in zip(out.latex, tables, strict=True):
        write_atomic(path, latex(table))
    write_atomic(out.markdown, render("report.md.j2", page=page))
    write_atomic(out.html, render("report.html.j2", page=page))
    # Last: its key says that all the others are there.
    write_atomic(out.json, to_json(page, records, key))
    return out


def to_json(page: Page, records: Sequence[RunRecord], key: str) -> str:
    """Return the summary, the failures, and all records without what the figures draw.

    Args:
        page: The report.
        records: Its records.
        key: Hash of all that decides the report.
    """
    tables = (page.summary, *page.overviews, *(page.comparison.tables if page.comparison else ()))
    content = {
        "format": _FORMAT,
        "key": key,
        "tables": [table.id for table in tables],
        "failures": page.failures,
        "warnings": page.warnings,
        "passed_over": page.passed_over,
        "summary": asdict(page.summary),
        "records": [record.model_dump(mode="json", exclude={"series"}) for record in records],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _places(folder: Path, tables: Sequence[str]) -> Written:
    return Written(
        html=folder / "report.html",
        markdown=folder / "report.md",
        json=folder / RESULTS,
        latex=tuple(folder / "latex" / f"{name}.tex" for name in tables),
    )


def _key(
    records: Sequence[RunRecord],
    failures: Sequence[str],
    passed_over: Sequence[str],
    comparison: Comparison | None,
) -> str:
    """Hash all that decides the report, its code included."""
    pairs = None if comparison is None else comparison.model_dump_json()
    held = [record.model_dump_json() for record in records]
    return hash_of([held, list(failures), list(passed_over), pairs, code_hash(), report_hash()])


def _before(folder: Path, key: str) -> Written | None:
    """Return the report that is there, if it is of this key and whole."""
    path = folder / RESULTS
    if not path.is_file():
        return None
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        found = _places(folder, held["tables"]) if held["key"] == key else None
    # Whatever else lies there under this name is written over.
    except (ValueError, KeyError, TypeError):
        return None
    if found is None or not all(p.is_file() for p in (found.html, found.markdown, *found.latex)):
        return None
    return found
