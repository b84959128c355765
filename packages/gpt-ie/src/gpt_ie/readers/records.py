"""What every reader does with its records: check the texts and keep the sections wanted. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from gpt_ie.columns import Columns
from gpt_ie.readers.lines import ReadError
from gpt_ie.schema import Rejected, Report
from gpt_ie.sections import keep_sections, section_of, split_parts


def checked(
    records: Iterable[Report | Rejected], sections: Collection[str], nothing: str
) -> Iterator[Report | Rejected]:
    """Records of which each report has an id, texts that UTF-8 can carry, and the sections wanted.

    Args:
        records: As read.
        sections: Of `gpt_ie.sections.SECTIONS`; empty for all text.
        nothing: The message where there is no record at all.

    Yields:
        The records; a report that cannot be one is a rejection.

    Raises:
        ReadError: When there is no record.
    """
    empty = True
    for record in records:
        empty = False
        if isinstance(record, Report):
            yield _rejection(record) or (_with_sections(record, sections) if sections else record)
        else:
            yield _writable(record)
    if empty:
        raise ReadError(nothing)


def from_object(value: Mapping[str, object], row: int, columns: Columns) -> Report | Rejected:
    """A report from the values of a row that may be of any type.

    Args:
        value: Column -> value.
        row: Where it stands in its file.
        columns: Those in use.

    Returns:
        The report, or why there is none; a text that is missing or null is empty.
    """
    raw = value.get(columns.report_id)
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        return Rejected(None, row, f"{columns.report_id!r} is missing or is no text")
    sections: dict[str, str] = {}
    for section, column in columns.texts.items():
        text = value.get(column)
        if text is not None and not isinstance(text, str):
            kind = type(text).__name__
            return Rejected(str(raw), row, f"{column!r} is no text but of type {kind}")
        sections[section] = text or ""
    return Report(str(raw), sections, row)


def _rejection(report: Report) -> Rejected | None:
    if not report.report_id.strip():
        return Rejected(None, report.row, "the report id is empty")
    try:
        for text in (report.report_id, *report.sections.values()):
            text.encode("utf-8")
    except UnicodeEncodeError:
        reason = "a text holds half of a surrogate pair"
        return _writable(Rejected(report.report_id, report.row, reason))
    return None


def _writable(rejected: Rejected) -> Rejected:
    """With an id that UTF-8 can carry; one from JSON or from a file's name may not be so."""
    if rejected.report_id is None:
        return rejected
    clean = rejected.report_id.encode("utf-8", "replace").decode("utf-8")
    return Rejected(clean, rejected.row, rejected.reason)


def _with_sections(report: Report, wanted: Collection[str]) -> Report | Rejected:
    """Blank what is not wanted in each text that is not itself a section by its column's name."""
    kept: dict[str, str | None] = {
        name: text if section_of(name) else keep_sections(text, wanted)
        for name, text in report.sections.items()
    }
    if any(kept.values()) or not any(text.strip() for text in report.sections.values()):
        # Offsets count in the text as read, so a text without any of them is blank, not shorter.
        sections = {name: kept[name] or " " * len(text) for name, text in report.sections.items()}
        return Report(report.report_id, sections, report.row)
    found = {
        name
        for text in report.sections.values()
        for part in split_parts(text)
        for name in part.sections or ()
    }
    has = f"; it has {', '.join(sorted(found))}" if found else ""
    return Rejected(
        report.report_id, report.row, f"no text under {' or '.join(sorted(wanted))}{has}"
    )
