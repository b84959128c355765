"""A report with the words marked that its findings rest on. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from gpt_ie import ExtractedFinding


@dataclass(frozen=True)
class Mark:
    """A stretch of text.

    Attributes:
        start: First character.
        end: One past the last character.
        kind: Class of its look, e.g. ``"present"``.
        number: What it belongs to, as shown beside it; counted from 1.
    """

    start: int
    end: int
    kind: str
    number: int


def marks(findings: Sequence[ExtractedFinding], kinds: Sequence[str]) -> list[Mark]:
    """A mark for the evidence of each finding.

    Args:
        findings: Of a report of one text.
        kinds: The look of each.
    """
    return [
        Mark(finding.evidence.start, finding.evidence.end, kind, number)
        for number, (finding, kind) in enumerate(zip(findings, kinds, strict=True), 1)
        if finding.evidence is not None
    ]


def highlighted(text: str, found: Sequence[Mark]) -> str:
    """The text as HTML with its marks; marks may overlap.

    Where several overlap, the look is that of the shortest, whose words are the most particular;
    the numbers stand where each mark ends.

    Args:
        text: As read.
        found: Its marks, inside the text.
    """
    cuts = sorted({0, len(text), *(at for mark in found for at in (mark.start, mark.end))})
    parts: list[str] = []
    for start, end in pairwise(cuts):
        piece = escape(text[start:end])
        over = [mark for mark in found if mark.start <= start and end <= mark.end]
        if not over:
            parts.append(piece)
            continue
        look = min(over, key=lambda mark: (mark.end - mark.start, mark.number)).kind
        ending = "".join(f"<sup>{mark.number}</sup>" for mark in over if mark.end == end)
        parts.append(f'<mark class="mf-{escape(look)}">{piece}{ending}</mark>')
    return f'<div class="mf-report">{"".join(parts)}</div>'
