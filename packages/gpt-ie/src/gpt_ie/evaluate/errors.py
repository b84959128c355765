"""Where a prediction and the gold part, with the sentences: to mend an extraction by."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Literal

from iki_knowledge import KnowledgeBase, load_knowledge

from gpt_ie.atomic import atomic_text
from gpt_ie.evaluate.matching import POSITIVE, Matcher, Triplet
from gpt_ie.evaluate.slots import pair_within_categories, slot_kinds
from gpt_ie.gold import Gold
from gpt_ie.rules.sentences import sentences
from gpt_ie.schema import ExtractedFinding, Report, ReportFindings

Kind = Literal["missed", "false", "severity", "side", "region"]
# Of the kinds of `SlotCounts`, those that are errors.
_WRONG = frozenset({"near", "wrong", "silent", "extra"})


@dataclass(frozen=True, slots=True)
class ScoredError:
    """One difference between a prediction and the gold.

    Attributes:
        report_id: The report.
        kind: "missed" (a category of the gold that was not said), "false" (said and not in the
            gold), or the slot that differs on a pair of equal category.
        how: For "missed": what was said of it instead ("absent", "named" where one of its names
            stands in the text, "unnamed"); for "false": the presence said; for a slot: "near",
            "wrong", "silent" or "extra" as in `SlotCounts`.
        category: The category.
        gold: What the gold states, by words; empty for "false".
        said: What was said, by words; empty for "missed".
        sentence: The sentence of the report; empty where none is known.
    """

    report_id: str
    kind: Kind
    how: str
    category: str
    gold: str
    said: str
    sentence: str


def list_errors(
    records: Iterable[ReportFindings],
    gold: Gold,
    reports: Iterable[Report],
    *,
    kb: KnowledgeBase | None = None,
) -> Iterator[ScoredError]:
    """Every difference, report by report.

    Predictions are kept in memory; the reports are streamed.

    Args:
        records: The predictions, one a report.
        gold: What is true.
        reports: The texts; those that the gold does not have are passed over.
        kb: The dictionary; None for the packaged one.

    Yields:
        The errors in the order of the reports. They hold report text.
    """
    kb = load_knowledge() if kb is None else kb
    matcher, names = Matcher(kb), _names(kb)
    said = {record.report_id: record for record in records if record.report_id in gold.findings}
    for report in reports:
        if report.report_id not in gold.findings:
            continue
        record = said.get(report.report_id)
        found = () if record is None else record.findings
        yield from _of_report(report, gold, found, matcher, names)


def _of_report(
    report: Report,
    gold: Gold,
    found: Iterable[ExtractedFinding],
    matcher: Matcher,
    names: Callable[[str], re.Pattern[str] | None],
) -> Iterator[ScoredError]:
    scope = gold.scope
    kept = [
        finding
        for finding in found
        if scope is None or ({finding.category} | matcher.above(finding.category)) & scope
    ]
    true = matcher.positives(gold.findings[report.report_id])
    given = matcher.positives(kept, gold.severities)
    said = {one.category for one in given}
    for category in sorted({one.category for one in true} - said):
        stated = "; ".join(_words(one) for one in true if one.category == category)
        how, sentence = _missed(report, category, kept, names)
        yield ScoredError(report.report_id, "missed", how, category, stated, "", sentence)
    for category in sorted(said - {one.category for one in true}):
        words = "; ".join(_words(one) for one in given if one.category == category)
        first = next(f for f in kept if f.category == category and f.presence in POSITIVE)
        sentence = _sentence_of(report, first)
        yield ScoredError(report.report_id, "false", first.presence, category, "", words, sentence)
    for pair in pair_within_categories(true, given):
        yield from _slot_errors(report, pair, kept, gold.severities, matcher)


def _slot_errors(
    report: Report,
    pair: tuple[Triplet, Triplet],
    kept: list[ExtractedFinding],
    severities: Mapping[str, str],
    matcher: Matcher,
) -> Iterator[ScoredError]:
    gold, said = pair
    origin = next(f for f in kept if matcher.positives([f], severities) == [said])
    kinds: dict[Kind, str] = {
        "severity": slot_kinds(gold, said, matcher)["severity"],
        "side": slot_kinds(gold, said, matcher)["side"],
        "region": slot_kinds(gold, said, matcher)["region"],
    }
    for slot, how in kinds.items():
        if how in _WRONG:
            yield ScoredError(
                report.report_id,
                slot,
                how,
                gold.category,
                _words(gold),
                _words(said),
                _sentence_of(report, origin),
            )


def _words(triplet: Triplet) -> str:
    """A triplet on one line, what is not stated left out."""
    parts = (triplet.severity, triplet.side, triplet.region, triplet.category)
    return " ".join(part for part in parts if part)


def _missed(
    report: Report,
    category: str,
    found: Iterable[ExtractedFinding],
    names: Callable[[str], re.Pattern[str] | None],
) -> tuple[str, str]:
    """How a category was missed, and the sentence that denies or names it."""
    for finding in found:
        if finding.category == category:
            return finding.presence, _sentence_of(report, finding)
    pattern = names(category)
    if pattern is not None:
        for text in report.sections.values():
            for start, end in sentences(text):
                if pattern.search(text, start, end):
                    return "named", text[start:end].strip()
    return "unnamed", ""


def _sentence_of(report: Report, finding: ExtractedFinding) -> str:
    evidence = finding.evidence
    text = "" if evidence is None else report.sections.get(evidence.section, "")
    if evidence is None or not text:
        return ""
    touched = [
        text[start:end].strip()
        for start, end in sentences(text)
        if start < evidence.end and evidence.start < end
    ]
    return " ".join(touched)


def _names(kb: KnowledgeBase) -> Callable[[str], re.Pattern[str] | None]:
    """A pattern of a category's own names, made when it is first asked for."""

    @cache
    def pattern(category: str) -> re.Pattern[str] | None:
        if category not in kb:
            return None
        entry = kb[category]
        words = sorted({entry.name, *entry.aliases}, key=len, reverse=True)
        body = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in words)
        return re.compile(rf"\b(?:{body})s?\b", re.IGNORECASE)

    return pattern


def write_errors(errors: Iterable[ScoredError], path: Path) -> int:
    """Write the errors as a CSV, atomically. It holds report text.

    Args:
        errors: From `list_errors`.
        path: The CSV.

    Returns:
        Number of errors.

    Raises:
        OSError: When the file cannot be written.
    """
    names = [field.name for field in fields(ScoredError)]
    count = 0
    with atomic_text(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        for error in errors:
            writer.writerow([getattr(error, name) for name in names])
            count += 1
    return count
