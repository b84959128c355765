"""FINDINGS and IMPRESSION inside one text. Pure; offsets are into the text given."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

SECTIONS = ("findings", "impression", "addendum")
_FINDINGS = ("findings",)
_IMPRESSION = ("impression",)
_ADDENDUM = ("addendum",)

# Headings whose text is read, and the sections it belongs to.
_READ = {
    "findings": _FINDINGS,
    "finding": _FINDINGS,
    "impression": _IMPRESSION,
    "impressions": _IMPRESSION,
    "conclusion": _IMPRESSION,
    "conclusions": _IMPRESSION,
    "opinion": _IMPRESSION,
    "summary": _IMPRESSION,
    "findings and impression": _FINDINGS + _IMPRESSION,
    "findings & impression": _FINDINGS + _IMPRESSION,
    "findings/impression": _FINDINGS + _IMPRESSION,
    "radiographic findings": _FINDINGS,
    "impression and recommendation": _IMPRESSION,
    "impression and recommendations": _IMPRESSION,
    "interpretation": _IMPRESSION,
    "addendum": _ADDENDUM,
    "final addendum": _ADDENDUM,
    # Ends whatever stood before it, a preliminary reading above all, and belongs to no section.
    "final report": (),
}
_SKIPPED = (
    "indication", "indications", "clinical indication", "clinical indications",
    "clinical information", "clinical history", "clinical data", "clinical findings",
    "clinical question", "clinical statement", "patient history", "medical history", "history",
    "reason for exam", "reason for the exam", "reason for this exam", "reason for examination",
    "reason for the examination", "reason for this examination", "reason for study",
    "comparison", "comparisons", "comparison study", "comparison studies", "technique",
    "procedure", "examination", "exam", "study", "views", "type of exam", "wet read",
    "recommendation", "recommendations", "notification", "attestation",
)  # fmt: skip


def _any_of(names: Collection[str]) -> str:
    ordered = sorted(names, key=len, reverse=True)
    return "(?:" + "|".join(re.escape(name).replace(r"\ ", "[ \t]+") for name in ordered) + ")"


_NAMES = (
    # Two of them may share a heading: "INDICATION/HISTORY:".
    rf"{_any_of(_SKIPPED)}(?:[ \t]*(?:/|&|\band\b)[ \t]*{_any_of(_SKIPPED)})?|{_any_of(_READ)}"
)
_BREAK = "\n\r\f\v\x85\u2028\u2029"
# A heading stands at the start of a line, or after a sentence in exports on one line; in capitals
# also after a word. `_is_heading` decides on what this finds.
_CANDIDATE = re.compile(
    rf"(?:(?P<line>^|(?<=[{_BREAK}]))|(?<=[.?!])|(?<=\s)(?=[A-Z]{{2}}))[ \t*#]*"
    rf"(?:(?P<name>(?i:{_NAMES}))"
    rf"(?P<mark>[ \t*]*:\**|[ \t*]*(?=[{_BREAK}]|\Z)|[ \t]*[-–—](?=\s)"
    r"|[ \t]+(?=[A-Z](?:[a-z]|[ \t]+[a-z])|[0-9]))"
    # "PORTABLE AP CHEST RADIOGRAPH:" and "LUNGS:" begin the reading where no FINDINGS is written.
    r"|(?P<body>(?=[A-Z ,()/&-]{0,40}(?:CHEST|RADIOGRAPH|LUNG|HEART|PLEURA|MEDIASTIN))"
    r"[A-Z][A-Z ,()/&-]{2,80}:))",
    re.MULTILINE,
)
_EARLIER = ("PRIOR ", "PREVIOUS ", "OLD ", "CLINICAL ")
# Also the rule of underscores between the parts of a MIMIC-CXR report.
_END_OF_SKIPPED = re.compile(r"\n[ \t\r]*\n|\n[ \t]*_{10,}[ \t\r]*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a text; the parts of a text cover it without gaps.

    Attributes:
        sections: The sections it belongs to; empty for text under no heading; None for what is
            not read, such as the indication.
        start: First character of its heading.
        body: First character after the heading.
        end: One past the last character.
    """

    sections: tuple[str, ...] | None
    start: int
    body: int
    end: int


def section_of(name: str) -> str | None:
    """The section that a name stands for.

    Args:
        name: A heading or a column's name, such as ``"Conclusion"``.

    Returns:
        One of `SECTIONS`; None for a name of another kind or of two sections.
    """
    sections = _READ.get(" ".join(name.lower().replace("_", " ").split()), ())
    return sections[0] if len(sections) == 1 else None


def split_parts(text: str) -> Iterator[Part]:
    """The parts of a text by its headings.

    What is not read (indication, comparison, technique and the like) reaches to the next heading
    or blank line; where the heading stands alone before a blank line, to the one after. A part that
    is read reaches to the next heading.

    Args:
        text: A column or a report as read.

    Yields:
        The parts, in order.
    """
    sections: tuple[str, ...] | None = ()
    start = body = 0
    for match in _CANDIDATE.finditer(text):
        if not _is_heading(match, text) or (match["body"] and sections is not None):
            continue
        # A blank line may end what is not read before the next heading does.
        yield from _closed(text, sections, start, body, match.start())
        start = match.start()
        if match["body"]:
            sections, body = (), start
        else:
            sections = _READ.get(" ".join(match["name"].lower().split()))
            body = start if sections == () else match.end()
    yield from _closed(text, sections, start, body, len(text))


def _is_heading(match: re.Match[str], text: str) -> bool:
    if match["body"]:
        return match["line"] is not None
    name, mark = match["name"], match["mark"]
    if match["line"] is None:
        if ":" not in mark:
            return False
        if text[match.start() - 1] in ".?!":
            return True
        before = text[max(0, match.start("name") - 9) : match.start("name")]
        return name.isupper() and name.lower() in _READ and not before.endswith(_EARLIER)
    if any(sign in mark for sign in ":-–—"):
        return True
    if match.end() < len(text) and text[match.end()] not in _BREAK:
        return name.isupper()
    # Alone in its line without a capital, a word may as well end a sentence that was wrapped.
    before = text[max(0, match.start() - 4) : match.start()]
    ended = before.rstrip("\r\n")
    return name[0].isupper() or before[len(ended) :].count("\n") > 1 or ended[-1:] in ".?!:"


def _closed(
    text: str, sections: tuple[str, ...] | None, start: int, body: int, end: int
) -> Iterator[Part]:
    """The part that ends here, in two where text under no heading follows what is not read."""
    if start == end:
        return
    if sections is None:
        blank = _END_OF_SKIPPED.search(text, body, end)
        if blank and not text[body : blank.start()].strip():
            blank = _END_OF_SKIPPED.search(text, blank.end(), end)
        if blank and blank.end() < end:
            yield Part(None, start, body, blank.end())
            yield Part((), blank.end(), blank.end(), end)
            return
    yield Part(sections, start, body, end)


def read_spans(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a report that state findings.

    The indication, the comparison, the technique and the like are left out, for they name what is
    looked for or what was seen before; each reaches to the next heading or blank line. Everything
    else is read, with a heading or without.

    Args:
        text: A column as read.

    Yields:
        Start and end of each part, in order, counted in `text`.
    """
    for part in split_parts(text):
        if part.sections is not None and part.body < part.end:
            yield part.body, part.end


def keep_sections(text: str, wanted: Collection[str]) -> str | None:
    """A text with all but some sections blanked, so that offsets stay those of the text as read.

    An addendum is always kept, for it corrects the others. Text under no heading counts as
    findings where nothing is headed so, and is kept whatever is wanted where the text has
    neither findings nor an impression by heading.

    Args:
        text: A report as read.
        wanted: Of `SECTIONS`.

    Returns:
        A text of the same length, in which each run left out is a blank line and spaces; None when
        nothing stands under the sections wanted.
    """
    parts = list(split_parts(text))
    found = {name for part in parts for name in part.sections or ()} - {"addendum"}
    unheaded = not found or ("findings" in wanted and "findings" not in found)
    kept: list[str] = []
    last = 0
    some = False
    for part in parts:
        if _is_kept(part, wanted, unheaded=unheaded):
            kept += (_blank(part.start - last), text[part.start : part.end])
            last = part.end
            some = some or bool(text[part.body : part.end].strip())
    return "".join((*kept, _blank(len(text) - last))) if some else None


def _is_kept(part: Part, wanted: Collection[str], *, unheaded: bool) -> bool:
    if part.sections is None:
        return False
    if not part.sections:
        return unheaded
    return "addendum" in part.sections or any(name in wanted for name in part.sections)


def _blank(length: int) -> str:
    return "\n\n"[:length] + " " * (length - 2)
