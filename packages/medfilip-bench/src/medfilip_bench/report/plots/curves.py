"""Lines: ROC, precision and recall, reliability, figures over the share of labels, over steps."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes

from medfilip_bench.report.plots.ink import COLOURS, DASHES, INK, LINE, colour, drawing, legend, svg
from medfilip_bench.series import Bin, Curve, Points

_SIDE = 4.2
_DASHED = (0, (4, 3))
_MOST_POINTS = 60
# Letters of a step's name on one line: more run into the next step's.
_STEP = 12


def roc(curves: Mapping[str, Points]) -> str:
    """Draw ROC curves, one a class, named in the legend.

    Args:
        curves: Legend text -> (false positive rate, true positive rate) points.
    """
    with drawing(_SIDE, _SIDE) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=LINE, linewidth=1, linestyle=_DASHED)
        _lines(axes, curves)
        _unit(axes, "false positive rate", "true positive rate")
        legend(figure, list(curves))
        return svg(figure, "ROC curves")


def precision_recall(curves: Mapping[str, Points]) -> str:
    """Draw precision over recall, one line a class, named in the legend.

    Args:
        curves: Legend text -> (recall, precision) points.
    """
    with drawing(_SIDE, _SIDE) as (figure, axes):
        _lines(axes, curves)
        _unit(axes, "recall", "precision")
        legend(figure, list(curves))
        return svg(figure, "precision and recall")


def reliability(lines: Mapping[str, Sequence[Bin]]) -> str:
    """Draw what share of positives is seen where a probability is said.

    Args:
        lines: Legend text -> bins; a dot's size is the share of the line's images in the bin.
    """
    with drawing(_SIDE, _SIDE) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=LINE, linewidth=1, linestyle=_DASHED)
        for number, (name, bins) in enumerate(lines.items()):
            filled = [b for b in bins if b.n]
            total = max(sum(b.n for b in filled), 1)
            x, y = [b.said for b in filled], [b.seen for b in filled]
            axes.plot(x, y, color=colour(number), linewidth=1.4, label=name)
            for b in filled:
                size = 2.5 + 6 * np.sqrt(b.n / total)
                axes.plot([b.said], [b.seen], "o", color=colour(number), markersize=size, mew=0)
        _unit(axes, "probability said", "share of positives seen")
        legend(figure, list(lines) if len(lines) > 1 else ())
        return svg(figure, "reliability")


def share_curves(curves: Sequence[Curve], label: str, *, floor: float | None = None) -> str:
    """Draw a metric over the share of labels, on a logarithmic axis, with bands.

    Args:
        curves: The lines; `x` is a share of one.
        label: What the axis measures.
        floor: Where an answer that takes no skill stands.
    """
    with drawing(_SIDE + 0.4, 3.2) as (figure, axes):
        axes.set_xscale("log")
        for number, curve in enumerate(curves):
            _banded(axes, curve, number)
        if floor is not None:
            axes.axhline(floor, color=INK, linewidth=1, linestyle=_DASHED)
        shares = sorted({p.x for curve in curves for p in curve.points})
        axes.set_xticks(shares, [f"{share * 100:g} %" for share in shares])
        axes.set_xticks([], minor=True)
        if shares:
            axes.set_xlim(shares[0] / 1.3, shares[-1] * 1.3)
        axes.set(xlabel="share of the training labels", ylabel=label)
        axes.grid(axis="y", color=LINE, linewidth=0.5)
        legend(figure, [curve.name for curve in curves])
        return svg(figure, f"{label} over the share of labels")


def step_lines(steps: Sequence[str], curves: Sequence[Curve], label: str) -> str:
    """Draw a metric over named steps, one line a data set, with its interval as a whisker.

    Args:
        steps: Names of the steps; a point's `x` is its place among them.
        curves: The lines.
        label: What the axis measures.
    """
    with drawing(_SIDE + 0.4, 3.2) as (figure, axes):
        for number, curve in enumerate(curves):
            # Lines step aside so that their whiskers do not lie on one another.
            aside = 0.06 * (number - (len(curves) - 1) / 2)
            x = [p.x + aside for p in curve.points]
            for place, p in zip(x, curve.points, strict=True):
                if p.low is not None and p.high is not None:
                    axes.plot([place] * 2, [p.low, p.high], color=colour(number), alpha=0.5)
            _dots(axes, x, [p.y for p in curve.points], curve.name, number)
        axes.set_xticks(range(len(steps)), [fill(step, _STEP) for step in steps], fontsize=8)
        axes.set_xlim(-0.4, len(steps) - 0.6)
        axes.set(ylabel=label)
        axes.grid(axis="y", color=LINE, linewidth=0.5)
        legend(figure, [curve.name for curve in curves], columns=3)
        return svg(figure, f"{label} over the steps")


def thin(points: Points) -> Points:
    """Return at most 60 of a line's points, both ends among them, evenly along its length."""
    if len(points) <= _MOST_POINTS:
        return points
    xy = np.array(points, dtype=np.float64)
    along = np.concatenate([[0.0], np.abs(np.diff(xy, axis=0)).sum(axis=1).cumsum()])
    wanted = np.linspace(0, along[-1], _MOST_POINTS)
    kept = np.unique(np.searchsorted(along, wanted).clip(0, len(points) - 1))
    return tuple(points[i] for i in (*kept[:-1], len(points) - 1))


def _lines(axes: Axes, curves: Mapping[str, Points]) -> None:
    for number, (name, points) in enumerate(curves.items()):
        xy = np.array(thin(points), dtype=np.float64).reshape(-1, 2)
        axes.plot(
            xy[:, 0], xy[:, 1], color=colour(number), linewidth=1.5, label=name,
            linestyle=_dash(number, len(COLOURS)),
        )  # fmt: skip


def _unit(axes: Axes, x: str, y: str) -> None:
    ticks = [0, 0.25, 0.5, 0.75, 1.0]
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", xlabel=x, ylabel=y)
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.grid(color=LINE, linewidth=0.4)


def _banded(axes: Axes, curve: Curve, number: int) -> None:
    x = [p.x for p in curve.points]
    low = [p.y if p.low is None else p.low for p in curve.points]
    high = [p.y if p.high is None else p.high for p in curve.points]
    axes.fill_between(x, low, high, color=colour(number), alpha=0.13, linewidth=0)
    _dots(axes, x, [p.y for p in curve.points], curve.name, number)


def _dots(axes: Axes, x: Sequence[float], y: Sequence[float], name: str, number: int) -> None:
    axes.plot(
        x, y, color=colour(number), linewidth=1.5, label=name, marker="o", markersize=4.5,
        mew=0, linestyle=_dash(number, 4),
    )  # fmt: skip


def _dash(number: int, every: int) -> str | tuple[int, tuple[float, ...]]:
    """Return a line's dashes: they change when the colours have run through."""
    return DASHES[(number // every) % len(DASHES)]
