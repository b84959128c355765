"""The confusion of categories as a picture: plain SVG, as text. Pure."""

from collections import Counter
from collections.abc import Mapping
from html import escape

from gpt_ie.evaluate.evaluation import NOTHING

_CELL = 26
_LABEL = 178
_REST = "other"
_FONT = "font-family='system-ui, sans-serif' font-size='12'"


def confusion_svg(confusion: Mapping[tuple[str, str], int], top: int = 20) -> str:
    """Gold categories down, said categories across, the number of reports in each cell.

    The shade of a cell is its share of its row. The categories that are most often in the gold or
    said are shown; the others are summed up as "other".

    Args:
        confusion: As `Evaluation.confusion`.
        top: How many categories to show.

    Returns:
        An SVG document.
    """
    totals: Counter[str] = Counter()
    for (gold, said), count in confusion.items():
        for name in {gold, said} - {NOTHING}:
            totals[name] += count
    shown = [name for name, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))][:top]
    names = [*shown, *([_REST] if len(totals) > top else []), NOTHING]
    cells: Counter[tuple[str, str]] = Counter()
    for (gold, said), count in confusion.items():
        cells[_shown(gold, names), _shown(said, names)] += count
    return _draw(names, cells)


def _shown(name: str, names: list[str]) -> str:
    return name if name in names else _REST


def _draw(names: list[str], cells: Counter[tuple[str, str]]) -> str:
    width = _LABEL + _CELL * len(names) + 24
    height = _LABEL + _CELL * len(names) + 16
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}' role='img' {_FONT}>",
        "<title>Categories of the gold (down) and said (across), in reports</title>",
        f"<rect width='{width}' height='{height}' fill='#fff'/>",
        f"<text x='{_LABEL - 8}' y='{_LABEL - 8}' text-anchor='end' fill='#5b6675'>"
        "gold ↓  said →</text>",
    ]
    for place, name in enumerate(names):
        middle = _LABEL + _CELL * place + _CELL // 2
        parts += [
            f"<text x='{_LABEL - 8}' y='{middle + 4}' text-anchor='end'>"
            f"{_name(name, 'not coded')}</text>",
            f"<text transform='translate({middle + 4} {_LABEL - 8}) rotate(-90)'>"
            f"{_name(name, 'not said')}</text>",
        ]
    for row, gold in enumerate(names):
        total = sum(cells[gold, said] for said in names)
        for column, said in enumerate(names):
            parts.append(_cell(row, column, cells[gold, said], total, gold == said))
    return "\n".join([*parts, "</svg>", ""])


def _name(name: str, nothing: str) -> str:
    return escape(name.replace("_", " ")) or f"({nothing})"


def _cell(row: int, column: int, count: int, total: int, same: bool) -> str:
    x, y = _LABEL + _CELL * column, _LABEL + _CELL * row
    share = count / total if total else 0.0
    colour = "#0a6b3d" if same else "#a2341f"
    box = (
        f"<rect x='{x}' y='{y}' width='{_CELL}' height='{_CELL}' stroke='#d9dee6' "
        f"fill='{colour}' fill-opacity='{share:.3f}'/>"
    )
    if not count:
        return box
    ink = "#fff" if share > 0.55 else "#1c2430"
    size = 11 if count < 1000 else 9
    return (
        f"{box}<text x='{x + _CELL // 2}' y='{y + _CELL // 2 + 4}' text-anchor='middle' "
        f"font-size='{size}' fill='{ink}'>{count}</text>"
    )
