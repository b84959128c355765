"""A report with a mistake put in, to see whether it is found. Pure."""

import re

_OTHER = {"left": "right", "right": "left"}
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_ADDED = " There is a large left pneumothorax."


def mistaken(report: str) -> tuple[str, str]:
    """Swap the sides of a report; where it names none, add a finding that nobody saw.

    Args:
        report: A report.

    Returns:
        The report with the mistake, and what the mistake is.
    """
    if _SIDES.search(report):
        return _SIDES.sub(_swapped, report), "left and right are swapped in this report"
    return report + _ADDED, "this report has a finding that nobody saw: a pneumothorax"


def _swapped(match: re.Match[str]) -> str:
    word = match[0]
    other = _OTHER[word.lower()]
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other
