"""FINDINGS and IMPRESSION inside one text. Pure; offsets are into the text given."""

import re
from collections.abc import Iterator

# Headings stand at the start of a line, or after a full stop in exports on one line.
_READ = (
    "findings", "finding", "impression", "impressions", "findings and impression",
    "findings/impression", "conclusion", "conclusions", "opinion", "summary", "addendum",
)  # fmt: skip
_SKIPPED = (
    "indication", "indications", "clinical indication", "clinical information", "clinical history",
    "history", "reason for exam", "reason for examination", "reason for this examination",
    "comparison", "comparisons", "technique", "procedure", "examination", "exam", "study", "views",
    "type of exam", "final report", "wet read", "recommendation", "recommendations", "notification",
    "attestation",
)  # fmt: skip
_HEADING = re.compile(
    r"(?:^|(?<=[.\n]))[ \t]*(?P<name>"
    + "|".join(re.escape(name) for name in sorted((*_READ, *_SKIPPED), key=len, reverse=True))
    + r")[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")


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
    headings = list(_HEADING.finditer(text))
    begin = 0
    for index, match in enumerate(headings):
        if match.start() > begin:
            yield begin, match.start()
        begin = match.end()
        if match["name"].lower() in _SKIPPED:
            end = headings[index + 1].start() if index + 1 < len(headings) else len(text)
            blank = _BLANK_LINE.search(text, match.end(), end)
            begin = blank.end() if blank else end
    if begin < len(text):
        yield begin, len(text)
