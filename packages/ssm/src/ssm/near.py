"""Near names for a text that is not there: quick among a hundred thousand. Pure."""

import difflib
import heapq
from collections.abc import Sequence

_LONGEST = 400  # Characters that are compared.
_PIECES = 16
_CANDIDATES = 50


def near_texts(text: str, texts: Sequence[str], count: int = 2) -> list[str]:
    """The texts most like one, best first; none where nothing is like it.

    Comparing with all by difflib takes tens of microseconds a text. So only those are compared that
    contain the most of a few pieces of the text, which takes about one microsecond a text.
    """
    text = text[:_LONGEST]
    size = min(3, len(text))
    step = max(1, (len(text) - size) // _PIECES)
    pieces = {text[at : at + size] for at in range(0, len(text) - size + 1, step)}
    likely = heapq.nlargest(
        _CANDIDATES, texts, key=lambda other: sum(piece in other for piece in pieces)
    )
    cut = {other[:_LONGEST]: other for other in reversed(likely)}
    return [cut[name] for name in difflib.get_close_matches(text, list(cut), n=count)]
