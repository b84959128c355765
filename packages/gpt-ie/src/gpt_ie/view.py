"""Findings with their reports as one self-contained page, to be looked through offline."""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

from gpt_ie.atomic import atomic_text
from gpt_ie.schema import ExtractedFinding, GptIeError, Rejected, Report, ReportFindings
from gpt_ie.store import read_findings

_SLOTS = ("severity", "side", "region", "trend")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ASTRAL = re.compile(r"[\U00010000-\U0010ffff]")


class ViewError(GptIeError):
    """The page cannot be made."""


@dataclass(frozen=True, slots=True)
class ViewSummary:
    """What the page shows.

    Attributes:
        out: The page.
        reports: Reports on it.
        left_out: Reports beyond the limit.
        without_text: Reports on it whose text was not among `reports`; they show their evidence.
        findings: Findings on it.
        size: Bytes of the page.
    """

    out: Path
    reports: int
    left_out: int
    without_text: int
    findings: int
    size: int


def write_view(
    findings: Path,
    reports: Iterable[Report | Rejected],
    out: Path,
    *,
    title: str | None = None,
    limit: int = 10_000,
) -> ViewSummary:
    """Write the page, atomically. It holds the reports' text; nothing of it leaves the file.

    The page needs no network and no server, and forbids itself both. Report text is data in it and
    never markup.

    Args:
        findings: A ``findings.jsonl``.
        reports: The texts, in any order; those without findings in the file are passed over.
        out: The page, ``.html``.
        title: Its heading; None for the name of the findings.
        limit: The most reports to show: the first ones of the file.

    Returns:
        What it shows.

    Raises:
        ViewError: For another ending, a limit below 1, no report in the findings, or when the page
            cannot be written.
        StoreError: When the findings are not in the format.
    """
    if out.suffix.lower() not in {".html", ".htm"}:
        raise ViewError(f"{str(out)!r} ends in {out.suffix!r}; the page ends in .html")
    if limit < 1:
        raise ViewError(f"the limit is {limit!r}; it must be 1 or more")
    stream = read_findings(findings)
    records = list(islice(stream, limit))
    if not records:
        raise ViewError(f"{str(findings)!r} holds no report; there is nothing to show")
    left_out = sum(1 for _ in stream)
    wanted = {record.report_id for record in records}
    texts = {
        report.report_id: report.sections
        for report in reports
        if isinstance(report, Report) and report.report_id in wanted
    }
    page = to_html(records, texts, title or findings.name, left_out)
    try:
        with atomic_text(out) as file:
            file.write(page)
    except OSError as error:
        raise ViewError(f"cannot write {str(out)!r}: {error.strerror}") from error
    return ViewSummary(
        out=out,
        reports=len(records),
        left_out=left_out,
        without_text=sum(record.report_id not in texts for record in records),
        findings=sum(len(record.findings) for record in records),
        size=len(page.encode()),
    )


def to_html(
    records: Sequence[ReportFindings],
    texts: Mapping[str, Mapping[str, str]],
    title: str,
    left_out: int = 0,
) -> str:
    """The page as text.

    Args:
        records: What was found.
        texts: Report id -> section -> text.
        title: The heading.
        left_out: Reports that are not among the records, to be told to the reader.

    Returns:
        HTML whose policy allows the page's own script and nothing from elsewhere.
    """
    template = _template()
    script = _SCRIPT.search(template)
    if script is None:
        raise ViewError("the page's template has no script; reinstall gpt-ie")
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    counts = Counter(finding.category for record in records for finding in record.findings)
    data = {
        "categories": [name for name, _ in sorted(counts.items(), key=lambda one: -one[1])],
        "reports": list(_compact(records, texts)),
        "leftOut": left_out,
        "engines": list(dict.fromkeys(record.engine for record in records)),
    }
    filled = {
        "$policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        "$title": escape(title),
        "$data": _json_in_html(data),
    }
    # In one pass, so that a report that holds "$title" stays as it is.
    return re.sub("|".join(map(re.escape, filled)), lambda match: filled[match[0]], template)


@cache
def _template() -> str:
    return (resources.files("gpt_ie") / "view.html").read_text("utf-8")


def _json_in_html(data: object) -> str:
    """JSON that cannot end its script element: every "<", ">" and "&" is written as an escape."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair, which UTF-8 cannot carry, becomes "?".
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _compact(
    records: Iterable[ReportFindings], texts: Mapping[str, Mapping[str, str]]
) -> Iterator[dict[str, Any]]:
    """Each report as ``{id, s: [[section, text]], f: [finding]}``; keys are short for the size."""
    for record in records:
        sections = texts.get(record.report_id, {})
        findings = [_finding(finding, sections) for finding in record.findings]
        kept = [[name, text] for name, text in sections.items() if text.strip()]
        yield {"id": record.report_id, "s": kept, "f": findings}


def _finding(finding: ExtractedFinding, sections: Mapping[str, str]) -> dict[str, Any]:
    """One finding: category, presence, slots, why unsupported, and where its evidence stands.

    Evidence whose words are not at their place in the text given (another file, an edited report)
    is given by its words, as is that of a report without text.
    """
    compact: dict[str, Any] = {"c": finding.category, "p": finding.presence}
    slots = [getattr(finding, slot) for slot in _SLOTS]
    if any(slots):
        compact["d"] = slots
    if finding.unsupported or finding.evidence is None:
        compact["u"] = finding.unsupported or "no_evidence"
    evidence = finding.evidence
    if evidence is None:
        return compact
    text = sections.get(evidence.section, "")
    if evidence.text and text[evidence.start : evidence.end] == evidence.text:
        start = _utf16(text, evidence.start)
        compact["e"] = [evidence.section, start, start + _utf16(evidence.text, None)]
    else:
        compact["q"] = evidence.text
    return compact


def _utf16(text: str, end: int | None) -> int:
    """How many units of JavaScript's strings the first `end` characters take."""
    part = text[:end]
    return len(part) + (0 if part.isascii() else len(_ASTRAL.findall(part)))
