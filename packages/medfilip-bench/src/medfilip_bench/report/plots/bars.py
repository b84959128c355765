"""Horizontal bars with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from medfilip_bench.report.plots.ink import INK, LINE, colour, drawing, svg

_WIDTH = 4.6
_LONGEST = 34


@dataclass(frozen=True)
class Bar:
    """One bar: its name, value, interval, and the colour group it belongs to."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    group: int = 0


def bars(
    items: Sequence[Bar],
    label: str,
    *,
    chance: float | None = None,
    groups: Sequence[str] = (),
) -> str:
    """Draw horizontal bars with intervals, in the given order from the top.

    Neighbours with the same name stand close together and are named once.

    Args:
        items: The bars.
        label: What the axis measures.
        chance: Where a model without skill would stand.
        groups: Names of the colour groups, for the legend.
    """
    places = _places(items)
    last = places[-1] if places else 0.0
    low, high = _limits(items)
    step = 0.31 if any("\n" in _cut(bar.name) for bar in items) else 0.25
    with drawing(_WIDTH, 0.95 + step * (last + 1) + 0.2 * bool(groups)) as (figure, axes):
        for place, bar in zip(places, items, strict=True):
            axes.barh(place, bar.value, height=0.7, color=colour(bar.group), alpha=0.85)
            _whisker(axes, place, bar)
            end = max(bar.value, bar.high or 0, 0)
            axes.text(
                end + 0.014 * (high - low), place, _figure(bar.value),
                va="center", fontsize=8, in_layout=False,
            )  # fmt: skip
        if chance is not None:
            axes.axvline(chance, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_yticks(*_names(items, places))
        axes.set(xlim=(low, high), xlabel=label, ylim=(last + 0.6, -0.6))
        if (low, high) == (0, 1.12):
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
        for number, name in enumerate(groups):
            axes.barh([0], [0], color=colour(number), alpha=0.85, label=name)
        if groups:
            figure.legend(loc="outside upper center", ncols=min(len(groups), 4), fontsize=8)
        return svg(figure, f"bars of {label}")


def forest(items: Sequence[Bar], label: str) -> str:
    """Draw differences as points with intervals on both sides of a line at 0.

    Args:
        items: The differences, in the given order from the top.
        label: What the axis measures.
    """
    with drawing(_WIDTH + 1.2, 0.85 + 0.24 * len(items)) as (figure, axes):
        axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        for place, bar in enumerate(items):
            if bar.low is not None and bar.high is not None:
                axes.plot([bar.low, bar.high], [place] * 2, color=colour(bar.group), linewidth=1.4)
            axes.plot([bar.value], [place], "o", color=colour(bar.group), markersize=5, mew=0)
        axes.set_yticks(range(len(items)), [_cut(bar.name) for bar in items])
        axes.set(xlabel=label, ylim=(len(items) - 0.4, -0.6))
        axes.margins(x=0.06)
        axes.grid(axis="x", color=LINE, linewidth=0.4)
        return svg(figure, f"differences: {label}")


def _places(items: Sequence[Bar]) -> list[float]:
    """Return where bars stand: neighbours of one name close, others a bar's width apart."""
    out: list[float] = []
    for number, bar in enumerate(items):
        same = number and items[number - 1].name == bar.name
        out.append(out[-1] + (0.76 if same else 1.0) if out else 0.0)
    return out


def _names(items: Sequence[Bar], places: Sequence[float]) -> tuple[list[float], list[str]]:
    """Return each name once, in the middle of its bars."""
    runs: list[tuple[str, list[float]]] = []
    for bar, place in zip(items, places, strict=True):
        if runs and runs[-1][0] == bar.name:
            runs[-1][1].append(place)
        else:
            runs.append((bar.name, [place]))
    return [(p[0] + p[-1]) / 2 for _, p in runs], [_cut(name) for name, _ in runs]


def _cut(name: str) -> str:
    """Break a long name over two lines, or cut it."""
    if len(name) <= _LONGEST:
        return name
    space = name.rfind(" ", 0, _LONGEST)
    if space > 0 and len(name) - space - 1 <= _LONGEST:
        return f"{name[:space]}\n{name[space + 1 :]}"
    return f"{name[: _LONGEST - 1]}…"


def _figure(value: float) -> str:
    """Write a value with two digits; what rounds to zero has no sign."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _limits(items: Sequence[Bar]) -> tuple[float, float]:
    """Return the axis: 0 to 1 where that holds all bars, with room for the figures."""
    ends = [v for bar in items for v in (bar.value, bar.low, bar.high) if v is not None]
    least, most = min(ends, default=0.0), max(ends, default=1.0)
    if least >= 0 and 0.15 < most <= 1:
        return 0.0, 1.12
    least, most = min(least, 0.0), max(most, 0.0)
    room = (most - least) or 1.0
    return least - 0.04 * room * (least < 0), most + 0.16 * room


def _whisker(axes: Axes, place: float, bar: Bar) -> None:
    """Draw the interval over a bar, if there is one."""
    if bar.low is not None and bar.high is not None:
        axes.plot([bar.low, bar.high], [place, place], color=INK, linewidth=1.2)
