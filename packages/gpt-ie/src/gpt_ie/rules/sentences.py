"""Sentences of a report, as spans. Pure."""

import re
from collections.abc import Iterator

# A full stop ends a sentence before white space or at the end, or where a capital follows a word
# without a space ("effusion.No"); so "1.5 cm" stays whole. Blank lines and list items end one too.
_BOUNDARY = re.compile(
    r"(?<=[.!])(?=\s|$)|(?<=[^\s?]\?)(?=\s|$)|(?<=[a-z)]\.)(?=[A-Z])"
    r"|\n(?=[ \t\r]*\n)|\n(?=\s*(?:[-*\u2022]|\d+[.)])\s)"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:dr|mr|mrs|ms|vs|st|cf|approx|e\.g|i\.e)|^\s*\d+)\.$", re.IGNORECASE
)


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Split a text into sentences.

    Args:
        text: A report's column, or any text.
        start: First character to read.
        end: One past the last character to read; None for the end of the text.

    Yields:
        Start and end of each sentence that has a letter or digit, counted in `text`.
    """
    last = len(text) if end is None else end
    begin = start
    for boundary in _BOUNDARY.finditer(text, start, last):
        cut = boundary.start()
        if cut > begin and not _ABBREVIATION.search(text[begin:cut]):
            if _has_word(text[begin:cut]):
                yield begin, cut
            begin = cut
    if _has_word(text[begin:last]):
        yield begin, last


def _has_word(text: str) -> bool:
    return any(character.isalnum() for character in text)
