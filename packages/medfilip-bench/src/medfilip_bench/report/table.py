"""Tables of words: the one shape that HTML, Markdown, LaTeX and the terminal all print."""

from dataclasses import dataclass
from typing import Literal

from medfilip_bench.results import Estimate

LineKind = Literal["overall", "row", "model", "reference", "baseline", "published", "divider"]


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: Its main text.
        small: Smaller lines: an interval, a spread over seeds, or why there is no figure.
        why: Whether the smaller line is a reason.
        best: Whether it is the best figure measured in its column.
    """

    text: str
    small: str = ""
    why: bool = False
    best: bool = False


@dataclass(frozen=True)
class Line:
    """One line of a table.

    Attributes:
        name: First column.
        cells: The rest; empty for a divider, whose name runs over all columns.
        kind: What it stands for; sets the type.
        small: A smaller line under the name.
    """

    name: str
    cells: tuple[Cell, ...]
    kind: LineKind = "row"
    small: str = ""


@dataclass(frozen=True)
class Table:
    """A table of words.

    Attributes:
        id: Name of its file in ``latex/`` and of its place in the page.
        caption: What it shows.
        columns: Column headings, the first column's included.
        lines: The body.
        groups: Heading over several columns -> how many; empty when there is none.
        tag: ``PHANTOM`` or ``REAL IMAGES``; empty where it holds both or neither.
        note: What a reader must know, under the table.
        theirs: Column of other people's figures; None for none.
        published: Whether all its figures are other people's.
    """

    id: str
    caption: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    groups: tuple[tuple[str, int], ...] = ()
    tag: str = ""
    note: str = ""
    theirs: int | None = None
    published: bool = False


NONE = Cell("·")


def tag_of(phantom: bool) -> str:
    """Return the word that says what kind of images figures were measured on."""
    return "PHANTOM" if phantom else "REAL IMAGES"


def words(text: str, small: str) -> str:
    """Join a text with its smaller line for where there is one type size."""
    if not small or not text:
        return text or small
    return f"{text} ({small.replace(chr(10), '; ')})"


def number(value: float) -> str:
    """Write a figure with three decimals and a true minus sign."""
    # Adding zero turns a rounded −0 into 0.
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def span(low: float, high: float) -> str:
    """Write an interval; a negative end keeps its sign apart from the dash."""
    dash = " – " if round(low, 3) < 0 or round(high, 3) < 0 else "–"
    return f"{number(low)}{dash}{number(high)}"


def cell(estimate: Estimate | None, spread: float | None = None) -> Cell:
    """Write an estimate with its interval, or say why it is null.

    Args:
        estimate: The figure; None where there is none.
        spread: Its standard deviation over seeds, if there are several.
    """
    if estimate is None:
        return NONE
    if estimate.value is None:
        return Cell("—", estimate.reason or "", why=True)
    seeds = "" if spread is None else f"s.d. {number(spread)}"
    if estimate.low is None or estimate.high is None:
        small = "\n".join(part for part in (estimate.reason, seeds) if part)
        return Cell(number(estimate.value), small, why=bool(estimate.reason))
    parts = (span(estimate.low, estimate.high), seeds)
    return Cell(number(estimate.value), "\n".join(part for part in parts if part))
