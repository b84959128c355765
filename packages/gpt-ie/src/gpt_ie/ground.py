"""Evidence: the words of the report that each finding of a model rests on. Pure.

A model gives a quotation. It is looked for in the parts of the report that were read: word for
word, then without regard to white space and case, then to punctuation and plurals. What is kept is
the report's own text with its offsets, never the quotation.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from iki_knowledge import Finding, normalise

from gpt_ie.answer import Draft
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.rules.merge import merge
from gpt_ie.rules.reading import Reading
from gpt_ie.schema import EngineError, Evidence, ExtractedFinding, Report, Unsupported
from gpt_ie.sections import read_spans

OnUnsupported = Literal["drop", "flag", "fail"]
_WORD = re.compile(r"[^\W_]+")
# A quotation that begins or ends inside a word counts only when it is longer than a chance match.
_INSIDE_WORD = 4


@dataclass(frozen=True, slots=True)
class _Span:
    section: str
    start: int
    end: int

    def overlaps(self, section: str, start: int, end: int) -> bool:
        return self.section == section and self.start < end and start < self.end


def ground(
    report: Report, drafts: Iterable[Draft], rules: RulesEngine
) -> tuple[ExtractedFinding, ...]:
    """Find each draft's quotation in the report, and ask the rules whether it is denied there.

    Of several places the one is taken where the rules read the same category and presence, then
    the one nearest to what they read of the category, then the first.

    Args:
        report: As the model was given it.
        drafts: From `gpt_ie.answer.normalise_answer`.
        rules: Its readings tell what is denied.

    Returns:
        In the order of the report; repeated ones that are grounded are merged. A finding is
        ``unsupported``

        - "no_evidence" when its quotation is nowhere in the report: then evidence is None, and
          surface holds the model's words;
        - "negated" when it is said to be present and the rules read it as denied there. A hedged
          one is not: where rules and model differ between denied and unsure, neither is made up.
    """
    readings = list(rules.readings(report))
    found = [_ground(report, draft, readings) for draft in drafts]
    supported = [finding for finding in found if finding.unsupported is None]
    flagged = dict.fromkeys(finding for finding in found if finding.unsupported is not None)
    order = {section: number for number, section in enumerate(report.sections)}

    def place(finding: ExtractedFinding) -> tuple[int, int, int]:
        at = finding.evidence
        return (len(order), 0, 0) if at is None else (order[at.section], at.start, at.end)

    return tuple(sorted((*merge(sorted(supported, key=place)), *flagged), key=place))


def apply_unsupported(
    findings: Sequence[ExtractedFinding], mode: OnUnsupported
) -> tuple[ExtractedFinding, ...]:
    """Drop, keep flagged, or refuse the findings that are not grounded.

    Args:
        findings: From `ground`.
        mode: "drop" leaves them out; "flag" keeps them with their reason; "fail" fails the report.

    Returns:
        The findings to write.

    Raises:
        EngineError: With "fail", when there is any; the message counts them and quotes nothing.
    """
    reasons = [finding.unsupported for finding in findings if finding.unsupported is not None]
    if mode == "fail" and reasons:
        counts = ", ".join(
            f"{reasons.count(reason)} {text}"
            for reason, text in (
                ("no_evidence", "whose quotation is not in the report"),
                ("negated", "that the report denies"),
            )
            if reason in reasons
        )
        raise EngineError(f"{len(reasons)} of {len(findings)} findings are unsupported: {counts}")
    if mode == "drop":
        return tuple(finding for finding in findings if finding.unsupported is None)
    return tuple(findings)


def locate(report: Report, quotation: str) -> tuple[Evidence, ...]:
    """Every place where a report holds a quotation, by the strictest reading that has one.

    Args:
        report: The report; only the parts that state findings are searched.
        quotation: As a model gave it.

    Returns:
        In the order of the report; ``text == section[start:end]`` for each. Empty when there is
        none, or when the quotation has no letter or digit.
    """
    if not _WORD.search(quotation):
        return ()
    exact = re.escape(quotation.strip())
    spaced = r"\s+".join(map(re.escape, quotation.split()))
    patterns = [
        re.compile(rf"(?<!\w){exact}(?!\w)"),
        re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE),
    ]
    if sum(map(str.isalnum, quotation)) >= _INSIDE_WORD:
        patterns.append(re.compile(exact))
    for pattern in patterns:
        places = [span for area in _areas(report) for span in _matches(report, area, pattern)]
        if places:
            return _evidence(report, places)
    keys = [key for key in map(normalise, _WORD.findall(quotation)) if key]
    return _evidence(
        report, (span for area in _areas(report) for span in _by_words(report, area, keys))
    )


def _areas(report: Report) -> Iterator[_Span]:
    for section, text in report.sections.items():
        for begin, end in read_spans(text):
            yield _Span(section, begin, end)


def _matches(report: Report, area: _Span, pattern: re.Pattern[str]) -> Iterator[_Span]:
    for match in pattern.finditer(report.sections[area.section], area.start, area.end):
        yield _Span(area.section, match.start(), match.end())


def _by_words(report: Report, area: _Span, keys: Sequence[str]) -> Iterator[_Span]:
    """Runs of words with the same keys, whatever stands between them."""
    text = report.sections[area.section]
    words = [
        (key, match)
        for match in _WORD.finditer(text, area.start, area.end)
        if (key := normalise(match[0]))
    ]
    for first in range(len(words) - len(keys) + 1 if keys else 0):
        run = words[first : first + len(keys)]
        if [key for key, _ in run] == keys:
            yield _Span(area.section, run[0][1].start(), run[-1][1].end())


def _evidence(report: Report, places: Iterable[_Span]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            section=span.section,
            start=span.start,
            end=span.end,
            text=report.sections[span.section][span.start : span.end],
        )
        for span in places
    )


def _ground(
    report: Report, draft: Draft, readings: Sequence[tuple[str, Reading]]
) -> ExtractedFinding:
    places = locate(report, draft.quotation)
    if not places:
        return _extracted(draft, draft.words, None, "no_evidence")
    evidence = min(places, key=lambda place: _preference(place, draft, readings))
    span = _Span(evidence.section, evidence.start, evidence.end)
    said = _said(span, draft, readings)
    denied = (
        draft.finding.presence == "present"
        and bool(said)
        and all(reading.verdict.presence == "absent" for reading in said)
    )
    surface = _surface(report, draft, span, said)
    return _extracted(draft, surface, evidence, "negated" if denied else None)


def _extracted(
    draft: Draft, surface: str, evidence: Evidence | None, unsupported: Unsupported | None
) -> ExtractedFinding:
    slots = draft.finding.model_dump(include=set(Finding.model_fields))
    return ExtractedFinding(**slots, surface=surface, evidence=evidence, unsupported=unsupported)


def _preference(
    place: Evidence, draft: Draft, readings: Sequence[tuple[str, Reading]]
) -> tuple[int, int]:
    """How well a place suits a draft; lower is better, and the first of equals is taken."""
    span = _Span(place.section, place.start, place.end)
    said = {reading.verdict.presence for reading in _said(span, draft, readings)}
    agrees = draft.finding.presence in said
    same = [
        max(reading.surface[0] - place.end, place.start - reading.surface[1], 0)
        for section, reading in readings
        if section == place.section
        and reading.finding.category == draft.finding.category
        and reading.verdict.presence == draft.finding.presence
    ]
    return (0 if agrees else 1 if not said else 2), min(same, default=0)


def _said(
    span: _Span, draft: Draft, readings: Sequence[tuple[str, Reading]]
) -> tuple[Reading, ...]:
    """What the rules read in a span: of the draft's category, or else of anything."""
    inside = [reading for section, reading in readings if span.overlaps(section, *reading.surface)]
    same = [reading for reading in inside if reading.finding.category == draft.finding.category]
    return tuple(same or inside)


def _surface(report: Report, draft: Draft, span: _Span, said: Sequence[Reading]) -> str:
    """The words that name the category: by the rules, or as the model worded it, or all of them."""
    text = report.sections[span.section]
    for reading in said:
        start, end = reading.surface
        if (
            reading.finding.category == draft.finding.category
            and span.start <= start <= end <= span.end
        ):
            return text[start:end]
    inside = Report("", {"text": text[span.start : span.end]})
    named = locate(inside, draft.words)
    return named[0].text if named else text[span.start : span.end]
