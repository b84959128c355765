"""Reports that need no engine: those without text, and those whose id came before."""

from collections.abc import Iterable, Iterator

from gpt_ie.flat_table import FlatTable
from gpt_ie.schema import Rejected, Report


def unique(reports: Iterable[Report | Rejected]) -> Iterator[Report | Rejected]:
    """Reject each report whose id came before; the first is kept.

    Keeps a hash of 64 bits and the row of each id: 24 to 48 bytes.

    Args:
        reports: In the order of the input.

    Yields:
        As many, those that come again as `Rejected`.
    """
    seen = FlatTable()
    for number, report in enumerate(reports, start=1):
        if isinstance(report, Rejected):
            yield report
            continue
        row = report.row or number
        first = seen.setdefault(hash(report.report_id), row)
        if first == row:
            yield report
        else:
            yield Rejected(
                report.report_id,
                row,
                f"the report id {report.report_id!r} of row {row} was already in row {first}: "
                "give each report its own id; the first is kept",
            )


def empty_reason(report: Report) -> str | None:
    """Why a report has nothing to extract from.

    Args:
        report: The report.

    Returns:
        The reason; None when it has text.
    """
    if any(text.strip() for text in report.sections.values()):
        return None
    columns = " and ".join(map(repr, report.sections)) or "every section"
    return f"the report is empty: no text in {columns}"
